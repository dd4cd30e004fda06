//! What was missed, in words.

use crate::behind;
use crate::measure::Line;

/// A budget, a peer or another bound that was missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// What, in words.
    pub what: String,
    /// Whether it is more than what the medians may be wrong by. Allocations always are.
    pub is_certain: bool,
}

/// What a row missed; nothing, if it missed nothing. Where it is known that a peer is faster, and by no more than that, nothing is missed.
#[must_use]
pub fn misses(line: &Line) -> Vec<Miss> {
    let mut out = Vec::new();
    let mut missed = |what, is_certain| out.push(Miss { what, is_certain });
    let Line { name, ours_ns: ours, ours_margin_ns: margin, .. } = *line;
    if let Some(budget) = line.budget_ns.filter(|_| !line.is_in_budget()) {
        missed(format!("{name}: {ours:.1} ns, budget {budget:.1} ns"), !line.may_be_in_budget());
    }
    for other in line.beside.iter().filter(|other| !other.is_met) {
        let (row, ns, allowed) = (other.row, other.ns, other.allowed().unwrap_or_default());
        missed(format!("{name}: {ours:.1} ns, {row} takes {ns:.1} ns, {allowed} allowed"), !other.may_be_met);
    }
    let most = behind::of(name).map_or(1.0, |behind| behind.ratio_max);
    if let Some(best) = line.peers.first().filter(|best| best.ratio >= most) {
        let is_certain = ours - margin > (best.ns + best.margin_ns) * most;
        missed(format!("{name}: {ours:.1} ns, {} takes {:.1} ns", best.peer, best.ns), is_certain);
    }
    if line.allocations > line.allocations_max {
        let (made, allowed) = (line.allocations, line.allocations_max);
        missed(format!("{name}: {made} allocations, {allowed} allowed"), true);
    }
    out
}

/// The same of all rows: what is certain, and what may be noise.
#[must_use]
pub fn of_all(lines: &[Line]) -> (Vec<String>, Vec<String>) {
    let (certain, noise): (Vec<_>, Vec<_>) = lines.iter().flat_map(misses).partition(|miss| miss.is_certain);
    let words = |misses: Vec<Miss>| misses.into_iter().map(|miss| miss.what).collect();
    (words(certain), words(noise))
}

/// What was missed for certain, in one line.
#[must_use]
pub fn verdict(lines: &[Line]) -> String {
    let (certain, _) = of_all(lines);
    match (lines.len(), certain.len()) {
        (0, _) => "nothing was measured".to_owned(),
        (_, 0) => "nothing was missed".to_owned(),
        (_, n) => format!("{n} missed: {}", certain.join("; ")),
    }
}

// === impl Line ===

impl Line {
    /// Whether it keeps to its own budget, whatever other rows take.
    pub(crate) fn is_in_budget(&self) -> bool {
        self.budget_ns.is_none_or(|budget| self.ours_ns <= budget)
    }

    /// Whether it does at that end of its margin which is better for us.
    pub(crate) fn may_be_in_budget(&self) -> bool {
        self.budget_ns.is_none_or(|budget| self.ours_ns - self.ours_margin_ns <= budget)
    }
}
