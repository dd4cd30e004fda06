use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use core_errors::Name;
use core_policy::{KeyedMap, KeysFull};
use core_time::Instant;

use super::config::{Checked, OutliersBuilder, Settings};
use super::engine::{Engine, Hosts};
use super::health::Health;
use super::host::Host;
use super::inner::Inner;
use super::snapshot::OutlierSnapshot;
use crate::error::{ConfigError, Kind};

/// Finds the hosts of one upstream that do worse than the others, and keeps calls from them for a while. Cheap to clone; clones share
/// the hosts.
///
/// Reach for it where the caller chooses among hosts that can answer the same. A [`Breaker`](crate::Breaker) asks whether a callee
/// is well; this asks which of several is not, and never takes out more than a share of them. For one callee behind one name take a
/// breaker; for tenants or upstreams that cannot stand in for each other, [`KeyedBreaker`](crate::KeyedBreaker).
///
/// ```
/// use core_breaker::Outliers;
/// use core_errors::{Error, Reason};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let search: Outliers = Outliers::builder().name("search").build()?;
/// let names = ["a:80", "b:80", "c:80"];
/// let hosts = names.map(|name| search.host(name).expect("there is room"));
///
/// for _ in 0..5 {
///     let _ = hosts[1].call_blocking(|_| Err::<(), _>(Error::network("hung up")));
/// }
/// let left: Vec<_> = search.choose(names).collect();
/// assert_eq!(left, ["a:80", "c:80"]);
/// let refused = hosts[1].call_blocking(|_| Ok::<_, Error>("never runs")).unwrap_err();
/// assert_eq!(refused.rejection().unwrap().reason(), Reason::HostEjected);
/// # Ok(()) }
/// ```
///
/// With futures, in each attempt of a pipeline or by itself:
///
/// ```
/// # async fn ask(_: &str) -> Result<u64, core_errors::Error> { Ok(7) }
/// # async fn f(search: &core_breaker::Outliers, names: &[String]) -> Result<(), Box<dyn std::error::Error>> {
/// // In turn, at random, the least busy: how to balance is for you to say, among these.
/// let name = search.choose(names).next().ok_or("no host")?;
/// let answer = search.host(name)?.call(|_attempt| ask(name)).await?;
/// # Ok(()) }
/// ```
///
/// # What it does
/// * **Who is an outlier.** A host that fails so often in a row, at once. At a sweep, each interval: one whose share of successes is
///   under the mean of all less 1.9 standard deviations, and one that fails 85 % of its calls or more. Each rule can be off, or
///   enforced for a share of what it finds. The worst come first. What a result is, is judged as for a breaker: errors that are the
///   caller's fault, refusals of policies further in and dropped calls say nothing.
/// * **For how long.** 30 s the first time, n times as long for the n-th time in a row, up to 300 s; each interval in service takes one
///   time back. It returns at the first sweep after its time, and begins anew: what it answered while it was ejected does not count.
/// * **How many.** A tenth of the hosts that are known, and one in any case. Of a host that is spared there is an event.
/// * **Panic.** With under half of the hosts in service, something else is wrong, and those that are left would be next: ejections are
///   ignored until there are more. What an operator ejected stays out.
/// * **Sweeps** are made by calls in passing, or by [`sweep`](Self::sweep). Late ones come to what sweeps on time do.
/// * **Other rules while it runs**: [`reconfigure`](Self::reconfigure).
///
/// # Defaults
/// | | default | |
/// |---|---|---|
/// | consecutive failures | 5 | |
/// | success rate | 1.9 standard deviations | among at least 5 hosts with 100 calls each in the interval |
/// | failure percentage | 85 % | among at least 5 hosts with 50 calls each; Envoy counts these only, and ejects where it is told to |
/// | interval | 10 s | |
/// | ejection, at most | 30 s, 300 s or the ejection if that is longer | |
/// | `max_ejected`, `panic_under` | 10 %, 50 % | |
/// | jitter | none | sweeps return hosts together anyway; with it they return at different sweeps |
/// | hosts | 1024, forgotten after 10 minutes | one that is ejected is kept |
///
/// # Cost
/// A call: a coarse clock reading, two loads, and a counter of the thread's own; a failure also adds to a word of the host. No lock, no
/// allocation. The failure that completes a run, and each sweep, take the lock of the set: a sweep reads the counters of all hosts, about
/// ten lines of cache for each. A host takes 2 KB on a machine of up to four cores.
///
/// # Sources
/// Envoy's outlier detection and gRPC's proposal A50. Where they differ: a host is judged with those that have had enough calls
/// (Envoy), at the threshold of failures and not only over it (Envoy), and one more must fit into the share that may be ejected (Envoy; A50
/// goes over it by one). Rule OD-1 of this project.
pub struct Outliers<K = String> {
    pub(super) inner: Arc<Inner>,
    pub(super) map: Arc<KeyedMap<K, Health>>,
}

// === impl Outliers ===

impl Outliers {
    /// Defaults that can be changed, for hosts whatever their keys.
    pub fn builder() -> OutliersBuilder {
        OutliersBuilder::of(Settings::default())
    }
}

