use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use crate::config::LIMIT_MAX;
use crate::error::{ConfigError, Kind};
use crate::operation::{Limits, Operation, Spec};
use crate::standard::Standard;

/// How long each operation may take. A plain value: [`Timeouts`](crate::Timeouts) has the one that is in force.
///
/// The profiles `default`, `production` and `test` come from the [operations](Operation); what is changed makes it `custom`.
#[derive(Clone, PartialEq)]
pub struct Profile<K = Standard> {
    name: &'static str,
    /// In the order of `K::ALL`.
    limits: Vec<Duration>,
    operations: PhantomData<fn(K)>,
    /// One that was given a limit, and that is not in `K::ALL`.
    stray: Option<&'static str>,
}

// === impl Profile ===

impl<K: Operation> Profile<K> {
    /// The limits that are called `default`.
    #[must_use]
    pub fn standard() -> Self {
        Self::of("default", |limits| limits.default)
    }

    /// The limits that are called `production`: longer.
    #[must_use]
    pub fn production() -> Self {
        Self::of("production", |limits| limits.production)
    }

    /// The limits that are called `test`: shorter.
    #[must_use]
    pub fn test() -> Self {
        Self::of("test", |limits| limits.test)
    }

    /// The profile of that name, as configuration has it: `default`, `production` or `test`. `None` for any other.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "default" => Some(Self::standard()),
            "production" => Some(Self::production()),
            "test" => Some(Self::test()),
            _ => None,
        }
    }

    fn of(name: &'static str, limit: impl Fn(Limits) -> Duration) -> Self {
        let limits = K::ALL.iter().map(|operation| limit(operation.spec().limits)).collect();
        Self { name, limits, operations: PhantomData, stray: None }
    }

    /// The same with another limit for one operation. Checked when it is put in force.
    #[must_use]
    pub fn with(mut self, operation: K, limit: Duration) -> Self {
        self.name = "custom";
        match index(operation).and_then(|at| self.limits.get_mut(at)) {
            Some(slot) => *slot = limit,
            None => self.stray = Some(operation.spec().name),
        }
        self
    }

    /// The name: `default`, `production`, `test` or `custom`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How long `operation` may take. One that is missing in [`Operation::ALL`] has its default.
    #[must_use]
    #[inline]
    pub fn get(&self, operation: K) -> Duration {
        let limit = index(operation).and_then(|at| self.limits.get(at).copied());
        limit.unwrap_or_else(|| operation.spec().limits.default)
    }

    /// All operations with their limits.
    pub fn iter(&self) -> impl Iterator<Item = (K, Duration)> {
        K::ALL.iter().copied().zip(self.limits.iter().copied())
    }

    /// Holds every limit against what it must be: over zero and at most a day, no longer than that of the
    /// [parent](Operation::parent), longer than that of what must [take less](Operation::longer_than). And the names against each other, and
    /// whatever has a limit or is a parent against [`Operation::ALL`].
    ///
    /// # Errors
    /// The first that is wrong, with what would be right.
    pub fn check(&self) -> Result<(), ConfigError> {
        if let Some(name) = self.stray {
            return Err(ConfigError(Kind::NotListed(name)));
        }
        for (at, operation) in K::ALL.iter().enumerate() {
            check_name(operation.spec(), K::ALL[..at].iter().map(|other| other.spec()))?;
            self.check_bounds(*operation)?;
        }
        K::ALL.iter().try_for_each(|operation| self.check_relations(*operation))
    }

    fn check_bounds(&self, operation: K) -> Result<(), ConfigError> {
        let (name, limit) = (operation.spec().name, self.get(operation));
        if limit.is_zero() {
            return Err(ConfigError(Kind::ZeroFor(name)));
        }
        if limit > LIMIT_MAX {
            return Err(ConfigError(Kind::TooLong { name, limit, max: LIMIT_MAX }));
        }
        Ok(())
    }

    fn check_relations(&self, operation: K) -> Result<(), ConfigError> {
        let mut related = [operation.parent(), operation.longer_than()].into_iter().flatten();
        if let Some(stray) = related.find(|related| index(*related).is_none()) {
            return Err(ConfigError(Kind::NotListed(stray.spec().name)));
        }
        let (name, limit) = (operation.spec().name, self.get(operation));
        if let Some(parent) = operation.parent()
            && limit > self.get(parent)
        {
            let (parent, total) = (parent.spec().name, self.get(parent));
            return Err(ConfigError(Kind::OverParent { name, limit, parent, total }));
        }
        if let Some(shorter) = operation.longer_than()
            && limit <= self.get(shorter)
        {
            let (shorter, least) = (shorter.spec().name, self.get(shorter));
            return Err(ConfigError(Kind::NotLonger { name, limit, shorter, least }));
        }
        Ok(())
    }
}

fn check_name(spec: Spec, mut others: impl Iterator<Item = Spec>) -> Result<(), ConfigError> {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let name = spec.name;
    if name.is_empty() || name.len() > 64 || name == "profile" || !name.bytes().all(is_word) {
        return Err(ConfigError(Kind::OperationName(name)));
    }
    if others.any(|other| other.name == name) {
        return Err(ConfigError(Kind::TwoOperations(name)));
    }
    Ok(())
}

#[inline]
pub(crate) fn index<K: Operation>(operation: K) -> Option<usize> {
    K::ALL.iter().position(|other| *other == operation)
}

impl<K: Operation> Default for Profile<K> {
    fn default() -> Self {
        Self::standard()
    }
}

impl<K: Operation> fmt::Debug for Profile<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.name)?;
        f.debug_map().entries(self.iter().map(|(operation, limit)| (operation.spec().name, limit))).finish()
    }
}
