//! Where a peer is faster than we are, by how much at most, and why.
//!
//! It stands here so that `--check` fails where somebody falls behind, and not where that was chosen. The README says the same.

/// A row in which the fastest peer is faster, or as fast.
#[derive(Clone, Copy, Debug)]
pub struct Behind {
    /// Which.
    pub row: &'static str,
    /// Ours over theirs is under this.
    pub ratio_max: f64,
    /// What we have for it, or what it is that costs the same for all.
    pub why: &'static str,
}

/// All of them.
pub const ALL: &[Behind] = &[
    behind("rate_limit/allow_2_threads", 1.5, "the same word, and counts of what was allowed"),
    behind("retry/delays", 1.15, "a draw and a multiplication for each delay, in both"),
    behind("context/read", 1.15, "one reading of a variable of the thread, in both"),
    behind("executor/ahead_32", 2.5, "who wakes whom is the machine's; in some runs we take half of it"),
    behind("metrics/encode", 1.15, "what takes time is writing 20 KB of text, in both"),
    behind(
        "rate_limit/reserve",
        6.0,
        "a place in line can be given back, for which it holds the limit and what was before; until_ready does not",
    ),
    behind(
        "rate_limit/reserve_bursty",
        10.0,
        "the same, and a period of a millisecond is one of the exact clock",
    ),
    behind("rate_limit/until_ready", 1.1, "a look at a clock and one change of a word, in both"),
    behind(
        "keyed/miss_256",
        2.0,
        "nobody who is held is displaced, and who is idle goes by itself; whoever writes locks out eight readers, who share nothing",
    ),
    behind(
        "timeout/waits",
        1.7,
        "policies are asked until when a call may wait, and its timer lies outside of the future",
    ),
    behind(
        "timeout/total_waits",
        1.7,
        "policies are asked until when a call may wait, and its timer lies outside of the future",
    ),
];

/// What is known of a row.
#[must_use]
pub fn of(row: &str) -> Option<&'static Behind> {
    ALL.iter().find(|behind| behind.row == row)
}

const fn behind(row: &'static str, ratio_max: f64, why: &'static str) -> Behind {
    Behind { row, ratio_max, why }
}
