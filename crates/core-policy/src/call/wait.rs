//! What a call that cannot go on waits for, and until when.

use std::pin::Pin;
use std::task::{Context, Poll};

use core_time::{Alarm, Instant};

use super::{Call, CallOutput, Live, Slot};
use crate::Policy;
use crate::driver::{Cutoff, Driver};

impl<P: Policy, O, F: CallOutput, J> Call<P, O, F, J> {
    pub(super) fn live(self: Pin<&mut Self>) -> (&mut Driver<P, F::Error>, &mut Alarm) {
        match self.project().slot {
            Slot::Live(Live { driver, alarm }) => (driver, alarm),
            _ => unreachable!("a call that waits has its driver"),
        }
    }

    pub(super) fn driver(self: Pin<&mut Self>) -> &mut Driver<P, F::Error> {
        self.live().0
    }

    pub(super) fn driver_and_judge(self: Pin<&mut Self>) -> (&mut Driver<P, F::Error>, &J) {
        let this = self.project();
        match this.slot {
            Slot::Live(Live { driver, .. }) => (driver, this.judge),
            _ => unreachable!("a call that waits has its driver"),
        }
    }

    /// Ready when the wait for admission has lasted too long. It may be another policy now that has it wait, with another
    /// cut-off, so this is asked for each time.
    pub(super) fn poll_turn(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let driver = self.as_mut().driver();
        driver.parked();
        let cutoff = driver.cutoff();
        self.poll_until(cutoff, cx)
    }

    /// Ready when the cut-off of the attempt has come. The first time it has to wait it asks for it.
    pub(super) fn poll_cutoff(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let (driver, alarm) = self.as_mut().live();
        let cutoff = if let Some(at) = alarm.at() {
            Cutoff { at: Some(at), now: None }
        } else {
            driver.waiting();
            driver.cutoff()
        };
        self.poll_until(cutoff, cx)
    }

    /// Ready when it is time to go on, or the cut-off has come: which moment it was.
    pub(super) fn poll_sleep(
        mut self: Pin<&mut Self>,
        until: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<Instant> {
        let (driver, alarm) = self.as_mut().live();
        let (at, now) = if let Some(at) = alarm.at() {
            (at, None)
        } else {
            let cutoff = driver.cutoff();
            (cutoff.at.map_or(until, |at| at.min(until)), cutoff.now)
        };
        self.poll_until(Cutoff { at: Some(at), now }, cx).map(|()| at)
    }

    /// Ready at the cut-off, if there is one.
    fn poll_until(self: Pin<&mut Self>, cutoff: Cutoff, cx: &mut Context<'_>) -> Poll<()> {
        let (driver, alarm) = self.live();
        let Some(at) = cutoff.at else {
            alarm.clear();
            return Poll::Pending;
        };
        if alarm.poll_until(driver.clock(), at, cx).is_ready() {
            return Poll::Ready(());
        }
        // The attempt may have spent the task's cooperative budget, and a timer without budget never fires: the clock has the last word.
        // It is asked only if it was not asked just now.
        let has_come = cutoff.now.map_or_else(|| driver.clock().reached(at).is_ok(), |now| now >= at);
        if has_come { Poll::Ready(()) } else { Poll::Pending }
    }
}
