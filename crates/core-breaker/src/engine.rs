use std::num::NonZeroU64;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use core_errors::{Category, Cause, Name, PolicyKind, Reason, Rejection};
use core_policy::{Counters, Rng};
use core_time::Instant;

use crate::State;
use crate::event::{Event, Outbox, Trigger};
use crate::outcome::Outcome;
use crate::round::Round;
use crate::rules::Rules;
use crate::sync::{AtomicU64, Mutex, MutexGuard};
use crate::window::{Mark, Tally, Window};
use crate::word::{Codes, GENERATION_BITS, Word, pack_cause, unpack_cause};

/// The decisions of a breaker. Pure: time and outcomes go in, decisions come out.
///
/// One atomic word says what callers need to know. While the circuit is closed nothing else is written but the thread's own
/// counters. Whatever changes the state, and whatever a probe does, happens under one lock that guards the ledger; the
/// word is published last.
#[derive(Debug)]
pub(crate) struct Engine {
    name: Name,
    rules: Rules,
    word: AtomicU64,
    /// While open: when a call may probe. While half open: when the first lease ends. Written before the word.
    until: AtomicU64,
    window: Option<Window>,
    /// The names of failures that opened it, for refusals to quote.
    codes: Codes,
    counts: Counters<COUNTS>,
    ledger: Mutex<Ledger>,
    rng: Rng,
}

/// What only the thread that changes something touches.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    round: Round,
    next_probe: u32,
    /// Reopenings since the circuit was last closed.
    reopened: u32,
    opened: u64,
    /// How long an operator wants it open, when it opens next.
    open_for: Option<Duration>,
    /// The last failure that was recorded as a cause.
    last_cause: Option<Cause>,
    pub(crate) outbox: Outbox,
}

/// The right to make one call: the generation it is of, and the number of the probe, 0 for none. One word, never zero, so that
/// having no ticket is one word too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(NonZeroU64);

/// Why there is no ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// What the circuit was.
    word: Word,
    /// When it is worth coming back, where that is known.
    until: Option<Instant>,
}

/// What is counted over the life of a breaker.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Count {
    Successes,
    Failures,
    Slow,
    Ignored,
    Inconclusive,
    Rejected,
    Late,
}

const COUNTS: usize = 7;

// === impl Engine ===

impl Ticket {
    /// The mark of a ticket: the highest bit.
    const MARK: NonZeroU64 = NonZeroU64::MIN.saturating_add((1 << 63) - 1);

    #[inline]
    fn new(word: Word, probe: u32) -> Self {
        let (generation, probe) = (u64::from(word.generation()), u64::from(probe));
        Self(Self::MARK | (probe << GENERATION_BITS | generation))
    }

    #[inline]
    fn generation(self) -> u32 {
        (self.0.get() & ((1 << GENERATION_BITS) - 1)) as u32
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the rest of the word is the mark")]
    fn probe(self) -> u32 {
        (self.0.get() >> GENERATION_BITS) as u32
    }
}

impl Refused {
    /// Whether it is known when to come back.
    #[inline]
    pub(crate) fn is_certain(self) -> bool {
        self.until.is_some()
    }

    /// Whether nothing happened that anybody is told of.
    pub(crate) fn is_quiet(self) -> bool {
        self.word.state() != State::HalfOpen
    }
}

impl Engine {
    pub(crate) fn new(name: Name, rules: Rules, rng: Rng, epoch: Instant) -> Self {
        Self {
            name,
            rules,
            word: AtomicU64::new(Word::FIRST.0),
            until: AtomicU64::new(Instant::NEVER.as_nanos()),
            window: rules.needs_window().then(|| Window::new(rules.span, epoch)),
            codes: Codes::default(),
            counts: Counters::new(),
            ledger: Mutex::new(Ledger::default()),
            rng,
        }
    }

