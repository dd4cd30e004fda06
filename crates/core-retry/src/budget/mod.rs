//! How many retries a service can stand.

mod costs;
mod deposit;
mod in_flight;
mod stats;
mod tokens;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use core_errors::Name;
use core_time::Instant;

use crate::error::{ConfigError, Kind as Wrong};

use costs::Costs;
use deposit::Deposit;
use in_flight::InFlight;
use stats::{Count, Counts};
use tokens::Tokens;

pub use stats::BudgetStats;

/// How many retries a service can stand. Clones share what there is: one budget should serve all calls to one service.
///
/// | made by | a retry takes | what gives | no retry when |
/// |---|---|---|---|
/// | [`new`](Self::new) (gRPC A6, rule BG-1) | one token, as does every failure | each success a share of a token | half of the tokens are gone |
/// | [`deposit`](Self::deposit) (Finagle, rule BG-2) | one token | each call a share of a token, which expires | less than a token is there |
/// | [`costs`](Self::costs) (AWS, rule BG-3) | 5 units, 10 after a timeout | a first success 1 unit; a success after retries what the last cost | it costs more than there is |
/// | [`in_flight`](Self::in_flight) (Envoy, rule BG-4) | a place while it sleeps and runs | its end | there are as many as a share of the calls in flight, or a floor |
///
/// What a retry takes is taken before the sleep, so that retries that are sleeping are counted, and given back if the retry
/// never starts (rule BG-5). Integers, each change one atomic step (rules BG-7, BG-8). A success takes no lock. In a budget of deposits it
/// writes its own thread's numbers only; who takes from it adds up those of all threads, under a lock: some hundred nanoseconds for each
/// retry on a few cores (700 instructions on two), and more with the cores, by ten words for each of twice as many threads, up to 64.
#[derive(Clone)]
pub struct Budget(Arc<Inner>);

struct Inner {
    name: OnceLock<Name>,
    /// Retries go by it, and not hedges and probes alone. Held while its numbers change: who begins to go by it sees them before or after.
    serves_retries: Mutex<bool>,
    kind: Kind,
    counts: Counts,
}

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one for a service, and a box would be one more place to look at for each call"
)]
enum Kind {
    Tokens(Tokens),
    Deposit(Deposit),
    Costs(Costs),
    InFlight(InFlight),
}

/// A whole token.
const TOKEN: u32 = 1_000;

// === impl Budget ===

impl Budget {
    /// A full budget of `max` tokens (1 to 1000), to which each success adds `ratio` of a token. Of the ratio, three
    /// decimals count.
    ///
    /// With a ratio of 0.1 that bounds the extra load at about a tenth once half of the tokens are gone.
    ///
    /// A failure takes a token before its retry is decided on, and more than half must be left. So with one or two tokens no failure is
    /// ever followed by a retry, only attempts are hedged that have not failed; a [`Retry`](crate::Retry) refuses such a budget.
    ///
    /// # Errors
    /// If `max` or `ratio` is out of range.
    pub fn new(max: u32, ratio: f64) -> Result<Self, ConfigError> {
        Tokens::new(max, ratio).map(|tokens| Self::of(Kind::Tokens(tokens)))
    }

    /// A budget to which each call adds `share` of a token (0 to 1000; four decimals count), and that has room for
    /// `min_per_second` retries a second besides, so that a service with little traffic may retry as well. Tokens that were not
    /// used within `ttl` (1 to 60 s) expire.
    ///
    /// # Errors
    /// If a number is out of range, or both `share` and `min_per_second` are zero, so that nothing would ever be retried.
    pub fn deposit(share: f64, min_per_second: u32, ttl: Duration) -> Result<Self, ConfigError> {
        Deposit::new(share, min_per_second, ttl).map(|deposit| Self::of(Kind::Deposit(deposit)))
    }

    /// A full budget of `max` units (5 to 1 000 000), as clients of AWS have it: a retry costs 5, after a timeout 10.
    ///
    /// # Errors
    /// If `max` is out of range: with less than 5 no retry could ever be paid for.
    pub fn costs(max: u32) -> Result<Self, ConfigError> {
        match max {
            5..=1_000_000 => Ok(Self::of(Kind::Costs(Costs::new(max)))),
            _ => Err(ConfigError(Wrong::Units(max))),
        }
    }

