//! What people read: a line for each row, and below it one for each further peer.

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
        if line.allocations > 0.0 {
            out.push(format!("{}: {} allocations", line.name, line.allocations));
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