    pub(crate) fn name(&self) -> Name {
        self.name
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// A ticket, where that needs no time: closed or disabled.
    #[inline]
    pub(crate) fn acquire_now(&self) -> Option<Ticket> {
        let word = self.load();
        matches!(word.state(), State::Closed | State::Disabled).then(|| Ticket::new(word, 0))
    }

    /// The refusal, where that is certain: the circuit is open, and will be past `latest`, which is as late as it may be now. Otherwise
    /// one that says nothing of when, which comes back in two registers where an `Option` of it would not.
    #[inline]
    pub(crate) fn refuse_now(&self, latest: Instant) -> Refused {
        let word = self.load();
        let until = self.until();
        // The two readings belong together, or it is decided with care.
        if word.state() == State::Open && until > latest && self.load() == word {
            self.refuse(word, Some(until))
        } else {
            Refused { word, until: None }
        }
    }

    /// A ticket, or why there is none.
    ///
    /// `wanted` is until when the caller waits for an answer: the lease of a probe lasts at least as long (rule CB-26).
    pub(crate) fn acquire(&self, now: Instant, wanted: Option<Instant>) -> Result<Ticket, Refused> {
        loop {
            let word = self.load();
            match word.state() {
                State::Closed | State::Disabled => {
                    return Ok(Ticket::new(word, 0));
                }
                State::ForcedOpen => return Err(self.refuse(word, None)),
                State::Open | State::HalfOpen => {}
            }
            let until = self.until();
            if self.load() != word {
                // It changed between the two readings, so they do not belong together.
                continue;
            }
            let is_due = now >= until || word.state() == State::HalfOpen && word.payload() > 0;
            if !is_due {
                return Err(self.refuse(word, (word.state() == State::Open).then_some(until)));
            }
            if let Some(ticket) = self.probe(now, wanted) {
                return Ok(ticket);
            }
        }
    }

    /// While open: when a call may probe. While half open: when the first lease ends.
    pub(crate) fn until(&self) -> Instant {
        Instant::from_nanos(self.until.load(Ordering::Acquire))
    }

    /// Sends a probe, if one is free; the state may have moved on meanwhile.
    fn probe(&self, now: Instant, wanted: Option<Instant>) -> Option<Ticket> {
        let mut ledger = self.ledger();
        let mut word = self.load();
        let until = self.until();
        if word.state() == State::Open && now >= until {
            ledger.round.start();
            self.publish(&mut ledger, State::HalfOpen, Trigger::OpenTimeOver, None, now);
            word = self.load();
        }
        if word.state() != State::HalfOpen {
            return None;
        }
        let reclaimed = ledger.round.reclaim(now);
        self.counts.add(Count::Inconclusive as usize, u64::from(reclaimed));
        if !self.decide(&mut ledger, None, now) {
            return None;
        }
        if ledger.round.free(&self.rules) == 0 {
            self.publish_round(&ledger);
            return None;
        }
        ledger.next_probe = ledger.next_probe.wrapping_add(1).max(1);
        let probe = ledger.next_probe;
        let lease_until = now + self.rules.lease;
        let wanted = wanted.filter(|_| self.rules.lease_by_caller);
        ledger.round.send(probe, wanted.map_or(lease_until, |wanted| lease_until.max(wanted)));
        self.publish_round(&ledger);
        Some(Ticket::new(word, probe))
    }

    /// Takes a result. Reads the time only if it must: coarsely for the bucket of a success, exactly where a circuit may
    /// open. Whether the state changed.
    #[inline]
    pub(crate) fn record(
        &self,
        ticket: Ticket,
        outcome: Outcome,
        slow: bool,
        now: impl FnOnce() -> Instant,
        exactly_now: impl FnOnce() -> Instant,
    ) -> bool {
        let word = self.load();
        if word.generation() != ticket.generation() {
            self.counts.bump(Count::Late as usize);
            return false;
        }
        match (word.state(), outcome) {
            (State::Closed, Outcome::Success) if !slow => {
                self.counts.bump(Count::Successes as usize);
                if word.payload() > 0 {
                    self.end_run(word);
                }
                match &self.window {
                    None => false,
                    Some(window) => self.record_good(window, word, now(), exactly_now),
                }
            }
            (State::Disabled, _) => false,
            _ => self.record_rest(word, ticket, outcome, slow, exactly_now()),
        }
    }

    #[inline]
    fn record_good(
        &self,
        window: &Window,
        word: Word,
        now: Instant,
        exactly_now: impl FnOnce() -> Instant,
    ) -> bool {
        match window.record(word.generation(), Mark { failed: false, slow: false }, now) {
            None => false,
            Some(tally) => self.evaluate(window, word, &tally, None, exactly_now()),
        }
    }

    #[cold]
    fn record_rest(&self, word: Word, ticket: Ticket, outcome: Outcome, slow: bool, now: Instant) -> bool {
        if word.state() == State::HalfOpen {
            return self.record_probe(ticket, outcome, slow, now);
        }
        self.count(outcome, slow);
        let (failed, cause) = match outcome {
            Outcome::Failure(cause) => (true, cause),
            Outcome::Success => (false, None),
            Outcome::Ignored | Outcome::Inconclusive => return false,
        };
        if failed {
            if let Some(trigger) = self.rules.tripped_by_run(self.extend_run(word.generation())) {
                return self.trip(word.generation(), trigger, cause, now);
            }
        } else if word.payload() > 0 {
            self.end_run(word);
        }
        let Some(window) = &self.window else { return false };
        match window.record(word.generation(), Mark { failed, slow }, now) {
            None => false,
            Some(tally) => self.evaluate(window, word, &tally, cause, now),
        }
    }

    fn record_probe(&self, ticket: Ticket, outcome: Outcome, slow: bool, now: Instant) -> bool {
        let mut ledger = self.ledger();
        let still_there = self.load().generation() == ticket.generation();
        if !still_there || !ledger.round.back(ticket.probe(), outcome) {
            self.counts.bump(Count::Late as usize);
            return false;
        }
        self.count(outcome, slow);
        let cause = if let Outcome::Failure(cause) = outcome { cause } else { None };
        let undecided = self.decide(&mut ledger, cause, now);
        if undecided {
            self.publish_round(&ledger);
        }
        !undecided
    }

    /// The call was dropped, or never ran. Whether the state changed.
    pub(crate) fn abandon(&self, ticket: Ticket, now: impl FnOnce() -> Instant) -> bool {
        if ticket.probe() == 0 {
            self.counts.bump(Count::Inconclusive as usize);
            return false;
        }
        self.record(ticket, Outcome::Inconclusive, false, || Instant::ORIGIN, now)
    }

    /// An operator puts it into a state; open for `open_for`. Idempotent, but that an open time begins anew.
    pub(crate) fn force(&self, state: State, trigger: Trigger, now: Instant, open_for: Option<Duration>) {
        let mut ledger = self.ledger();
        if self.load().state() != state {
            ledger.round.start();
            ledger.reopened = 0;
            ledger.open_for = open_for;
            self.publish(&mut ledger, state, trigger, None, now);
        } else if let (State::Open, Some(time)) = (state, open_for) {
            // No change of state: nobody is told (rule CB-33). Until is read with the word, which stays as it is.
            self.until.store((now + time).as_nanos(), Ordering::Release);
        } else if state == State::Closed {
            self.restart();
        }
    }

    /// Starts to count anew in a circuit that stays closed. No change, so nobody is told (rule CB-33).
    fn restart(&self) {
        let word = self.load().next(State::Closed, 0);
        if let Some(window) = &self.window {
            window.restart(word.generation());
        }
        self.word.swap(word.0, Ordering::AcqRel);
    }

    fn evaluate(
        &self,
        window: &Window,
        word: Word,
        tally: &Tally,
        cause: Option<Cause>,
        now: Instant,
    ) -> bool {
        if let Some(trigger) = self.rules.tripped_by_window(tally) {
            return self.trip(word.generation(), trigger, cause, now);
        }
        if self.rules.is_enough(tally) {
            window.settled(word.generation(), now);
        }
        false
    }

    fn trip(&self, generation: u32, trigger: Trigger, cause: Option<Cause>, now: Instant) -> bool {
        let mut ledger = self.ledger();
        let word = self.load();
        // Others may have tripped it at the same moment: one of them opens it.
        if word.generation() != generation || word.state() != State::Closed {
            return false;
        }
        ledger.reopened = 0;
        self.publish(&mut ledger, State::Open, trigger, cause, now);
        true
    }

    /// Ends the round if it is decided. Whether it goes on.
    fn decide(&self, ledger: &mut Ledger, cause: Option<Cause>, now: Instant) -> bool {
        let Some((closes, trigger)) = ledger.round.verdict(&self.rules) else { return true };
        ledger.round.start();
        if closes {
            ledger.reopened = 0;
            self.publish(ledger, State::Closed, trigger, None, now);
        } else {
            // A round without answers says nothing new: it opens for as long as before (rule CB-25).
            let grows = trigger == Trigger::ProbesFailed;
            ledger.reopened = ledger.reopened.saturating_add(u32::from(grows));
            self.publish(ledger, State::Open, trigger, cause, now);
        }
        false
    }

    /// The one place where the state changes. The word is written last, with Release, which pairs with the Acquire in
    /// `load`: who sees the state sees what belongs to it.
    fn publish(&self, ledger: &mut Ledger, to: State, trigger: Trigger, cause: Option<Cause>, now: Instant) {
        let from = self.load();
        ledger.last_cause = cause.or(ledger.last_cause);
        let mut open_for = None;
        let (payload, until) = match to {
            State::Open => {
                ledger.opened += 1;
                let by_rules = || self.rules.open_time(ledger.reopened, self.rng.next_unit());
                let time = ledger.open_for.take().unwrap_or_else(by_rules);
                open_for = Some(time);
                (pack_cause(ledger.last_cause, &self.codes), now + time)
            }
            State::HalfOpen => (self.rules.probes, Instant::NEVER),
            State::Closed | State::ForcedOpen | State::Disabled => (0, Instant::NEVER),
        };
        let word = from.next(to, payload);
        if let Some(window) = &self.window {
            window.restart(word.generation());
        }
        self.until.store(until.as_nanos(), Ordering::Release);
        // A swap, as extensions of a run are: among steps that read and write in one, each has its place.
        self.word.swap(word.0, Ordering::AcqRel);
        ledger.outbox.push(Event {
            name: self.name,
            from: from.state(),
            to,
            generation: word.generation(),
            at: now,
            trigger,
            cause: if to == State::Open { ledger.last_cause } else { None },
            open_for,
            lost: 0,
        });
    }

    /// Tells callers how many probes are free and when the first lease ends.
    fn publish_round(&self, ledger: &Ledger) {
        self.until.store(ledger.round.next_lease_end().as_nanos(), Ordering::Release);
        let word = self.load().with_payload(ledger.round.free(&self.rules));
        self.word.store(word.0, Ordering::Release);
    }

    /// One more failure in a row. How many there are now.
    fn extend_run(&self, generation: u32) -> u32 {
        let longer = |bits| {
            let word = Word(bits);
            (word.generation() == generation).then(|| word.with_payload(word.payload().saturating_add(1)).0)
        };
        let before = self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, longer);
        before.map_or(0, |bits| Word(bits).payload().saturating_add(1))
    }

