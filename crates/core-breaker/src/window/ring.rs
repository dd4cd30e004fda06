use std::sync::atomic::{AtomicU64, Ordering};

use core_policy::stripes::Stripe;

use super::Tally;
use super::shape::BUCKETS_MAX;

/// The buckets of a thread.
#[derive(Debug, Default)]
pub(super) struct Ring([Bucket; BUCKETS_MAX as usize]);

#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) calls: Tagged,
    pub(super) failures: Tagged,
    pub(super) slow: Tagged,
}

/// A counter that belongs to one generation and one bucket index: `tag << 28 | count`.
#[derive(Debug, Default)]
pub(super) struct Tagged(AtomicU64);

/// 28 bits: 268 million calls in a bucket and thread, then the counter stands still.
const COUNT_BITS: u32 = 28;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;

// === impl Ring ===

impl Ring {
    /// The slots are a power of two, so that the slot of an index is a mask and two live indices never share one.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the mask leaves 5 bits")]
    pub(super) fn bucket(&self, index: u64) -> &Bucket {
        &self.0[(index & u64::from(BUCKETS_MAX - 1)) as usize]
    }
}

// === impl Bucket ===

impl Bucket {
    /// Counts calls. Where they take the place of a later bucket, nothing of that is left: what has failed of it would be held against the
    /// few calls that come to it from then on.
    #[inline]
    pub(super) fn call(&self, tag: u64, n: u64, stripe: &Stripe<'_, Ring>) {
        if self.calls.add(tag, n, stripe) {
            self.failures.add(tag, 0, stripe);
            self.slow.add(tag, 0, stripe);
        }
    }

    #[inline]
    pub(super) fn tally(&self, tag: u64) -> Tally {
        // Of a result that is counted in this moment one number may be there and another not yet.
        let (failures, slow, calls) = (self.failures.get(tag), self.slow.get(tag), self.calls.get(tag));
        Tally { calls, failures: failures.min(calls), slow: slow.min(calls) }
    }
}

// === impl Tagged ===

impl Tagged {
    #[inline]
    pub(super) fn add(&self, tag: u64, n: u64, stripe: &Stripe<'_, Ring>) -> bool {
        if stripe.is_own {
            self.add_own(tag, n);
            false
        } else {
            self.add_shared(tag, n)
        }
    }

    /// The same, where no other thread writes.
    #[inline]
    pub(super) fn add_own(&self, tag: u64, n: u64) {
        let held = self.0.load(Ordering::Relaxed);
        self.0.store(more(held, tag, n), Ordering::Relaxed);
    }

    /// The same, where others write too. Whether a later bucket has made room for it.
    ///
    /// Who read the clock and was held up until the ring had gone round takes the place of a bucket that is live by now, which reads as
    /// empty until the next result comes to it: what one bucket has counted so far is lost, once for each thread that was held up for 32
    /// buckets, which are half a minute where they are seconds. An earlier bucket is not turned away all the same: it is also what comes
    /// when the clock has gone back, and then nothing would be counted before it had caught up.
    #[cold]
    fn add_shared(&self, tag: u64, n: u64) -> bool {
        let mut held = self.0.load(Ordering::Relaxed);
        while let Err(now_held) =
            self.0.compare_exchange_weak(held, more(held, tag, n), Ordering::Relaxed, Ordering::Relaxed)
        {
            held = now_held;
        }
        held >> COUNT_BITS > tag
    }

    #[inline]
    fn get(&self, tag: u64) -> u64 {
        let held = self.0.load(Ordering::Relaxed);
        if held >> COUNT_BITS == tag { held & COUNT_MASK } else { 0 }
    }
}

#[inline]
fn more(held: u64, tag: u64, n: u64) -> u64 {
    let count = if held >> COUNT_BITS == tag { held & COUNT_MASK } else { 0 };
    tag << COUNT_BITS | count.saturating_add(n).min(COUNT_MASK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_1_who_was_held_up_for_a_round_empties_one_bucket_and_no_more() {
        let (ring, round) = (Ring::default(), u64::from(BUCKETS_MAX));
        let late = Stripe { value: &ring, is_own: false };
        let tally = |tag| ring.bucket(tag).tally(tag);
        for tag in round..2 * round {
            ring.bucket(tag).call(tag, 5, &late);
            ring.bucket(tag).failures.add(tag, 2, &late);
            ring.bucket(tag).slow.add(tag, 3, &late);
        }
        let held_up = 7;
        ring.bucket(held_up).call(held_up, 1, &late);
        let held: Vec<u64> = (round..2 * round).map(|tag| tally(tag).calls).collect();
        assert_eq!((held[7], held.iter().sum::<u64>()), (0, 5 * (round - 1)));
        ring.bucket(round + 7).call(round + 7, 4, &late);
        let Tally { calls, failures, slow } = tally(round + 7);
        assert_eq!((calls, failures, slow), (4, 0, 0), "the next are counted, and none of them failed");
        assert_eq!(tally(held_up).calls, 0);
        ring.bucket(2 * round + 8).call(2 * round + 8, 1, &late);
        assert_eq!(ring.bucket(round + 8).failures.get(round + 8), 2, "a new bucket writes what it has to");
    }
}
