//! Other rules for a breaker that runs.

use std::sync::Arc;

use crate::breaker::Breaker;
use crate::config::{Builder, Settings};
use crate::error::{ConfigError, Kind};
use crate::plan::Plan;
use crate::rules::Rules;
use crate::sync::MutexGuard;

/// What a breaker was configured with.
#[derive(Clone)]
pub(crate) struct Dated {
    settings: Arc<Settings>,
    /// How often that was changed.
    version: u64,
    /// Of a breaker for a key: the version of its template that it followed last. It may have rules of its own since.
    followed: u64,
}

// === impl Dated ===

impl Dated {
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        Self { settings, version: 0, followed: 0 }
    }

    /// For a breaker that is made from the one it is of.
    pub(crate) fn followed(self) -> Self {
        Self { followed: self.version, version: 0, ..self }
    }
}

// === impl Breaker ===

impl Breaker {
    /// Goes by other rules from now on: `change` gets what it was built with and returns what shall be. All or nothing.
    ///
    /// State, generation, permits that are out, failures in a row, and the times and leases that run stay as they are. A
    /// window keeps what it holds as far as the new shape has a place for it: a window of time takes over its buckets by
    /// their age, one of calls its newest results; between the two kinds nothing can be kept. An average of other calls or
    /// another time starts anew. A result that is counted in the very moment may be lost to the window. Rules apply from
    /// the next result on; a stricter one does not open the circuit by itself.
    ///
    /// `change` may be called again if another thread changes the rules at the same moment; so it must not change them itself. Calls
    /// go on meanwhile, and wait for nothing.
    ///
    /// # Errors
    /// As [`Builder::build`]; and if something is set that a running breaker cannot change: name, clock, seed, subscribers,
    /// shadow and a state to begin with. Nothing has changed then.
    pub fn reconfigure(&self, change: impl Fn(Builder) -> Builder) -> Result<(), ConfigError> {
        self.reconfigure_if(change, |_| Ok(()))
    }

    /// The same, if the new rules are allowed.
    pub(crate) fn reconfigure_if(
        &self,
        change: impl Fn(Builder) -> Builder,
        allowed: impl Fn(&Rules) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        loop {
            let Dated { settings, version, .. } = self.settings().clone();
            let builder = change(Builder::of(Settings::clone(&settings)));
            if let Some(what) = builder.fixed {
                return Err(ConfigError(Kind::Fixed { what }));
            }
            let plan = builder.settings.checked()?;
            allowed(&plan.rules)?;
            let held = self.settings();
            if held.version == version {
                let followed = held.followed;
                self.go_by(held, Arc::new(builder.settings), followed, Arc::new(plan));
                return Ok(());
            }
        }
    }

    /// Goes by the rules that `template` goes by, if they were changed since it last did.
    pub(crate) fn follow(&self, template: &Self) {
        let (newest, plan) = template.goes_by();
        self.follow_to(newest, plan);
    }

    /// The same, to what the template went by at a moment: another thread may have followed to later rules meanwhile.
    fn follow_to(&self, template: Dated, plan: Arc<Plan>) {
        let held = self.settings();
        if held.followed < template.version {
            self.go_by(held, template.settings, template.version, plan);
        }
    }

    /// What it goes by, of one moment.
    pub(crate) fn goes_by(&self) -> (Dated, Arc<Plan>) {
        // The plan is put in place under the lock of the settings.
        let held = self.settings();
        (held.clone(), Arc::clone(&self.engine().plan()))
    }

    /// Puts the plan in place with the settings it is of, under their lock. A round that may be over is decided after that,
    /// since the time to open may be a function of the user's, which is free to change the rules again.
    fn go_by(
        &self,
        mut held: MutexGuard<'_, Dated>,
        settings: Arc<Settings>,
        followed: u64,
        plan: Arc<Plan>,
    ) {
        let now = self.now();
        let new = Dated { settings, version: held.version + 1, followed };
        // They own the function that the old plan goes by, and drop it under no lock.
        let old = std::mem::replace(&mut *held, new);
        let round = self.engine().reconfigure(plan, now);
        drop(held);
        drop(old);
        if round.is_some_and(|generation| self.engine().decide(generation, None, now)) {
            self.deliver();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pl_2_who_follows_late_takes_no_later_rules_back() {
        let template = Breaker::consecutive(1).build().unwrap();
        let key = Breaker(Arc::new(template.for_key("db-1".into())));
        let seen: Vec<_> = (2..4)
            .map(|failures| {
                template.reconfigure(|builder| builder.or_consecutive(failures)).unwrap();
                template.goes_by()
            })
            .collect();
        // The newer first, as where the thread that saw the older was held up.
        for (dated, plan) in seen.into_iter().rev() {
            key.follow_to(dated, plan);
            assert_eq!(key.snapshot().rules.consecutive, Some(3));
        }
    }

    #[test]
    fn pl_2_who_follows_again_keeps_the_rules_that_it_was_given_since() {
        let template = Breaker::consecutive(1).build().unwrap();
        template.reconfigure(|builder| builder.or_consecutive(2)).unwrap();
        let key = Breaker(Arc::new(template.for_key("db-1".into())));
        key.reconfigure(|builder| builder.or_consecutive(7)).unwrap();
        key.follow(&template);
        assert_eq!(key.snapshot().rules.consecutive, Some(7));
        template.reconfigure(|builder| builder.or_consecutive(3)).unwrap();
        key.follow(&template);
        assert_eq!(key.snapshot().rules.consecutive, Some(3), "these came later");
    }
}
