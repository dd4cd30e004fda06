use std::fmt;
use std::sync::Arc;

use core_errors::PolicyKind;
use core_policy::{Admit, Cx, Next, Outcome, Policy, Role};
use core_time::Clock;

use super::limit::Shared;
use super::tier::{Bucket, Tier};

/// The limit of one key. Made by [`KeyedRate::of`](super::KeyedRate::of); while there is one, the key is in use.
#[derive(Clone)]
pub struct OfKey {
    shared: Arc<Shared>,
    tier: Tier,
    bucket: Arc<Bucket>,
}

// === impl OfKey ===

impl OfKey {
    pub(super) fn new(shared: Arc<Shared>, tier: Tier, bucket: Arc<Bucket>) -> Self {
        Self { shared, tier, bucket }
    }
}

impl fmt::Debug for OfKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfKey").field("tier", self.shared.rules(self.tier)).finish_non_exhaustive()
    }
}

impl Policy for OfKey {
    type State = ();

    fn clock(&self) -> &Clock {
        self.shared.clock()
    }

    #[inline]
    fn begin(&self) {}

    #[inline]
    fn admit(&self, (): &mut (), _: &mut Cx<'_>) -> Admit {
        match self.shared.take_one(self.tier, &self.bucket, self.shared.now()) {
            Ok(()) => Admit::Run,
            Err(rejection) => Admit::Refuse(rejection),
        }
    }

    #[inline]
    fn settle(&self, (): &mut (), _: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        Next::Finish
    }

    fn abandon(&self, (): &mut ()) {}

    fn roles(&self) -> Vec<Role> {
        vec![Role::new(PolicyKind::RateLimit)]
    }
}

core_policy::policy_methods!(OfKey, once);
core_policy::policy_layer!(OfKey, once);
