//! What people see of a run.

use std::io::{IsTerminal, Write, stderr};

use serde_json::Value;

use crate::out;

/// A line that tells how the run goes: redrawn on a terminal, once a phase elsewhere.
pub(crate) struct Progress {
    seconds: u32,
    is_terminal: bool,
    phase: String,
}

/// How wide the bar of the progress is.
const BARS: usize = 24;

// === impl Progress ===

impl Progress {
    pub(crate) fn new(seconds: u32) -> Self {
        Self { seconds, is_terminal: stderr().is_terminal(), phase: String::new() }
    }

    pub(crate) fn show(&mut self, now: &Value) {
        let phase = now["phase"].as_str().unwrap_or_default();
        let elapsed = number(&now["elapsed"]).min(f64::from(self.seconds));
        if self.is_terminal {
            let done = "█".repeat(bars(elapsed / f64::from(self.seconds)));
            let bar = format!("{done:░<BARS$}");
            let line = format!(
                "\r\x1b[K{bar} {elapsed:4.0}/{} s  upstream {phase:<9} plain {} answered   protected {} answered, {} degraded",
                self.seconds,
                percent(&now["plain"]["availability"]),
                percent(&now["protected"]["availability"]),
                now["protected"]["degraded"],
            );
            stderr().write_all(line.as_bytes()).and_then(|()| stderr().flush()).ok();
        } else if phase != self.phase {
            out::note(format_args!("{elapsed:4.0}/{} s  upstream: {phase}", self.seconds));
        }
        phase.clone_into(&mut self.phase);
    }

    pub(crate) fn end(&self) {
        if self.is_terminal {
            stderr().write_all(b"\r\x1b[K").ok();
        }
    }
}

/// The table at the end.
pub(crate) fn table(report: &Value) {
    let phases = report["phases"].as_array().map(Vec::as_slice).unwrap_or_default();
    let head = "                             plain                                    protected";
    let columns =
        "upstream    answered    full      p50      p99      answered    full  degraded      p50      p99";
    out::line(format_args!("\n{head}\n{columns}\n{}", "─".repeat(columns.len() + 2)));
    for phase in phases {
        row(phase["name"].as_str().unwrap_or_default(), &phase["plain"], &phase["protected"]);
    }
    out::line("─".repeat(columns.len() + 2));
    row("all", &report["plain"], &report["protected"]);
    let calls = &report["upstream"]["calls_while_dead"];
    let breaker = &report["breaker"];
    let recovered = match report["recovered_after_ms"].as_f64() {
        Some(after) => format!("{after:.0} ms after the upstream was back"),
        None => "not within the run".to_owned(),
    };
    out::line(format_args!(
        "\ncalls while the upstream was dead: {} plain, {} protected\nbreaker: opened {} times, closed {}, refused {} \
         calls\nfirst full answer: {recovered}\n",
        calls["plain"], calls["protected"], breaker["opened"], breaker["closed"], breaker["rejected"],
    ));
}

fn row(name: &str, plain: &Value, protected: &Value) {
    out::line(format_args!(
        "{name:<10} {:>9} {:>7} {:>8} {:>8}     {:>9} {:>7} {:>9} {:>8} {:>8}",
        percent(&plain["availability"]),
        plain["full"].to_string(),
        millis(&plain["p50_ms"]),
        millis(&plain["p99_ms"]),
        percent(&protected["availability"]),
        protected["full"].to_string(),
        protected["degraded"].to_string(),
        millis(&protected["p50_ms"]),
        millis(&protected["p99_ms"]),
    ));
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "0 to BARS"
)]
fn bars(share: f64) -> usize {
    (share.clamp(0.0, 1.0) * BARS as f64) as usize
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

/// Rounded down: 99.96 % is not 100 %.
fn percent(value: &Value) -> String {
    value
        .as_f64()
        .map_or_else(|| "–".to_owned(), |share| format!("{:.2} %", (share * 10_000.0).floor() / 100.0))
}

fn millis(value: &Value) -> String {
    value.as_f64().map_or_else(|| "–".to_owned(), |millis| format!("{millis:.0} ms"))
}