    /// A success ends a run of failures. If another thread changes the word meanwhile, its news is the newer.
    fn end_run(&self, word: Word) {
        let _ =
            self.word.compare_exchange(word.0, word.with_payload(0).0, Ordering::AcqRel, Ordering::Relaxed);
    }

    #[inline]
    fn refuse(&self, word: Word, until: Option<Instant>) -> Refused {
        self.counts.bump(Count::Rejected as usize);
        Refused { word, until }
    }

    /// What the caller is told. Made where the caller is, so that nothing large is handed from function to function.
    #[inline]
    pub(crate) fn rejection(&self, refused: Refused, now: Instant) -> Rejection {
        let Refused { word, until } = refused;
        let reason = match word.state() {
            State::ForcedOpen => Reason::ForcedOpen,
            State::HalfOpen => Reason::HalfOpenFull,
            _ => Reason::CircuitOpen,
        };
        let cause =
            if word.state() == State::Open { unpack_cause(word.payload(), &self.codes) } else { None };
        let rejection = Rejection::new(PolicyKind::Breaker, self.name, reason)
            .with_generation(word.generation())
            .with_cause(cause);
        match until {
            Some(until) => rejection.with_retry_after_nanos(until.as_nanos().saturating_sub(now.as_nanos())),
            None => rejection,
        }
    }

