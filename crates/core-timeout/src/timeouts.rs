use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use core_errors::Name;
use core_policy::{ByClass, Call, Classify, Given};
use core_time::Clock;

use crate::deadline::Deadline;
use crate::error::ConfigError;
use crate::exceeded;
use crate::limit::Limit;
use crate::operation::Operation;
use crate::profile::{Profile, index};
use crate::standard::Standard;

/// The limits on time of a service, in one place, by operation. Cheap to clone; clones are one, and see a change at once.
///
/// ```
/// use core_errors::Error;
/// use core_time::{ms, secs};
/// use core_timeout::{Profile, Standard, Timeouts};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), core_timeout::ConfigError> {
/// // In a service: Profile::from_env()?
/// let timeouts = Timeouts::new(Profile::production().with(Standard::HealthCheck, ms(250)))?;
///
/// let answer = timeouts.run(Standard::HealthCheck, async { Ok::<_, Error>("fine") }).await;
/// assert_eq!(answer.unwrap(), "fine");
///
/// // A part of a request never takes longer than the request.
/// let request = timeouts.deadline(Standard::Request);
/// let connection = timeouts.within(&request, Standard::Connection);
/// assert!(connection.remaining() <= request.remaining());
///
/// // Changed while the service runs; what makes no sense changes nothing.
/// timeouts.update(|profile| profile.with(Standard::Request, secs(20)))?;
/// assert!(timeouts.update(|profile| profile.with(Standard::Election, ms(1))).is_err());
/// # Ok(()) }
/// ```
///
/// # Cost
/// Reading a limit takes no lock: about what a reference count costs, and a few compares.
pub struct Timeouts<K = Standard>(Arc<Inner<K>>);

struct Inner<K> {
    profile: ArcSwap<Profile<K>>,
    /// Of the operations, in the order of `K::ALL`.
    names: Vec<Name>,
    clock: Clock,
}

// === impl Timeouts ===

impl<K: Operation> Timeouts<K> {
    /// The limits of a profile.
    ///
    /// # Errors
    /// What [`Profile::check`] finds.
    pub fn new(profile: Profile<K>) -> Result<Self, ConfigError> {
        Self::on(profile, Clock::system())
    }

    /// The same on a clock that is not the system's.
    ///
    /// # Errors
    /// What [`Profile::check`] finds.
    pub fn on(profile: Profile<K>, clock: Clock) -> Result<Self, ConfigError> {
        profile.check()?;
        // They were checked: they are short words.
        let name = |operation: &K| Name::new(operation.spec().name()).unwrap_or(Name::UNNAMED);
        let names: Vec<Name> = K::ALL.iter().map(name).collect();
        names.iter().copied().for_each(exceeded::show);
        Ok(Self(Arc::new(Inner { profile: ArcSwap::from_pointee(profile), names, clock })))
    }

    /// How long `operation` may take.
    #[must_use]
    #[inline]
    pub fn get(&self, operation: K) -> Duration {
        self.0.profile.load().get(operation)
    }

    /// The limits that are in force: a copy, which stays what it is.
    #[must_use]
    pub fn profile(&self) -> Profile<K> {
        Profile::clone(&self.0.profile.load())
    }

    /// Puts other limits in force. What has begun keeps its deadline.
    ///
    /// # Errors
    /// What [`Profile::check`] finds; then nothing has changed.
    pub fn set(&self, profile: Profile<K>) -> Result<(), ConfigError> {
        profile.check()?;
        self.0.profile.store(Arc::new(profile));
        Ok(())
    }

    /// Puts what `change` makes of the limits in force. If somebody else changes them meanwhile, `change` is asked once more, so that
    /// neither change is lost; so it must not change them itself.
    ///
    /// # Errors
    /// What [`Profile::check`] finds; then nothing has changed.
    pub fn update(&self, change: impl Fn(Profile<K>) -> Profile<K>) -> Result<(), ConfigError> {
        let mut current = self.0.profile.load_full();
        loop {
            let changed = change(Profile::clone(&current));
            changed.check()?;
            let found = Guard::into_inner(self.0.profile.compare_and_swap(&current, Arc::new(changed)));
            if Arc::ptr_eq(&found, &current) {
                return Ok(());
            }
            current = found;
        }
    }

    /// Until when `operation` must be done that begins now.
    #[must_use]
    pub fn deadline(&self, operation: K) -> Deadline {
        Deadline::after(self.get(operation), &self.0.clock).named(self.name_of(operation))
    }

    /// The same as a part of something that has a deadline of its own, which it never exceeds.
    #[must_use]
    pub fn within(&self, whole: &Deadline, operation: K) -> Deadline {
        whole.child(self.get(operation)).named(self.name_of(operation))
    }

    /// Runs `future` for as long as `operation` may take: the limit that is in force now, from the moment at which the call is first polled.
    ///
    /// # Errors
    /// The future's own error, or the refusal of the deadline, which has the name of the operation.
    ///
    /// # Cancel safety
    /// Dropping it drops the future.
    pub fn run<T, E, F>(&self, operation: K, future: F) -> Call<Limit, Given<F>, F, ByClass>
    where
        E: Classify,
        F: Future<Output = Result<T, E>>,
    {
        let limit = Limit::new(self.name_of(operation), self.0.clock.clone(), self.get(operation));
        Call::given(limit, future, ByClass)
    }

    fn name_of(&self, operation: K) -> Name {
        let name = index(operation).and_then(|at| self.0.names.get(at).copied());
        name.unwrap_or(Name::UNNAMED)
    }
}

impl<K> Clone for Timeouts<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Operation> fmt::Debug for Timeouts<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timeouts({:?})", self.0.profile.load())
    }
}
