use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use core_policy::quietly;

use crate::opening::Opening;
use crate::rules::Rules;

/// Says for how long it opens.
pub(crate) type OpenBy = Arc<dyn Fn(&Opening) -> Duration + Send + Sync>;

/// What a breaker goes by until it is reconfigured.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) rules: Rules,
    pub(crate) open_by: Option<OpenBy>,
}

// === impl Plan ===

impl Plan {
    /// For how long it opens, with a draw from `[0, 1)`. Runs code of the user's, so not under a lock.
    pub(crate) fn open_time(&self, opening: &Opening, draw: f64) -> Duration {
        let by_rules = || self.rules.jittered(opening.open_for, draw);
        let Some(open_by) = &self.open_by else { return by_rules() };
        // The panic hook has reported a bug in it; whoever made the call has nothing to do with it.
        quietly(|| open_by(opening)).unwrap_or_else(by_rules)
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("rules", &self.rules).finish_non_exhaustive()
    }
}