    /// A budget that lets as many retries be in flight as are `share` (0 to 1) of the calls in flight, and `min` in any case: 0.2 and 3
    /// are what Envoy has.
    ///
    /// For compatibility only: where calls fail fast few are in flight, so that hardly a retry is left when it would do no harm.
    /// Retries that sleep are counted. Each call adds to a word that all threads share.
    ///
    /// # Errors
    /// If a number is out of range, or both are zero, so that nothing would ever be retried.
    pub fn in_flight(share: f64, min: u32) -> Result<Self, ConfigError> {
        InFlight::new(share, min).map(|budget| Self::of(Kind::InFlight(budget)))
    }

    /// Names it in metrics, in all clones: that of the service whose calls share it. Default: `unnamed`. The first name that it was given
    /// stays.
    #[must_use = "it is the budget itself"]
    pub fn named(self, name: Name) -> Self {
        self.0.name.get_or_init(|| name);
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.0.name.get().copied().unwrap_or(Name::UNNAMED)
    }

    /// Goes by the numbers of `to` from now on, in all clones, as in `budget.reconfigure(&Budget::new(50, 0.2)?)`: `to` is made the same
    /// way and takes no other part. What is there stays, as far as there is room; what is in flight is counted on.
    ///
    /// # Errors
    /// If the two are not made the same way, tokens would live for another time, or a [`Retry`](crate::Retry) goes by it that would never
    /// retry. Nothing has changed then.
    pub fn reconfigure(&self, to: &Self) -> Result<(), ConfigError> {
        let serves_retries = self.serves_retries();
        if *serves_retries && !to.can_retry() {
            return Err(ConfigError(Wrong::NeverRetries));
        }
        match (self.kind(), to.kind()) {
            (Kind::Tokens(tokens), Kind::Tokens(to)) => tokens.reconfigure(to),
            (Kind::Deposit(deposit), Kind::Deposit(to)) => return deposit.reconfigure(to),
            (Kind::Costs(costs), Kind::Costs(to)) => costs.reconfigure(to),
            (Kind::InFlight(budget), Kind::InFlight(to)) => budget.reconfigure(to),
            _ => return Err(ConfigError(Wrong::Fixed { what: "the kind of a budget" })),
        }
        Ok(())
    }

    fn of(kind: Kind) -> Self {
        Self(Arc::new(Inner {
            name: OnceLock::new(),
            serves_retries: Mutex::new(false),
            kind,
            counts: Counts::new(),
        }))
    }

    #[inline]
    fn kind(&self) -> &Kind {
        &self.0.kind
    }

    #[inline]
    fn count(&self, count: Count) {
        self.0.counts.bump(count as usize);
    }

    /// What it has counted since it was made. Changes nothing.
    #[must_use]
    pub fn stats(&self) -> BudgetStats {
        BudgetStats::read(&self.0.counts)
    }

    /// The tokens, or units, that are there at `now`.
    #[must_use]
    pub fn available(&self, now: Instant) -> f64 {
        match self.kind() {
            Kind::Tokens(tokens) => tokens.left(),
            Kind::Deposit(deposit) => deposit.left(now),
            Kind::Costs(costs) => f64::from(costs.left()),
            #[expect(clippy::cast_precision_loss, reason = "at most 32 bits")]
            Kind::InFlight(budget) => budget.left() as f64,
        }
    }

    /// Whether a retry would be made at `now`.
    #[must_use]
    pub fn is_open(&self, now: Instant) -> bool {
        match self.kind() {
            Kind::Tokens(tokens) => tokens.is_open(),
            Kind::Deposit(deposit) => deposit.left(now) >= 1.0,
            Kind::Costs(costs) => costs.left() >= costs::RETRY.into(),
            Kind::InFlight(budget) => budget.left() > 0,
        }
    }

