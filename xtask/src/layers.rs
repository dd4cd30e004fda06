//! `cargo xtask layers`: who leans on whom, held against the table of ARCHITECTURE.md, "Who may lean on whom".
//!
//! It reads the manifests, so an edge behind a feature or for another platform counts like any other. Normal and build
//! dependencies are held to the table; dev-dependencies are free, because nobody who uses a crate gets them. What comes
//! in through the dependencies of a dependency is the business of `cargo deny` and the wrappers in `deny.toml`.

mod members;
mod rules;
mod table;

use std::path::PathBuf;

use self::members::{Kind, Member};
use self::table::Place;
use crate::failure::Failure;
use crate::{out, workspace};

/// Hold who leans on whom against the layers of ARCHITECTURE.md.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The manifest of another workspace to look at.
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

// === impl Args ===

impl Args {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let metadata = match &self.manifest_path {
            Some(path) => workspace::metadata(path)?,
            None => workspace::own()?,
        };
        check(&members::of(&metadata))
    }
}

/// Holds this workspace against the table.
pub(crate) fn check_own() -> Result<(), Failure> {
    check(&members::of(&workspace::own()?))
}

fn check(members: &[Member]) -> Result<(), Failure> {
    out::line(picture(members));
    let wrong = rules::check(members);
    for wrong in &wrong {
        out::line(format_args!("wrong: {wrong}"));
    }
    match wrong.as_slice() {
        [] => Ok(()),
        [one] => Err(Failure::new(format!("layers: {one}"))),
        [first, ..] => Err(Failure::new(format!("layers: {} wrong, the first: {first}", wrong.len()))),
    }
}

/// One line for each member, lowest layer first, with the crates of the house that it leans on.
fn picture(members: &[Member]) -> String {
    let mut rows: Vec<_> = members.iter().map(|member| (place(&member.name), member)).collect();
    rows.sort_by(|(a, x), (b, y)| (a, &x.name).cmp(&(b, &y.name)));
    let name_len = members.iter().map(|member| member.name.len()).max().unwrap_or_default();
    let mut lines =
        vec![format!("layer  {:name_len$}  leans on (? behind a feature, ! while building)", "crate")];
    lines.extend(rows.iter().map(|(place, member)| {
        format!("{place:<5}  {:name_len$}  {}", member.name, leans_on(member, members))
    }));
    lines.push(
        "Dev-dependencies are free and not shown; only on a tool of the repository nobody may lean.".into(),
    );
    lines.join("\n")
}

fn place(name: &str) -> String {
    table::place(name).map_or_else(|| "-".into(), |place: Place| place.to_string())
}

fn leans_on(member: &Member, members: &[Member]) -> String {
    let ours = |name: &str| table::place(name).is_some() || members.iter().any(|member| member.name == name);
    let mut names: Vec<_> = member
        .edges
        .iter()
        .filter(|edge| edge.kind != Kind::Dev && ours(&edge.to))
        .map(|edge| {
            let build = if edge.kind == Kind::Build { "!" } else { "" };
            let optional = if edge.optional { "?" } else { "" };
            format!("{}{optional}{build}", edge.to)
        })
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() { "nothing of ours".into() } else { names.join(" ") }
}
