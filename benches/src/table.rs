//! What people read: a line for each row, and below it one for each further peer.

use serde_json::{Value, json};

use crate::measure::{Line, Other};
use crate::miss;

/// The whole table, as markdown.
#[must_use]
pub fn table(lines: &[Line]) -> String {
    let head = ["hot path", "bare ns", "ours ns", "budget", "met", "peer", "peer ns", "ratio", "allocs"];
    let mut rows: Vec<[String; 9]> = Vec::new();
    for line in lines {
        rows.extend(rows_of(line));
    }
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: [usize; 9] = std::array::from_fn(width);
    let mut out = text_line(&head.map(str::to_owned), &widths);
    let rule: [String; 9] = std::array::from_fn(|column| {
        let dashes = "-".repeat(widths[column] - 1);
        if is_text(column) { format!("{dashes}-") } else { format!("{dashes}:") }
    });
    out += &text_line(&rule, &widths);
    for row in &rows {
        out += &text_line(row, &widths);
    }
    out
}

/// A line for the fastest peer, or for none; below it the other peers, and the rows of ours that it is held against.
fn rows_of(line: &Line) -> Vec<[String; 9]> {
    let mut below: Vec<[String; 4]> = line
        .peers
        .iter()
        .map(|peer| {
            let allocations = format!("{} / {}", line.allocations, peer.allocations);
            [peer.peer.to_owned(), format!("{:.1}", peer.ns), format!("{:.3}", peer.ratio), allocations]
        })
        .collect();
    if below.is_empty() {
        below.push(["none".into(), "-".into(), "-".into(), line.allocations.to_string()]);
    }
    let mut rows: Vec<[String; 9]> = Vec::new();
    for (at, [peer, ns, ratio, allocations]) in below.into_iter().enumerate() {
        let first = |text: String| if at == 0 { text } else { String::new() };
        rows.push([
            first(line.name.to_owned()),
            first(format!("{:.1}", line.bare_ns)),
            first(format!("{:.1} ± {:.1}", line.ours_ns, line.ours_margin_ns)),
            first(line.budget_ns.map_or_else(|| "-".into(), |budget| format!("≤ {budget:.1}"))),
            first(met(line.is_in_budget(), line.may_be_in_budget()).to_owned()),
            peer,
            ns,
            ratio,
            allocations,
        ]);
    }
    for other in &line.beside {
        let blank = String::new;
        rows.push([
            blank(),
            blank(),
            blank(),
            other.allowed().unwrap_or_else(|| "told".into()),
            met(other.is_met, other.may_be_met).to_owned(),
            other
                .why
                .map_or_else(|| format!("our {}", other.row), |why| format!("our {} ({why})", other.row)),
            format!("{:.1}", other.ns),
            format!("{:.3}", other.ratio),
            blank(),
        ]);
    }
    rows
}

/// What is missed by less than the medians are known may be noise.
fn met(is_met: bool, may_be_met: bool) -> &'static str {
    match (is_met, may_be_met) {
        (true, _) => "yes",
        (false, true) => "NO?",
        (false, false) => "NO",
    }
}

/// The same for programs. Of nothing that was measured nothing is said: then it is `null`. `all_faster` and `worst_ratio`
/// are about the rows with peers, `all_without_allocation` about those that may not allocate, the others about all.
#[must_use]
pub fn json(lines: &[Line], skipped: &[&str]) -> Value {
    let all = |is_so: fn(&Line) -> bool| (!lines.is_empty()).then(|| lines.iter().all(is_so));
    let mut ratios = lines.iter().filter_map(|line| line.ratio).peekable();
    let is_compared = ratios.peek().is_some();
    let (missed, perhaps_missed) = miss::of_all(lines);
    json!({
        "rows": lines,
        "skipped": skipped,
        "worst_ratio": ratios.reduce(f64::max),
        "all_faster": is_compared.then(|| lines.iter().all(|line| line.ratio.is_none_or(|ratio| ratio < 1.0))),
        "all_within_budget": all(|line| line.within_budget),
        "all_without_allocation": all(|line| line.allocations == 0.0 || line.allocations_max > 0.0),
        "missed": missed,
        "perhaps_missed": perhaps_missed,
        "all_within_allocations": all(|line| line.allocations <= line.allocations_max),
    })
}

// === impl Other ===

impl Other {
    /// The bound, in words.
    pub(crate) fn allowed(&self) -> Option<String> {
        let machine = if self.machine > 1.05 { format!(" {:.2} ×", self.machine) } else { String::new() };
        let ratio = self.ratio_max.map(|max| format!("≤ {max:.1} ×{machine}"));
        ratio.or_else(|| self.over_max_ns.map(|max| format!("≤ + {max:.1}")))
    }
}

