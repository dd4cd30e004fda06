//! What the standard scenario promises.

use std::fmt;

use serde_json::Value;

use super::show::number;

/// A promise, and how it went with it.
pub(crate) struct Promise {
    words: String,
    outcome: Outcome,
}

enum Outcome {
    Kept,
    Broken,
    /// The run was too small to tell, and what it takes.
    Open(&'static str),
}

/// What a run has to have for some promises to be fair. Some things cost the same in a short run as in a long one: the calls until a
/// circuit can know that nothing answers, and the moment until it asks again once everything is well.
#[derive(Clone, Copy)]
struct Needs {
    seconds: f64,
    rate: f64,
    words: &'static str,
}

/// What retries gain in the phase of errors is then twice what the circuit may miss when the upstream is back.
const FOR_FULL_ANSWERS: Needs = Needs { seconds: 25.0, rate: 50.0, words: "--seconds 25 and --rate 50" };

/// The plain route then makes 1 800 calls to a dead upstream. The 200 ms until the first attempt has timed out are worth 40, and
/// some thirty calls find out whether it is back.
const FOR_FEWER_CALLS: Needs = Needs { seconds: 30.0, rate: 200.0, words: "--seconds 30 and --rate 200" };

/// The promises, judged by the report of a run; none if it was stopped before the upstream was dead.
pub(crate) fn of(report: &Value) -> Vec<Promise> {
    let calls = &report["upstream"]["calls_while_dead"];
    if number(&calls["plain"]) == 0.0 {
        return Vec::new();
    }
    let (plain, protected) = (&report["plain"], &report["protected"]);
    let phases = report["phases"].as_array().map(Vec::as_slice).unwrap_or_default();
    let slowest = phases.iter().map(|phase| number(&phase["protected"]["p99_ms"])).fold(0.0, f64::max);
    let times = number(&calls["plain"]) / number(&calls["protected"]).max(1.0);
    vec![
        Promise::new(
            number(&protected["availability"]) >= 0.999,
            "protected answers at least 99.9 %".to_owned(),
        ),
        Promise::new(number(&plain["availability"]) < 0.9, "plain answers less than 90 %".to_owned()),
        Promise::new(
            slowest < 300.0,
            format!("protected p99 is under 300 ms in every phase ({slowest:.0} ms)"),
        ),
        Promise::new(
            number(&protected["full"]) >= number(&plain["full"]),
            format!(
                "protected gives at least as many full answers ({} to {})",
                protected["full"], plain["full"]
            ),
        )
        .needs(FOR_FULL_ANSWERS, report),
        Promise::new(
            times >= 20.0,
            format!("a dead upstream gets at least 20 times fewer calls ({times:.0} times)"),
        )
        .needs(FOR_FEWER_CALLS, report),
    ]
}

// === impl Promise ===

impl Promise {
    fn new(kept: bool, words: String) -> Self {
        Self { words, outcome: if kept { Outcome::Kept } else { Outcome::Broken } }
    }

    /// In a smaller run it may have been kept, and may not have been broken.
    fn needs(self, needs: Needs, report: &Value) -> Self {
        let is_enough = number(&report["seconds"]) >= needs.seconds && number(&report["rate"]) >= needs.rate;
        match self.outcome {
            Outcome::Broken if !is_enough => Self { outcome: Outcome::Open(needs.words), ..self },
            _ => self,
        }
    }

    pub(crate) fn is_broken(&self) -> bool {
        matches!(self.outcome, Outcome::Broken)
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = &self.words;
        match self.outcome {
            Outcome::Kept => write!(f, "✓ {words}"),
            Outcome::Broken => write!(f, "✗ {words}"),
            Outcome::Open(needs) => write!(f, "· {words}: not judged, as it takes {needs} to tell"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(seconds: u32, rate: u32, full: u32, dead: u32) -> Value {
        json!({
            "seconds": seconds,
            "rate": rate,
            "plain": {"availability": 0.65, "full": 3_900},
            "protected": {"availability": 1.0, "full": full},
            "upstream": {"calls_while_dead": {"plain": 1_800, "protected": dead}},
            "phases": [{"protected": {"p99_ms": 120.0}}, {"protected": {"p99_ms": 251.0}}],
        })
    }

    fn marks(report: &Value) -> String {
        of(report).iter().filter_map(|promise| promise.to_string().chars().next()).collect()
    }

    #[test]
    fn a_run_that_keeps_all_has_a_mark_for_each() {
        assert_eq!(marks(&report(30, 200, 3_900, 90)), "✓✓✓✓✓");
        assert!(!of(&report(30, 200, 3_900, 90)).iter().any(Promise::is_broken));
    }

    #[test]
    fn fewer_full_answers_than_without_protection_break_a_promise() {
        let promises = of(&report(30, 200, 3_899, 90));
        assert!(promises[3].is_broken());
        assert_eq!(promises[3].to_string(), "✗ protected gives at least as many full answers (3899 to 3900)");
    }

    #[test]
    fn a_short_run_breaks_no_promise_that_it_could_not_keep() {
        assert_eq!(marks(&report(30, 200, 3_899, 91)), "✓✓✓✗✗");
        assert_eq!(marks(&report(10, 200, 3_899, 91)), "✓✓✓··");
        assert_eq!(marks(&report(30, 49, 3_899, 91)), "✓✓✓··");
        assert_eq!(marks(&report(10, 200, 3_900, 90)), "✓✓✓✓✓", "what was kept was kept");
        let open = of(&report(10, 200, 3_900, 91)).remove(4).to_string();
        assert!(
            open.ends_with("(20 times): not judged, as it takes --seconds 30 and --rate 200 to tell"),
            "{open}"
        );
    }

    #[test]
    fn a_run_that_was_stopped_before_the_worst_promises_nothing() {
        let mut stopped = report(3, 200, 600, 0);
        stopped["upstream"]["calls_while_dead"]["plain"] = json!(0);
        assert_eq!(marks(&stopped), "");
    }

    #[test]
    fn what_does_not_hang_on_the_length_is_always_judged() {
        let mut slow = report(5, 1, 3_900, 90);
        slow["phases"][0]["protected"]["p99_ms"] = json!(300.0);
        assert_eq!(marks(&slow), "✓✓✗✓✓");
    }
}
