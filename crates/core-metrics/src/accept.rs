/// The form of the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own, version 0.0.4.
    #[default]
    Prometheus,
    /// `OpenMetrics` 1.0, which has units and exemplars.
    OpenMetrics,
}

/// What to answer a scrape with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// For the header `Content-Type`, without which Prometheus 3 refuses the text.
    pub content_type: &'static str,
    /// The text.
    pub body: String,
}

/// How much one form is asked for, and how specific that was.
#[derive(Clone, Copy, Default)]
struct Asked {
    specific: u8,
    weight: u16,
}

// === impl Format ===

impl Format {
    /// What a header `Accept` asks for: the one of greater weight, and [`Prometheus`](Self::Prometheus) where it asks for neither,
    /// or there is no header. As RFC 9110 has it, of all that speaks of one form what is most specific counts.
    ///
    /// ```
    /// use core_metrics::Format;
    ///
    /// let asked = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
    /// assert_eq!(Format::negotiate(Some(asked)), Format::OpenMetrics);
    /// assert_eq!(Format::negotiate(Some("text/html")), Format::Prometheus);
    /// ```
    #[must_use]
    pub fn negotiate(accept: Option<&str>) -> Self {
        let (mut open, mut plain) = (Asked::default(), Asked::default());
        // Nobody sends more kinds than this.
        for asked in accept.unwrap_or_default().split(',').take(64) {
            let mut parts = asked.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let (mut version, mut weight) = (None, 1000);
            for (key, value) in parts.filter_map(|part| part.split_once('=')) {
                let value = value.trim().trim_matches('"');
                match key.trim().to_ascii_lowercase().as_str() {
                    "version" => version = Some(value),
                    "q" => weight = thousandths(value).unwrap_or(0),
                    _ => {}
                }
            }
            match (kind.as_str(), version) {
                ("application/openmetrics-text", Some("1.0.0")) => open.say(3, weight),
                ("application/openmetrics-text", None) => open.say(2, weight),
                ("text/plain", Some("0.0.4")) => plain.say(3, weight),
                ("text/plain", None) => plain.say(2, weight),
                ("text/*", None) => plain.say(1, weight),
                ("*/*", None) => plain.say(0, weight),
                _ => {}
            }
        }
        // What is asked for as much as the plain text, and by name, is wanted for what it has more.
        if open.weight > 0 && open.weight >= plain.weight { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// For the header `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

// === impl Asked ===

impl Asked {
    fn say(&mut self, specific: u8, weight: u16) {
        if (specific, weight) > (self.specific, self.weight) {
            *self = Self { specific, weight };
        }
    }
}

/// A weight of RFC 9110 in thousandths: `0.5` is 500.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    if rest.len() > 3 || !rest.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let rest: u16 = format!("{rest:0<3}").parse().ok()?;
    match (whole, rest) {
        ("0", _) => Some(rest),
        ("1", 0) => Some(1000),
        _ => None,
    }
}