fn text_line(cells: &[String; 9], widths: &[usize; 9]) -> String {
    let mut out = String::from("|");
    for (column, cell) in cells.iter().enumerate() {
        let blanks = " ".repeat(widths[column] - cell.chars().count());
        let (before, after) = if is_text(column) { ("", &*blanks) } else { (&*blanks, "") };
        out.extend([" ", before, cell, after, " |"]);
    }
    out.push('\n');
    out
}

/// Names stand to the left, figures to the right.
fn is_text(column: usize) -> bool {
    matches!(column, 0 | 5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Peer;
    use crate::miss::verdict;

    fn line(ratio: f64, within_budget: bool, allocations: f64) -> Line {
        let peer = Peer { peer: "peer", ns: 10.0 / ratio, margin_ns: 0.1, ratio, allocations: 0.0 };
        Line {
            name: "row",
            threads: 1,
            bare_ns: 1.0,
            ours_ns: 10.0,
            ours_margin_ns: 0.1,
            spread: 0.05,
            measured: 1,
            budget_ns: Some(if within_budget { 20.0 } else { 5.0 }),
            within_budget,
            beside: Vec::new(),
            allocations,
            allocations_max: 0.0,
            peer: Some(peer.peer),
            peer_ns: Some(peer.ns),
            ratio: Some(ratio),
            peers: vec![peer],
        }
    }

    fn alone() -> Line {
        Line {
            budget_ns: None,
            peer: None,
            peer_ns: None,
            ratio: None,
            peers: Vec::new(),
            ..line(0.5, true, 0.0)
        }
    }

    fn other(ratio: f64, ratio_max: Option<f64>) -> Other {
        let is_met = ratio_max.is_none_or(|max| ratio <= max);
        Other {
            row: "other",
            ns: 10.0 / ratio,
            ratio,
            ratio_max,
            machine: 1.0,
            over_max_ns: None,
            why: None,
            is_met,
            may_be_met: is_met,
        }
    }

    #[test]
    fn of_nothing_that_was_measured_nothing_is_claimed() {
        let json = json(&[], &["row"]);
        for key in ["worst_ratio", "all_faster", "all_within_budget", "all_without_allocation"] {
            assert_eq!(json[key], Value::Null, "{key}");
        }
        assert_eq!(verdict(&[]), "nothing was measured");
    }

    #[test]
    fn each_miss_is_told() {
        let good = line(0.5, true, 0.0);
        assert_eq!(json(std::slice::from_ref(&good), &[])["all_faster"], true);
        assert_eq!(verdict(std::slice::from_ref(&good)), "nothing was missed");
        for (bad, key) in [
            (line(1.1, true, 0.0), "all_faster"),
            (line(0.5, false, 0.0), "all_within_budget"),
            (line(0.5, true, 1.0), "all_without_allocation"),
        ] {
            let lines = [good.clone(), bad];
            assert_eq!(json(&lines, &[])[key], false, "{key}");
            assert!(verdict(&lines).starts_with("1 missed: row"), "{key}");
        }
    }

    #[test]
    fn a_row_without_peers_is_in_the_table_and_loses_to_nobody() {
        let lines = [alone()];
        assert!(table(&lines).contains("| none |"), "{}", table(&lines));
        let json = json(&lines, &[]);
        assert_eq!(json["all_faster"], Value::Null, "nobody was there to be slower");
        assert_eq!(json["rows"][0]["peer"], Value::Null);
        assert_eq!(json["all_within_budget"], true);
        assert_eq!(verdict(&lines), "nothing was missed");
        let lost = [alone(), line(1.2, true, 0.0)];
        assert_eq!(super::json(&lost, &[])["all_faster"], false);
    }

    #[test]
    fn a_row_is_held_against_another_of_ours() {
        let held = |other: Other| Line { within_budget: other.is_met, beside: vec![other], ..alone() };
        let (good, bad) = (held(other(1.0, Some(1.0))), held(other(1.6, Some(1.5))));
        assert_eq!(json(std::slice::from_ref(&good), &[])["all_within_budget"], true);
        assert_eq!(verdict(&[good, held(other(7.0, None))]), "nothing was missed", "that one is only told");
        assert_eq!(json(std::slice::from_ref(&bad), &[])["all_within_budget"], false);
        assert_eq!(verdict(&[bad]), "1 missed: row: 10.0 ns, other takes 6.2 ns, ≤ 1.5 × allowed");
    }

    #[test]
    fn what_the_margins_could_make_up_is_told_apart() {
        let near = Line { ours_margin_ns: 0.5, ..line(1.02, true, 0.0) };
        let said = json(std::slice::from_ref(&near), &[]);
        assert_eq!(said["perhaps_missed"][0], "row: 10.0 ns, peer takes 9.8 ns");
        assert_eq!(said["missed"].as_array().map(Vec::len), Some(0));
        assert_eq!(verdict(&[near]), "nothing was missed", "for certain");
        let over = Line { ours_margin_ns: 0.5, budget_ns: Some(9.8), within_budget: false, ..alone() };
        assert!(table(&[over]).contains("| NO? |"));
    }
}
