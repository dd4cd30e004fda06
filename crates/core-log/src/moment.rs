//! When a line was written, and which of the lines of that moment comes first.

use std::cell::Cell;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use core_context::SpanId;

use crate::line::Line;
use crate::schema::Who;
use crate::stamp;

/// The moment of a line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moment {
    /// Since 1970.
    pub(crate) at: Duration,
    /// What orders lines of the same microsecond: the nanoseconds that their time does not show, and then a number that grows with
    /// every line of a thread. Below 2^53, so that whoever reads numbers of JSON as floats reads all of it. Zero where it is not asked
    /// for.
    pub(crate) turn: u64,
}

/// What a thread has to give out.
#[derive(Clone, Copy)]
struct Numbers {
    next: u64,
    end: u64,
    last: Duration,
}

/// Threads take numbers by so many: one that all of them shared would cost each line the cache line that it is in.
const BLOCK: u64 = 1024;

/// A process has to write a million lines a second for a hundred days to see a number again; with the time beside it, it is
/// another line even so.
const NUMBER_BITS: u32 = 43;

static BLOCKS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static NUMBERS: Cell<Numbers> = const { Cell::new(Numbers { next: 0, end: 0, last: Duration::ZERO }) };
}

/// What tells the lines of this process from those of all others: when it first logged, in seconds, and chance. 16 digits.
static PROCESS: LazyLock<String> = LazyLock::new(|| {
    let (start, chance) = (stamp::wall().as_secs(), SpanId::generate().as_u64());
    format!("{:08x}{:08x}", start & 0xffff_ffff, chance & 0xffff_ffff)
});

// === impl Moment ===

impl Moment {
    pub(crate) fn now() -> Self {
        Self { at: stamp::wall(), turn: 0 }
    }

    /// The same, with its turn. The numbers of a thread grow from block to block.
    pub(crate) fn numbered() -> Self {
        let at = stamp::wall();
        let mut numbers = NUMBERS.get();
        if numbers.next == numbers.end {
            numbers.next = BLOCKS.fetch_add(1, Ordering::Relaxed).wrapping_mul(BLOCK);
            numbers.end = numbers.next.wrapping_add(BLOCK);
        }
        // A clock that is set back by less than a microsecond must not turn two lines around: their times are the same.
        let is_back = at < numbers.last && at.as_micros() == numbers.last.as_micros();
        numbers.last = if is_back { numbers.last } else { at };
        let moment = Self::of(numbers.last, numbers.next);
        numbers.next += 1;
        NUMBERS.set(numbers);
        moment
    }

    fn of(at: Duration, number: u64) -> Self {
        let below = u64::from(at.subsec_nanos() % 1_000);
        Self { at, turn: below << NUMBER_BITS | number & ((1 << NUMBER_BITS) - 1) }
    }

    /// Appends the turn in 14 digits, which have the order of what they stand for.
    pub(crate) fn push_turn(self, out: &mut String) {
        let mut digits = [0; 14];
        for (at, digit) in digits.iter_mut().rev().enumerate() {
            *digit = b"0123456789abcdef"[(self.turn >> (4 * at) & 0xf) as usize];
        }
        out.push_str(str::from_utf8(&digits).unwrap_or_default());
    }
}

// === impl Line ===

impl Line<'_> {
    /// The turn as a member, if lines have one.
    pub(crate) fn turn(&mut self, who: &Who) {
        if let Some(before) = &who.turn {
            self.push(before);
            self.push(itoa::Buffer::new().format(self.moment.turn));
        }
    }

    /// The same as the end of an id that no other line has, and that has the order of the lines.
    pub(crate) fn turn_digits(&mut self, who: &Who, after: &str) {
        if let Some(before) = &who.turn {
            self.push(before);
            self.moment.push_turn(&mut self.buffers.out);
            self.push(after);
        }
    }
}

/// What the ids of the lines of this process begin with.
pub(crate) fn process() -> &'static str {
    &PROCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(moment: Moment) -> String {
        let mut out = String::new();
        moment.push_turn(&mut out);
        out
    }

    #[test]
    fn a_later_nanosecond_comes_later_and_then_a_later_number() {
        let at = Duration::from_nanos(7_001);
        let turns =
            [(at, 5), (at, 6), (at + Duration::from_nanos(1), 0), (at + Duration::from_nanos(998), 0)];
        let moments = turns.map(|(at, number)| Moment::of(at, number));
        assert!(moments.is_sorted_by(|a, b| a.turn < b.turn), "{moments:?}");
        assert!(moments.map(digits).is_sorted_by(|a, b| a < b && a.len() == 14 && b.len() == 14));
    }

    #[test]
    fn no_turn_is_more_than_a_float_holds() {
        let most = Moment::of(Duration::from_nanos(999), u64::MAX);
        assert!(most.turn < 1 << 53);
        assert_eq!(digits(most), "1f3fffffffffff");
    }

    #[test]
    fn threads_never_give_out_the_same_and_each_gives_out_ever_more() {
        let taken = || {
            std::thread::scope(|scope| {
                let number = |moment: Moment| moment.turn & ((1 << NUMBER_BITS) - 1);
                let take = || {
                    scope.spawn(move || (0..3_000).map(|_| number(Moment::numbered())).collect::<Vec<_>>())
                };
                let threads = [take(), take(), take()];
                threads.map(|thread| thread.join().unwrap_or_default())
            })
        };
        let mut all = Vec::new();
        for numbers in taken() {
            assert!(numbers.is_sorted_by(|a, b| a < b) && numbers.len() == 3_000);
            all.extend(numbers);
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 9_000);
    }

    #[test]
    fn a_process_has_a_name_of_one_length() {
        assert_eq!((process().len(), process()), (16, process()));
        assert!(process().bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
