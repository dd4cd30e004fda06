//! The time that a caller still has, as a header: relative, since clocks of two machines differ.

use std::time::Duration;

/// A caller that gives itself longer than a day means no limit.
const DAY: Duration = Duration::from_secs(86_400);

/// The digits of a timeout, and a blank in front of what follows them.
const DIGITS_MAX: usize = 20;

/// A time as text, without allocation.
pub(super) struct Text {
    bytes: [u8; DIGITS_MAX],
    from: usize,
}

/// Whole milliseconds in decimal digits: `x-request-timeout-ms`. `None` for anything else, and for more than a day.
#[must_use]
pub fn parse_millis(header: &[u8]) -> Option<Duration> {
    let millis = decimal(crate::w3c::trim_blanks(header), 12)?;
    Some(Duration::from_millis(millis)).filter(|time| *time <= DAY)
}

/// Up to 8 digits and a unit, `H`, `M`, `S`, `m`, `u` or `n`: `grpc-timeout`, as the protocol of gRPC has it. `None` for anything else;
/// more than a day is a day.
#[must_use]
pub fn parse_grpc(header: &[u8]) -> Option<Duration> {
    let (unit, digits) = header.split_last()?;
    let count = decimal(digits, 8)?;
    let time = match unit {
        b'H' => Duration::from_secs(count * 3_600),
        b'M' => Duration::from_secs(count * 60),
        b'S' => Duration::from_secs(count),
        b'm' => Duration::from_millis(count),
        b'u' => Duration::from_micros(count),
        b'n' => Duration::from_nanos(count),
        _ => return None,
    };
    Some(time.min(DAY))
}

fn decimal(digits: &[u8], len_max: usize) -> Option<u64> {
    if digits.is_empty() || digits.len() > len_max || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
}

// === impl Text ===

impl Text {
    /// Whole milliseconds, rounded down: a callee that thinks it has longer works for nobody.
    pub(super) fn millis(time: Duration) -> Self {
        Self::number(whole_millis(time), None)
    }

    /// The same for gRPC, which has room for 8 digits: above them in seconds.
    pub(super) fn grpc(time: Duration) -> Self {
        match whole_millis(time) {
            millis @ 0..=99_999_999 => Self::number(millis, Some(b'm')),
            millis => Self::number(millis / 1_000, Some(b'S')),
        }
    }

    /// A number in decimal digits.
    pub(super) fn number(mut number: u64, unit: Option<u8>) -> Self {
        let mut text = Self { bytes: [0; DIGITS_MAX], from: DIGITS_MAX };
        if let Some(unit) = unit {
            text.push(unit);
        }
        loop {
            text.push(b'0' + u8::try_from(number % 10).unwrap_or(0));
            number /= 10;
            if number == 0 || text.from == 0 {
                return text;
            }
        }
    }

    fn push(&mut self, byte: u8) {
        self.from -= 1;
        self.bytes[self.from] = byte;
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.from..]
    }
}

fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.min(DAY).as_millis()).unwrap_or(0)
}