    fn count(&self, outcome: Outcome, slow: bool) {
        self.counts.bump(match outcome {
            Outcome::Success => Count::Successes,
            Outcome::Failure(_) => Count::Failures,
            Outcome::Ignored => Count::Ignored,
            Outcome::Inconclusive => Count::Inconclusive,
        } as usize);
        if slow {
            self.counts.bump(Count::Slow as usize);
        }
    }

    #[inline]
    pub(crate) fn load(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Nothing under the lock can panic half-way through a change; a poisoned lock is only a lock.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn total(&self, count: Count) -> u64 {
        self.counts.get(count as usize)
    }

    pub(crate) fn tally(&self, now: Instant) -> Tally {
        self.window.as_ref().map_or_else(Tally::default, |window| window.tally(self.load().generation(), now))
    }

    /// How long it stays open; zero when a call may probe.
    pub(crate) fn open_left(&self, now: Instant) -> Option<Duration> {
        let word = self.load();
        let until = self.until();
        (word.state() == State::Open && self.load() == word).then(|| until - now)
    }
}

// === impl Ledger ===

impl Ledger {
    pub(crate) fn opened(&self) -> u64 {
        self.opened
    }

    pub(crate) fn last_cause(&self) -> Option<Cause> {
        self.last_cause
    }
}

/// What a call that panicked is remembered as.
pub(crate) const PANICKED: Cause = Cause::new(Category::Internal, None);

/// What a call that was stopped by a limit on time is remembered as.
pub(crate) const TIMED_OUT: Cause = Cause::new(Category::Timeout, None);
