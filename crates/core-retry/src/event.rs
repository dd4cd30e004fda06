use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use core_errors::{Cause, Name};
use core_policy::{ByClass, Classified, Follows, Notify, Tried, quietly};

use crate::policy::Retry;

/// What happens to a call that fails: told to whoever asked with [`Builder::on_retry`](crate::Builder::on_retry) and
/// [`Builder::on_give_up`](crate::Builder::on_give_up).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The name of the retry.
    pub name: Name,
    /// Whose retry, where there is a pipeline for each key: the key as text, at most 128 bytes of it.
    pub key: Option<Arc<str>>,
    /// How many attempts there were, with those that a policy further in refused, where [refusals are retried](crate::Builder::retry_refusals).
    pub attempts: u32,
    /// Time since the call first had to wait, or first failed.
    pub elapsed: Duration,
    /// What the last of them failed with, if its judge says.
    pub cause: Option<Cause>,
    /// How long a pause the callee asked for, if that was too long to be followed (rule RT-4).
    pub hint_discarded: Option<Duration>,
    /// What follows.
    pub next: Follows,
}

type Subscriber = Arc<dyn Fn(&Event) + Send + Sync>;

/// Who is told.
#[derive(Clone, Default)]
pub(crate) struct Subscribers {
    on_retry: Vec<Subscriber>,
    on_give_up: Vec<Subscriber>,
}

// === impl Retry ===

impl Retry {
    /// The same retry for calls whose errors are of the type `E`, and `told` sees each of them with what follows: to log its text, or
    /// to count it by what it is. It hears what [`Builder::on_retry`](crate::Builder::on_retry) and
    /// [`Builder::on_give_up`](crate::Builder::on_give_up) hear of attempts that ran; those hear of the calls of all types, and see what kind
    /// of error it was. See [`Notify`], also for a layer, and [`Classified::notify`] for one beside a judge.
    ///
    /// ```
    /// use std::io::{self, ErrorKind};
    ///
    /// use core_retry::{Follows, Retry, Tried};
    /// use core_time::ms;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), core_retry::ConfigError> {
    /// # use std::cell::RefCell;
    /// # let log = RefCell::new(Vec::new());
    /// let retry = Retry::fixed(ms(20)).no_jitter().attempts(3).build()?;
    /// let logged = retry.notify(|tried: &Tried<'_, _, io::Error>| {
    ///     let Some(error) = tried.error() else { return };          // it was stopped by a limit on time
    ///     match tried.next {
    ///         Follows::Retry(after) => log.borrow_mut().push(format!("{error}, once more in {after:?}")),
    ///         Follows::GiveUp(_) => log.borrow_mut().push(format!("{error}, {} times", tried.attempts)),
    ///     }
    /// });
    /// let failed = logged.call(|_| async { Err::<(), _>(io::Error::new(ErrorKind::ConnectionReset, "hung up")) }).await;
    ///
    /// assert!(failed.is_err());
    /// assert_eq!(*log.borrow(), ["hung up, once more in 20ms", "hung up, once more in 20ms", "hung up, 3 times"]);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn notify<T, E, F: Fn(&Tried<'_, T, E>) + Clone>(
        &self,
        told: F,
    ) -> Classified<&Self, Notify<ByClass, F>> {
        self.classify(ByClass).notify(told)
    }
}

// === impl Subscribers ===

impl Subscribers {
    /// How many there may be of each kind.
    pub(crate) const MAX: usize = 32;

    pub(crate) fn on_retry(&mut self, subscriber: impl Fn(&Event) + Send + Sync + 'static) {
        self.on_retry.push(Arc::new(subscriber));
    }

    pub(crate) fn on_give_up(&mut self, subscriber: impl Fn(&Event) + Send + Sync + 'static) {
        self.on_give_up.push(Arc::new(subscriber));
    }

    pub(crate) fn len_max(&self) -> usize {
        self.on_retry.len().max(self.on_give_up.len())
    }

    /// Tells those who want to know what follows. Nobody asks for the event where there are none.
    pub(crate) fn tell(&self, next: Follows, event: impl FnOnce() -> Event) {
        let told = match next {
            Follows::Retry(_) => &self.on_retry,
            Follows::GiveUp(_) => &self.on_give_up,
        };
        if told.is_empty() {
            return;
        }
        let event = &event();
        for subscriber in told {
            // Whoever made the call has nothing to do with a subscriber's bug; the panic hook has reported it.
            quietly(|| subscriber(event));
        }
    }
}

impl fmt::Debug for Subscribers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on retry, {} on giving up", self.on_retry.len(), self.on_give_up.len())
    }
}