    /// Whether a failure can ever be followed by a retry.
    pub(crate) fn can_retry(&self) -> bool {
        if let Kind::Tokens(tokens) = self.kind() { tokens.can_retry() } else { true }
    }

    /// A retry goes by it from now on, if a failure can ever be followed by one.
    pub(crate) fn serve_retries(&self) -> bool {
        let mut serves_retries = self.serves_retries();
        let can_retry = self.can_retry();
        *serves_retries |= can_retry;
        can_retry
    }

    fn serves_retries(&self) -> MutexGuard<'_, bool> {
        // Whoever panicked has left a word that is right.
        self.0.serves_retries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a success has nothing to give: its tokens are all there. Never said of the other kinds.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        if let Kind::Tokens(tokens) = self.kind() { tokens.is_full() } else { false }
    }

    /// Whether the two share what there is.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether calls and retries are counted while they are in flight: then [`enter`](Self::enter) and [`leave`](Self::leave) have
    /// something to do.
    #[inline]
    pub(crate) fn is_in_flight(&self) -> bool {
        matches!(self.kind(), Kind::InFlight(_))
    }

    /// A call begins. Only [`in_flight`](Self::in_flight) budgets take note.
    #[inline]
    pub fn enter(&self) {
        if let Kind::InFlight(budget) = self.kind() {
            budget.enter();
        }
    }

    /// A call that [entered](Self::enter) is over, however it ended; `paid` is what its retry still holds. Only
    /// [`in_flight`](Self::in_flight) budgets take note.
    pub fn leave(&self, paid: Paid) {
        if let Kind::InFlight(budget) = self.kind() {
            self.ended(paid);
            budget.leave();
        }
    }

    /// A retry is over for which `paid` was taken. Only [`in_flight`](Self::in_flight) budgets take note: it is no longer in flight.
    pub fn ended(&self, paid: Paid) {
        if let Kind::InFlight(budget) = self.kind()
            && paid != Paid::NOTHING
        {
            budget.end();
        }
    }

    /// A call succeeded: at its first attempt, or after a retry for which `paid` was taken.
    #[inline]
    pub fn succeeded(&self, paid: Paid, now: impl FnOnce() -> Instant) {
        match self.kind() {
            Kind::Tokens(tokens) => self.gave(tokens.succeeded()),
            Kind::Deposit(deposit) if paid.0 == 0 => self.gave(deposit.call(now())),
            Kind::Costs(costs) => self.gave(costs.succeeded(paid.0)),
            Kind::Deposit(_) | Kind::InFlight(_) => {}
        }
    }

    /// An attempt failed in a way that is worth a retry, whether or not one follows; `is_first` says that it was the first of its
    /// call. `false` forbids the retry; after `true`, [`take`](Self::take) has the last word.
    #[must_use = "no retry may follow if the budget says no"]
    pub fn failed(&self, is_first: bool, now: impl FnOnce() -> Instant) -> bool {
        let is_allowed = match self.kind() {
            Kind::Tokens(tokens) => tokens.failed(),
            Kind::Deposit(deposit) => {
                if is_first {
                    self.gave(deposit.call(now()));
                }
                true
            }
            Kind::Costs(_) | Kind::InFlight(_) => true,
        };
        if !is_allowed {
            self.count(Count::Refused);
        }
        is_allowed
    }

    /// Takes what a retry costs, or nothing. `after_timeout` says how the attempt before ended.
    #[must_use = "no retry may follow if the budget says no"]
    pub fn take(&self, after_timeout: bool, now: impl FnOnce() -> Instant) -> Option<Paid> {
        self.paid(match self.kind() {
            // The failure took it already.
            Kind::Tokens(_) => Some(Paid(1)),
            Kind::Deposit(deposit) => deposit.take(now()).map(Paid),
            Kind::Costs(costs) => costs.take(after_timeout).map(Paid),
            Kind::InFlight(budget) => budget.take().then_some(Paid(1)),
        })
    }

    /// Takes what a hedge costs, or nothing: an attempt beside one that has not failed yet (rule BG-6).
    #[must_use = "no hedge may follow if the budget says no"]
    pub fn take_hedge(&self, now: impl FnOnce() -> Instant) -> Option<Paid> {
        match self.kind() {
            // No failure took one, so the hedge does.
            Kind::Tokens(tokens) => self.paid(tokens.take().then_some(Paid(1))),
            _ => self.take(false, now),
        }
    }

    /// Takes what a probe costs, or nothing: a request that no caller asked for, as of an active check, to a host that was put aside, or a
    /// copy for comparison. It takes as much as a hedge. A success is told with what was paid ([`succeeded`](Self::succeeded)), a failure
    /// is not ([`failed`](Self::failed)), since the probe has paid for it already and is no call that leaves anything; and the end of both is
    /// ([`ended`](Self::ended)). One that was never sent is [given back](Self::refund).
    ///
    /// Not for the probes of a breaker: those are calls of somebody, and where most calls fail the budget would never let one through that
    /// could show that the callee is back.
    ///
    /// ```
    /// use core_retry::Budget;
    /// use core_time::Clock;
    ///
    /// # fn is_answering() -> bool { true }
    /// let (budget, clock) = (Budget::default(), Clock::system());      // that of the retries and hedges to this service
    /// if let Some(paid) = budget.take_probe(|| clock.now_coarse()) {
    ///     if is_answering() {
    ///         budget.succeeded(paid, || clock.now_coarse());
    ///     }
    ///     budget.ended(paid);
    /// }
    /// assert_eq!(budget.stats().withdrawn, 1);
    /// ```
    #[must_use = "no probe may follow if the budget says no"]
    pub fn take_probe(&self, now: impl FnOnce() -> Instant) -> Option<Paid> {
        self.take_hedge(now)
    }

    /// A call with hedges succeeded by an attempt for which `paid` was taken. `is_told` says that one of its failures was
    /// [told](Self::failed) before.
    pub(crate) fn won(&self, paid: Paid, is_told: bool, now: impl FnOnce() -> Instant) {
        match self.kind() {
            Kind::Deposit(deposit) if !is_told => self.gave(deposit.call(now())),
            Kind::Deposit(_) => {}
            _ => self.succeeded(paid, now),
        }
    }

    /// The retry that was paid for never started. To [`deposit`](Self::deposit) it is as if nothing had been taken: what would have expired
    /// meanwhile is not given back.
    pub fn refund(&self, paid: Paid, now: impl FnOnce() -> Instant) {
        if paid == Paid::NOTHING {
            return;
        }
        self.count(Count::Refunded);
        match self.kind() {
            Kind::Tokens(tokens) => tokens.refund(),
            Kind::Deposit(deposit) => deposit.refund(paid.0, now()),
            Kind::Costs(costs) => costs.give(paid.0),
            Kind::InFlight(budget) => budget.end(),
        }
    }

    /// Counts what was paid, or that nothing was.
    fn paid(&self, paid: Option<Paid>) -> Option<Paid> {
        self.count(if paid.is_some() { Count::Withdrawn } else { Count::Refused });
        paid
    }

    #[inline]
    fn gave(&self, something: bool) {
        if something {
            self.count(Count::Deposited);
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind() {
            Kind::Tokens(_) => "tokens",
            Kind::Deposit(_) => "deposit",
            Kind::Costs(_) => "costs",
            Kind::InFlight(_) => "in_flight",
        };
        f.debug_struct("Budget")
            .field("name", &self.name())
            .field("kind", &kind)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// 100 tokens, a tenth of one for each success.
impl Default for Budget {
    fn default() -> Self {
        Self::of(Kind::Tokens(Tokens::default()))
    }
}

/// What was taken from a [`Budget`] for a retry. [`Paid::NOTHING`] before there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paid(u16);

// === impl Paid ===

impl Paid {
    /// No retry was paid for.
    pub const NOTHING: Self = Self(0);

    pub(crate) const fn of(units: u16) -> Self {
        Self(units)
    }

    pub(crate) const fn units(self) -> u16 {
        self.0
    }
}

#[cfg(all(test, not(genesis_loom)))]
mod tests;
