//! What was measured.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::load::Answer;
use crate::orders::Stats;
use crate::scenario::Scenario;

/// Which route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Without any protection.
    Plain,
    /// Through the pipeline.
    Protected,
}

/// Everything that is counted during a run.
#[derive(Debug)]
pub(crate) struct Recorder {
    plain: Vec<Tally>,
    protected: Vec<Tally>,
    comes_back: Option<Duration>,
    recovered_after: Option<Duration>,
}

/// One route in one phase.
#[derive(Clone, Debug)]
struct Tally {
    requests: u64,
    answered: u64,
    degraded: u64,
    /// Microseconds.
    latency: Histogram<u64>,
}

/// The object on the last line.
#[derive(Debug)]
pub(crate) struct Report(Value);

// === impl Recorder ===

impl Recorder {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let tallies = || scenario.phases().iter().map(|_| Tally::new()).collect();
        let comes_back = scenario.comes_back();
        Self { plain: tallies(), protected: tallies(), comes_back, recovered_after: None }
    }

    pub(crate) fn record(
        &mut self,
        route: Route,
        phase: usize,
        offset: Duration,
        latency: Duration,
        answer: Answer,
    ) {
        let tallies = match route {
            Route::Plain => &mut self.plain,
            Route::Protected => &mut self.protected,
        };
        tallies[phase].record(latency, answer);
        // Answers arrive out of order: the earliest good one after the return is what counts.
        if let (Route::Protected, Answer::Good, Some(back)) = (route, answer, self.comes_back)
            && offset >= back
        {
            let after = (offset + latency).saturating_sub(back);
            self.recovered_after = Some(self.recovered_after.map_or(after, |known| known.min(after)));
        }
    }

    pub(crate) fn progress(&self, scenario: &Scenario, elapsed: Duration) -> Value {
        let phase = scenario.phase_at(elapsed);
        json!({
            "elapsed": elapsed.as_secs_f64(),
            "phase": scenario.phases()[phase].name,
            "plain": self.plain[phase].to_json(false),
            "protected": self.protected[phase].to_json(true),
        })
    }
}

// === impl Tally ===

impl Tally {
    fn new() -> Self {
        // One microsecond to two seconds: a caller's patience ends before.
        let latency = Histogram::new_with_bounds(1, 2_000_000, 3).expect("the bounds are in order");
        Self { requests: 0, answered: 0, degraded: 0, latency }
    }

    fn record(&mut self, latency: Duration, answer: Answer) {
        self.requests += 1;
        self.answered += u64::from(answer != Answer::None);
        self.degraded += u64::from(answer == Answer::Degraded);
        self.latency.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).max(1));
    }

    fn sum<'a>(tallies: impl IntoIterator<Item = &'a Self>) -> Self {
        tallies.into_iter().fold(Self::new(), |mut sum, tally| {
            sum.requests += tally.requests;
            sum.answered += tally.answered;
            sum.degraded += tally.degraded;
            sum.latency.add(&tally.latency).expect("all histograms have the same bounds");
            sum
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "a run has fewer than 2^53 requests")]
    fn to_json(&self, with_degraded: bool) -> Value {
        let millis =
            |quantile| (self.requests > 0).then(|| self.latency.value_at_quantile(quantile) as f64 / 1_000.0);
        let availability = (self.requests > 0).then(|| self.answered as f64 / self.requests as f64);
        let mut object = json!({
            "requests": self.requests,
            "answered": self.answered,
            "full": self.answered - self.degraded,
            "availability": availability,
            "p50_ms": millis(0.5),
            "p99_ms": millis(0.99),
        });
        if with_degraded {
            object["degraded"] = self.degraded.into();
        }
        object
    }
}

// === impl Report ===

impl Report {
    pub(crate) fn new(
        recorder: &Recorder,
        scenario: &Scenario,
        rate: u32,
        sent_for: Duration,
        stats: Stats,
    ) -> Self {
        let phase = |(at, phase): (usize, &crate::scenario::Phase)| {
            json!({
                "name": phase.name,
                "begins": phase.begins.as_secs_f64(),
                "ends": phase.ends.as_secs_f64(),
                "plain": recorder.plain[at].to_json(false),
                "protected": recorder.protected[at].to_json(true),
            })
        };
        Self(json!({
            "seconds": seconds(sent_for),
            "rate": rate,
            "plain": Tally::sum(&recorder.plain).to_json(false),
            "protected": Tally::sum(&recorder.protected).to_json(true),
            "upstream": {"calls_while_dead": {
                "plain": stats.plain_calls_while_dead,
                "protected": stats.protected_calls_while_dead,
            }},
            "breaker": {
                "opened": stats.breaker_opened,
                "closed": stats.breaker_closed,
                "rejected": stats.breaker_rejected,
            },
            "recovered_after_ms": recorder.recovered_after.map(|after| after.as_secs_f64() * 1_000.0),
            "phases": scenario.phases().iter().enumerate().map(phase).collect::<Vec<_>>(),
        }))
    }

    pub(crate) fn to_json(&self) -> &Value {
        &self.0
    }
}

/// A run that nobody ended early takes whole seconds, and says so as a whole number.
fn seconds(duration: Duration) -> Value {
    if duration.subsec_nanos() == 0 { duration.as_secs().into() } else { duration.as_secs_f64().into() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use core_time::{ms, secs};

    use super::*;

    #[test]
    fn the_report_counts_what_was_recorded() {
        let scenario = Scenario::load(Path::new("outage"), secs(20)).unwrap();
        let mut recorder = Recorder::new(&scenario);
        recorder.record(Route::Plain, 1, secs(6), secs(1), Answer::None);
        recorder.record(Route::Protected, 1, secs(6), ms(3), Answer::Degraded);
        recorder.record(Route::Protected, 2, secs(16), ms(4), Answer::Good);
        recorder.record(Route::Protected, 2, secs(17), ms(4), Answer::Good);
        let report = Report::new(&recorder, &scenario, 10, secs(20), Stats::default());
        let json = report.to_json();
        assert_eq!(json["plain"]["availability"], 0.0);
        assert_eq!((&json["protected"]["answered"], &json["protected"]["degraded"]), (&json!(3), &json!(1)));
        assert_eq!((&json["protected"]["full"], &json["plain"]["full"]), (&json!(2), &json!(0)));
        assert_eq!(json["recovered_after_ms"], 1_004.0);
        assert_eq!(json["phases"][0]["plain"]["p99_ms"], Value::Null, "nothing was sent then");
    }

    #[test]
    fn whole_seconds_are_a_whole_number() {
        assert_eq!(seconds(secs(30)).to_string(), "30");
        assert_eq!(seconds(ms(12_500)).to_string(), "12.5");
    }
}
