//! The moment of a line: RFC 3339, UTC, microseconds. The part up to the second is made once a second and thread.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The text of the second that was asked for last.
#[derive(Default)]
pub(crate) struct Stamp {
    second: Option<u64>,
    /// `2026-11-21T07:10:28`
    text: String,
}

// === impl Stamp ===

impl Stamp {
    /// Appends `2026-11-21T07:10:28.123456Z`.
    pub(crate) fn write(&mut self, out: &mut String, at: Duration) {
        out.push_str(self.second(at.as_secs()));
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(1_000_000 + at.subsec_micros()).as_bytes();
        let mut end = *b".000000Z";
        if let (Some(to), Some(from)) = (end.get_mut(1..7), digits.get(1..7)) {
            to.copy_from_slice(from);
        }
        out.push_str(str::from_utf8(&end).unwrap_or_default());
    }

    /// Appends `07:10:28.123`, for people.
    pub(crate) fn write_clock(&mut self, out: &mut String, at: Duration) {
        out.push_str(&self.second(at.as_secs())[11..]);
        push_fraction(out, at.subsec_millis(), 1_000);
    }

    fn second(&mut self, second: u64) -> &str {
        if self.second != Some(second) {
            self.text.clear();
            let known =
                i64::try_from(second).ok().and_then(|second| jiff::Timestamp::from_second(second).ok());
            let text = known.unwrap_or(jiff::Timestamp::UNIX_EPOCH).strftime("%Y-%m-%dT%H:%M:%S");
            let _ = std::fmt::Write::write_fmt(&mut self.text, format_args!("{text}"));
            self.second = Some(second);
        }
        &self.text
    }
}

/// How long it is since 1970; zero for a clock that is set before that.
#[expect(
    clippy::disallowed_methods,
    reason = "a line says when it was written, by the wall clock, and decides nothing"
)]
pub(crate) fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Appends a dot, and as many digits as `unit`, which a value is less than, has zeros.
fn push_fraction(out: &mut String, value: u32, unit: u32) {
    out.push('.');
    out.push_str(&itoa::Buffer::new().format(unit + value)[1..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, micros: u64) -> (String, String) {
        let (mut stamp, mut long, mut short) = (Stamp::default(), String::new(), String::new());
        let at = Duration::from_secs(seconds) + Duration::from_micros(micros);
        stamp.write(&mut long, at);
        stamp.write_clock(&mut short, at);
        (long, short)
    }

    #[test]
    fn a_moment_is_written_with_all_its_digits() {
        assert_eq!(at(1_795_245_028, 7), ("2026-11-21T07:10:28.000007Z".into(), "07:10:28.000".into()));
        assert_eq!(at(0, 999_999), ("1970-01-01T00:00:00.999999Z".into(), "00:00:00.999".into()));
        assert_eq!(at(951_782_400, 0).0, "2000-02-29T00:00:00.000000Z");
    }

    #[test]
    fn the_next_second_is_made_anew_and_a_clock_set_back_too() {
        let mut stamp = Stamp::default();
        let texts: Vec<String> = [10, 11, 10]
            .map(|second| {
                let mut out = String::new();
                stamp.write(&mut out, Duration::from_secs(second));
                out
            })
            .into();
        assert_eq!(texts[0], "1970-01-01T00:00:10.000000Z");
        assert_eq!(texts[1], "1970-01-01T00:00:11.000000Z");
        assert_eq!(texts[2], texts[0]);
    }

    #[test]
    fn a_moment_beyond_the_calendar_does_not_panic() {
        assert!(at(u64::MAX, 0).0.starts_with("1970"));
    }
}
