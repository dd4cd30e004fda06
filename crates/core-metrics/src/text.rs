//! The two texts that Prometheus reads.

use std::fmt::Write as _;

use crate::accept::Format;
use crate::exemplar::{Exemplar, Exemplars};
use crate::name;

/// What a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
}

/// A number of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(u64),
    Signed(i64),
    Float(f64),
}

/// Writes families, each with all of its samples.
#[derive(Debug)]
pub struct Writer {
    out: String,
    format: Format,
}

// === impl Writer ===

impl Writer {
    pub(crate) fn new(format: Format) -> Self {
        Self { out: String::with_capacity(16 * 1024), format }
    }

    /// What stands before the samples of a family.
    pub(crate) fn head(&mut self, name: &str, kind: Kind, help: &str) {
        let name = match self.format {
            Format::Prometheus => name,
            Format::OpenMetrics => kind.family(name),
        };
        let (is_open, out) = (self.format == Format::OpenMetrics, &mut self.out);
        if is_open {
            for part in ["# TYPE ", name, " ", kind.as_str(), "\n"] {
                out.push_str(part);
            }
            if let Some(unit) = name::unit(name).filter(|_| kind != Kind::Info) {
                for part in ["# UNIT ", name, " ", unit, "\n"] {
                    out.push_str(part);
                }
            }
        }
        if !help.is_empty() {
            for part in ["# HELP ", name, " "] {
                out.push_str(part);
            }
            if is_open {
                escape_label(out, help);
            } else {
                escape_help(out, help);
            }
            out.push('\n');
        }
        if !is_open {
            let kind = if kind == Kind::Info { "gauge" } else { kind.as_str() };
            for part in ["# TYPE ", name, " ", kind, "\n"] {
                out.push_str(part);
            }
        }
    }

    /// One line. `labels` is what stands between the braces.
    pub(crate) fn sample(&mut self, name: &str, suffix: &str, labels: &str, value: Number) {
        self.line(name, suffix, labels, "", value);
        self.out.push('\n');
    }

    /// The lines of a histogram. `counts` are those of each bucket alone; `le` the labels of the buckets.
    pub(crate) fn histogram(
        &mut self,
        name: &str,
        labels: &str,
        (le, counts, sum): (&[String], &[u64], f64),
        exemplars: Option<&Exemplars>,
    ) {
        let mut total = 0_u64;
        for (bucket, (le, count)) in le.iter().zip(counts).enumerate() {
            total = total.wrapping_add(*count);
            self.line(name, "_bucket", labels, le, Number::Int(total));
            if self.format == Format::OpenMetrics
                && let Some(exemplar) = exemplars.and_then(|exemplars| exemplars.get(bucket))
            {
                self.exemplar(&exemplar);
            }
            self.out.push('\n');
        }
        self.sample(name, "_sum", labels, Number::Float(sum));
        self.sample(name, "_count", labels, Number::Int(total));
    }

    /// The whole text.
    pub(crate) fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }

    fn line(&mut self, name: &str, suffix: &str, labels: &str, more: &str, value: Number) {
        let out = &mut self.out;
        out.push_str(name);
        out.push_str(suffix);
        if !(labels.is_empty() && more.is_empty()) {
            out.push('{');
            out.push_str(labels);
            if !(labels.is_empty() || more.is_empty()) {
                out.push(',');
            }
            out.push_str(more);
            out.push('}');
        }
        out.push(' ');
        value.write(out);
    }

    fn exemplar(&mut self, exemplar: &Exemplar) {
        // Writing into a text cannot fail.
        let _ = write!(self.out, " # {{trace_id=\"{}\"}} ", exemplar.trace);
        Number::Float(exemplar.value).write(&mut self.out);
    }
}

// === impl Kind ===

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }

    /// What the family is called in `OpenMetrics`, where the ending belongs to the sample.
    pub(crate) fn family(self, name: &str) -> &str {
        let ending = match self {
            Self::Counter => "_total",
            Self::Info => "_info",
            Self::Gauge | Self::Histogram => "",
        };
        name.strip_suffix(ending).unwrap_or(name)
    }

    /// All names that a family takes for itself, in either text.
    pub(crate) fn claims(self, name: &str) -> Vec<String> {
        let family = self.family(name);
        let endings: &[&str] = match self {
            Self::Counter => &["", "_total", "_created"],
            Self::Gauge => &[""],
            Self::Histogram => &["", "_bucket", "_sum", "_count", "_created"],
            Self::Info => &["", "_info"],
        };
        endings.iter().map(|ending| format!("{family}{ending}")).collect()
    }
}

// === impl Number ===

impl Number {
    fn write(self, out: &mut String) {
        match self {
            Self::Int(n) => out.push_str(itoa::Buffer::new().format(n)),
            Self::Signed(n) => out.push_str(itoa::Buffer::new().format(n)),
            Self::Float(n) => float(out, n),
        }
    }
}

fn float(out: &mut String, n: f64) {
    if n.is_nan() {
        out.push_str("NaN");
    } else if n.is_infinite() {
        out.push_str(if n > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        out.push_str(ryu::Buffer::new().format_finite(n));
    }
}

/// The label of each bucket, with one more for what has no end.
pub(crate) fn le(bounds: &[f64]) -> Box<[String]> {
    let le = |bound: f64| {
        let mut text = String::from("le=\"");
        float(&mut text, bound);
        text.push('"');
        text
    };
    bounds.iter().copied().chain([f64::INFINITY]).map(le).collect()
}

/// What `OpenMetrics` asks of help as well.
pub(crate) fn escape_label(out: &mut String, text: &str) {
    escape(out, text, &['\\', '\n', '"']);
}

fn escape_help(out: &mut String, text: &str) {
    escape(out, text, &['\\', '\n']);
}

fn escape(out: &mut String, mut text: &str, special: &[char]) {
    while let Some(at) = text.find(special) {
        let (plain, rest) = text.split_at(at);
        out.push_str(plain);
        out.push_str(match rest.as_bytes()[0] {
            b'\\' => "\\\\",
            b'\n' => "\\n",
            _ => "\\\"",
        });
        text = &rest[1..];
    }
    out.push_str(text);
}
