use std::fmt;

use super::members::{Edge, Kind, Member};
use super::table::{self, CLIENTS_FROM, Place};

/// An edge, or a crate, that the table does not have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    what: String,
    why: String,
    right: String,
}

/// Everything that is wrong, in the order of the members.
pub(super) fn check(members: &[Member]) -> Vec<Wrong> {
    members.iter().flat_map(check_member).collect()
}

fn check_member(member: &Member) -> Vec<Wrong> {
    let Some(place) = table::place(&member.name) else {
        return vec![Wrong {
            what: member.name.clone(),
            why: "is a member of the workspace and in no layer".into(),
            right: "a place for it in ARCHITECTURE.md and in xtask/src/layers/table.rs".into(),
        }];
    };
    let edges = member.edges.iter();
    edges
        .filter_map(|edge| {
            let (why, right) = check_edge(place, &member.name, edge)?;
            let kind = match edge.kind {
                Kind::Normal => "",
                Kind::Build => " (build)",
                Kind::Dev => " (dev)",
            };
            Some(Wrong { what: format!("{} → {}{kind}", member.name, edge.to), why, right })
        })
        .collect()
}

/// Why the edge is wrong and what would be right.
fn check_edge(place: Place, from: &str, edge: &Edge) -> Option<(String, String)> {
    match (place, table::place(&edge.to)) {
        (_, Some(Place::Tool)) => Some(onto_a_tool()),
        (Place::Tool, _) => None,
        _ if edge.kind == Kind::Dev => None,
        _ if table::whole_of(&edge.to).is_some() => check_part(from, &edge.to),
        (Place::Layer(from_layer), Some(Place::Layer(to))) => check_layers(from_layer, (&edge.to, to)),
        (Place::Layer(layer), None) => check_foreign(layer, from, edge),
    }
}

fn onto_a_tool() -> (String, String) {
    (
        "nothing may use a tool of the repository".into(),
        "what is needed moves to a crate of a layer, and both use it there".into(),
    )
}

/// A part is nobody's but its whole's.
fn check_part(from: &str, part: &str) -> Option<(String, String)> {
    let whole = table::whole_of(part).filter(|whole| *whole != from)?;
    Some((
        format!("{part} is a part of {whole}, and only {whole} leans on it"),
        format!("{whole} with the feature that turns its part on"),
    ))
}

fn check_layers(from: usize, (name, to): (&str, usize)) -> Option<(String, String)> {
    if to < from {
        return None;
    }
    let below = match from {
        0 => "nothing".into(),
        n => format!("layers below {n}: {}", (0..n).map(table::layer).collect::<Vec<_>>().join(", ")),
    };
    Some(if to == from {
        (
            format!("both are in layer {from}, and the crates of a layer never lean on each other"),
            format!(
                "what they share goes further down, or a crate of layer {} joins them; from here: {below}",
                from + 1
            ),
        )
    } else {
        (
            format!("layer {from} would lean on layer {to}, which stands above it"),
            format!("a small trait down here that {name} implements; from here: {below}"),
        )
    })
}

fn check_foreign(layer: usize, from: &str, edge: &Edge) -> Option<(String, String)> {
    if layer < CLIENTS_FROM {
        let through = format!("a trait of {from} that a crate of layer {CLIENTS_FROM} implements with it");
        let is_for_errors = edge.optional && table::knows_errors(from, &edge.to);
        if table::is_client(&edge.to) && !is_for_errors {
            let why = format!(
                "layer {layer} opens no socket: clients of others enter from layer {CLIENTS_FROM} up"
            );
            return Some((why, through));
        }
        if let Some(feature) = edge.features.iter().find(|feature| table::opens_sockets(&edge.to, feature)) {
            let why = format!("its feature `{feature}` opens sockets, and layer {layer} does not");
            return Some((why, format!("{} without `{feature}`, or {through}", edge.to)));
        }
    }
    if layer == 0 && table::is_runtime(&edge.to) && !edge.optional {
        let why = "layer 0 has no runtime".into();
        return Some((why, "`optional = true`, behind a feature".into()));
    }
    None
}

// === impl Wrong ===

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, why, right } = self;
        write!(f, "{what}: {why}; right would be: {right}")
    }
}

#[cfg(test)]
mod tests;
