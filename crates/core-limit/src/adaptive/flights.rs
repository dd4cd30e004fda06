use std::sync::atomic::Ordering;

use core_policy::sync::AtomicU32;

use crate::Criticality;
use crate::criticality::{COUNT, Shares, index};

/// Counts the calls that are in flight, in all and by partition.
#[derive(Debug)]
pub(super) struct Flights {
    in_flight: AtomicU32,
    /// How many may be in flight for a call of each criticality to be admitted; the first is the limit.
    limits: [AtomicU32; COUNT],
    shares: Shares,
    partitions: Box<[Part]>,
}

/// A partition: what is in flight for it, and what share of the limit is its own.
#[derive(Debug)]
struct Part {
    in_flight: AtomicU32,
    share: f64,
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// So many are in flight now, this one among them.
    Admitted(u32),
    /// As many as may be.
    Full,
    /// Some may, but not such.
    Shed,
}

// === impl Flights ===

impl Flights {
    pub(super) fn new(limit: u32, shares: Shares, partitions: impl Iterator<Item = f64>) -> Self {
        let limits = Criticality::ALL.map(|criticality| AtomicU32::new(shares.of(criticality, limit)));
        let partitions = partitions.map(|share| Part { in_flight: AtomicU32::new(0), share }).collect();
        Self { in_flight: AtomicU32::new(0), limits, shares, partitions }
    }

    #[inline]
    pub(super) fn ask(&self, criticality: Criticality, partition: Option<u8>) -> Asked {
        let limit = self.limits[index(criticality)].load(Ordering::Relaxed);
        let mut known = self.in_flight.load(Ordering::Relaxed);
        while known < limit {
            match self.in_flight.compare_exchange_weak(known, known + 1, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => {
                    if let Some(part) = self.part(partition) {
                        part.in_flight.fetch_add(1, Ordering::Relaxed);
                    }
                    return Asked::Admitted(known + 1);
                }
                Err(changed) => known = changed,
            }
        }
        // For whom a part of the limit is out of reach, there is nothing else to ask.
        if !self.shares.is_whole(criticality) {
            return Asked::Shed;
        }
        self.part(partition).map_or(Asked::Full, |part| self.ask_own(part))
    }

    /// The limit is reached: what is the partition's own is there for it still, but for calls that may not fill all of the limit.
    /// Those would take it from the more important ones it is kept for (rule AL-6).
    #[cold]
    fn ask_own(&self, part: &Part) -> Asked {
        let max = self.limit();
        let more = |count| (count < part.own(max)).then_some(count + 1);
        if part.in_flight.fetch_update(Ordering::Acquire, Ordering::Relaxed, more).is_ok() {
            return Asked::Admitted(self.in_flight.fetch_add(1, Ordering::Relaxed) + 1);
        }
        Asked::Full
    }

    #[inline]
    pub(super) fn end(&self, partition: Option<u8>) {
        if let Some(part) = self.part(partition) {
            part.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
        self.in_flight.fetch_sub(1, Ordering::Release);
    }

    /// What `in_flight` calls come to where calls of `criticality` may fill only a share: as many of the limit as they are of that.
    pub(super) fn pressure(&self, criticality: Criticality, in_flight: u32) -> u32 {
        let (limit, share) = (self.limit(), self.limits[index(criticality)].load(Ordering::Relaxed));
        let pressure = u64::from(in_flight) * u64::from(limit) / u64::from(share.max(1));
        u32::try_from(pressure).unwrap_or(u32::MAX).max(in_flight)
    }

    pub(super) fn set_limit(&self, limit: u32) {
        for criticality in Criticality::ALL {
            let limit = self.shares.of(criticality, limit);
            self.limits[index(criticality)].store(limit, Ordering::Relaxed);
        }
    }

    pub(super) fn limit(&self) -> u32 {
        self.limits[0].load(Ordering::Relaxed)
    }

    /// How many are in flight, in all or of a partition.
    pub(super) fn in_flight(&self, partition: Option<u8>) -> u32 {
        self.part(partition).map_or(&self.in_flight, |part| &part.in_flight).load(Ordering::Relaxed)
    }

    /// How many are in flight of each partition, and how many of the limit are its own.
    pub(super) fn partitions(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let limit = self.limit();
        self.partitions.iter().map(move |part| (part.in_flight.load(Ordering::Relaxed), part.own(limit)))
    }

    #[inline]
    fn part(&self, partition: Option<u8>) -> Option<&Part> {
        self.partitions.get(usize::from(partition?))
    }
}

// === impl Part ===

impl Part {
    /// How many of the limit are its own: one at least.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a u32")]
    fn own(&self, limit: u32) -> u32 {
        ((f64::from(limit) * self.share).ceil() as u32).max(1)
    }
}