impl<K: Hash + Eq + Send + Sync + 'static> Outliers<K> {
    pub(super) fn new(checked: Checked) -> Result<Self, ConfigError> {
        let Checked { name, rules, settings, keys, clock, rng, subscribers } = checked;
        let map: KeyedMap<K, Health> = keys.build().map_err(|error| ConfigError(Kind::Keyed(error)))?;
        let map = Arc::new(map.keep_if(Health::is_ejected));
        let hosts: Arc<dyn Hosts> = Arc::clone(&map) as _;
        let engine = Engine::new(name, hosts, rules, settings, rng, clock.now());
        Ok(Self { inner: Arc::new(Inner { engine, clock, subscribers }), map })
    }

    /// The host of `key`, which is known from then on: until nobody has held it or asked for it in the idle time, or it is
    /// [forgotten](Self::forget). What many hosts decide is decided by those that are known, so ask for each once at the start.
    ///
    /// # Errors
    /// If there is room for no more hosts, and all are in use or ejected.
    pub fn host<Q>(&self, key: &Q) -> Result<Host, KeysFull>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ToString + ?Sized,
    {
        let make = || Health::new(key.to_string().into(), self.inner.engine.serial());
        let health = self.map.get_or_insert_with(key, make)?;
        Ok(Host::new(health, Arc::clone(&self.inner)))
    }

    /// Whether the host is ejected; one that is not known is not. Changes nothing, see [`Host::is_ejected`].
    #[must_use]
    pub fn is_ejected<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.map.peek(key).is_some_and(|health| health.is_ejected())
    }

    /// Of these hosts, those that may be called: that are not ejected, or all but those that an operator ejected while so few hosts are
    /// in service that ejections are ignored. Hosts that are not known may be called. Sweeps first if a sweep is due.
    ///
    /// There may be none, where the candidates are some of the hosts only. No allocation but for a sweep; for each candidate a hash and
    /// the lock of a shard. Whoever holds [`Host`]s filters by [`Host::is_usable`], which is a load.
    pub fn choose<'c, Q, I>(&self, candidates: I) -> impl Iterator<Item = &'c Q>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized + 'c,
        I: IntoIterator<Item = &'c Q>,
    {
        if let Ok(now) = self.inner.clock.reached(self.inner.engine.due()) {
            self.inner.sweep_in_passing(now);
        }
        candidates.into_iter().filter(|key| {
            let health = self.map.peek(*key);
            health.is_none_or(|health| !health.is_ejected() || self.inner.ignores(&health))
        })
    }

    /// Makes the sweep, if it is due. When the next one is. Calls do this in passing; for an upstream that has few, or so many hosts
    /// that no call should do it, a task can:
    ///
    /// ```no_run
    /// # async fn f(clock: core_time::Clock, outliers: core_breaker::Outliers) {
    /// loop {
    ///     clock.sleep_until(outliers.sweep()).await;
    /// }
    /// # }
    /// ```
    #[expect(clippy::must_use_candidate, reason = "most call it for what it does")]
    pub fn sweep(&self) -> Instant {
        self.inner.sweep(self.inner.clock.now());
        self.inner.engine.due()
    }

    /// Goes by other rules from now on: `change` gets what it was built with and returns what shall be. All or nothing.
    ///
    /// Hosts, what they have answered in the interval, failures in a row, and ejections that run with their times stay as they are. An
    /// interval that would be over by now is over. `change` may be called again if another thread changes the rules at the same
    /// moment, so it must not change them itself.
    ///
    /// # Errors
    /// As [`OutliersBuilder::build`]; and if something is set that cannot be changed: name, room for hosts, clock, seed and subscribers.
    /// Nothing has changed then.
    pub fn reconfigure(
        &self,
        change: impl Fn(OutliersBuilder) -> OutliersBuilder,
    ) -> Result<(), ConfigError> {
        loop {
            let (settings, version) = self.inner.engine.ledger().settings;
            let builder = change(OutliersBuilder::of(settings));
            if let Some(what) = builder.fixed {
                return Err(ConfigError(Kind::Fixed { what }));
            }
            let keys = core_policy::Keyed::max(self.map.max()).idle(self.map.idle());
            let rules = builder.settings.checked(&keys)?;
            let now = self.inner.clock.now();
            self.inner.sweep(now);
            let mut ledger = self.inner.engine.ledger();
            if ledger.settings.1 == version {
                let settings = (builder.settings, version + 1);
                self.inner.engine.reconfigure(&mut ledger, rules, settings, now);
                return Ok(());
            }
        }
    }

    /// Everything there is to know. Changes nothing.
    #[must_use]
    pub fn snapshot(&self) -> OutlierSnapshot {
        let now = self.inner.clock.now();
        OutlierSnapshot::of(&self.inner.engine, self.map.values(), self.map.stats(), now)
    }
}

impl<K> Outliers<K> {
    /// The name of the upstream.
    #[must_use]
    pub fn name(&self) -> Name {
        self.inner.engine.name()
    }

    /// Whether so few hosts are in service that ejections are ignored.
    #[must_use]
    pub fn is_panicking(&self) -> bool {
        self.inner.engine.is_panicking()
    }
}

impl<K: Hash + Eq + Send + Sync> Hosts for KeyedMap<K, Health> {
    fn len(&self) -> usize {
        Self::len(self)
    }

    fn all(&self) -> Vec<Arc<Health>> {
        self.evict_idle();
        self.values()
    }
}

impl<K> Clone for Outliers<K> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), map: Arc::clone(&self.map) }
    }
}

impl<K> fmt::Debug for Outliers<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outliers")
            .field("name", &self.name())
            .field("hosts", &self.inner.engine.known())
            .field("ejected", &self.inner.engine.ejected())
            .finish_non_exhaustive()
    }
}
