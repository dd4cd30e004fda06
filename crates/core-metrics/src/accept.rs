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
            let (kind, parameters) = asked.split_once(';').unwrap_or((asked, ""));
            let (kind, weight) = (kind.trim().to_ascii_lowercase(), weight(parameters.split(';')));
            let version = pairs(parameters.split(';')).filter(|(key, _)| key.eq_ignore_ascii_case("version"));
            let version = version.last().map(|(_, value)| value);
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

/// The weight among parameters: 1000 where there is none, 0 where it is no weight.
pub(crate) fn weight<'p>(parameters: impl Iterator<Item = &'p str>) -> u16 {
    let weight = pairs(parameters).filter(|(key, _)| key.eq_ignore_ascii_case("q")).last();
    weight.map_or(1000, |(_, value)| thousandths(value).unwrap_or(0))
}

fn pairs<'p>(parameters: impl Iterator<Item = &'p str>) -> impl Iterator<Item = (&'p str, &'p str)> {
    let pairs = parameters.filter_map(|parameter| parameter.split_once('='));
    pairs.map(|(key, value)| (key.trim(), value.trim().trim_matches('"')))
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
