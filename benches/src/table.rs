//! What people read: a line for each row, and below it one for each further peer.

use serde_json::{Value, json};

use crate::measure::Line;

/// The whole table, as markdown.
#[must_use]
pub fn table(lines: &[Line]) -> String {
    let head = ["hot path", "bare ns", "ours ns", "budget", "met", "peer", "peer ns", "ratio", "allocs"];
    let mut rows: Vec<[String; 9]> = Vec::new();
    for line in lines {
        for (at, peer) in line.peers.iter().enumerate() {
            let first = |text: String| if at == 0 { text } else { String::new() };
            rows.push([
                first(line.name.to_owned()),
                first(format!("{:.1}", line.bare_ns)),
                first(format!("{:.1}", line.ours_ns)),
                first(format!("≤ {:.1}", line.budget_ns)),
                first(if line.within_budget { "yes" } else { "NO" }.to_owned()),
                peer.peer.to_owned(),
                format!("{:.1}", peer.ns),
                format!("{:.3}", peer.ratio),
                format!("{} / {}", line.allocations, peer.allocations),
            ]);
        }
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

/// The same for programs. Of nothing that was measured nothing is said: then it is `null`. `all_without_allocation` is about the rows
/// that may not allocate, `all_within_allocations` about all.
#[must_use]
pub fn json(lines: &[Line], skipped: &[&str]) -> Value {
    let all = |is_so: fn(&Line) -> bool| (!lines.is_empty()).then(|| lines.iter().all(is_so));
    json!({
        "rows": lines,
        "skipped": skipped,
        "worst_ratio": lines.iter().map(|line| line.ratio).reduce(f64::max),
        "all_faster": all(|line| line.ratio < 1.0),
        "all_within_budget": all(|line| line.within_budget),
        "all_without_allocation": all(|line| line.allocations == 0.0 || line.allocations_max > 0.0),
        "all_within_allocations": all(|line| line.allocations <= line.allocations_max),
    })
}

/// What was missed, in one line.
#[must_use]
pub fn verdict(lines: &[Line]) -> String {
    let misses = misses(lines);
    match (lines.len(), misses.len()) {
        (0, _) => "nothing was measured".to_owned(),
        (_, 0) => "nothing was missed".to_owned(),
        (_, n) => format!("{n} missed: {}", misses.join("; ")),
    }
}

/// What was missed, in words; empty if nothing was.
#[must_use]
pub fn misses(lines: &[Line]) -> Vec<String> {
    let mut out = Vec::new();
    for line in lines {
        if !line.within_budget {
            out.push(format!("{}: {:.1} ns, budget {:.1} ns", line.name, line.ours_ns, line.budget_ns));
        }
        if line.ratio >= 1.0 {
            out.push(format!(
                "{}: {:.1} ns, {} takes {:.1} ns",
                line.name, line.ours_ns, line.peer, line.peer_ns
            ));
        }
        if line.allocations > line.allocations_max {
            out.push(format!(
                "{}: {} allocations, {} allowed",
                line.name, line.allocations, line.allocations_max
            ));
        }
    }
    out
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

    fn line(ratio: f64, within_budget: bool, allocations: f64) -> Line {
        Line {
            name: "row",
            threads: 1,
            bare_ns: 1.0,
            ours_ns: 10.0,
            budget_ns: 20.0,
            within_budget,
            allocations,
            allocations_max: 0.0,
            peer: "peer",
            peer_ns: 10.0 / ratio,
            ratio,
            peers: Vec::new(),
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
            (line(1.0, true, 0.0), "all_faster"),
            (line(0.5, false, 0.0), "all_within_budget"),
            (line(0.5, true, 1.0), "all_without_allocation"),
        ] {
            let lines = [good.clone(), bad];
            assert_eq!(json(&lines, &[])[key], false, "{key}");
            assert!(verdict(&lines).starts_with("1 missed: row"), "{key}");
        }
    }
}
