//! Which events are written now: what was set, and what holds for a while.

use core_time::Instant;
use tracing::Metadata;
use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::levels::Levels;

/// Levels, and others that hold over them until their time is over.
#[derive(Clone, Default)]
pub(crate) struct Filter {
    pub(crate) base: Levels,
    overrides: Vec<Override>,
    now: Targets,
}

#[derive(Clone)]
struct Override {
    levels: Levels,
    until: Instant,
}

/// The most overrides at a time.
pub(crate) const OVERRIDES_MAX: usize = 16;

// === impl Filter ===

impl Filter {
    pub(crate) fn new(base: Levels) -> Self {
        Self { now: base.targets().clone(), base, overrides: Vec::new() }
    }

    pub(crate) fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.now.would_enable(metadata.target(), metadata.level())
    }

    pub(crate) fn most_verbose(&self) -> LevelFilter {
        let levels = self.now.iter().map(|(_, level)| level);
        levels.chain(self.now.default_level()).max().unwrap_or(LevelFilter::OFF)
    }

    /// When the next override ends, if there is one.
    pub(crate) fn next_end(&self) -> Option<Instant> {
        self.overrides.iter().map(|over| over.until).min()
    }

    /// What holds for a while, and until when, in the order in which it was set.
    pub(crate) fn overrides(&self) -> impl Iterator<Item = (&Levels, Instant)> {
        self.overrides.iter().map(|over| (&over.levels, over.until))
    }

    /// The same with another base.
    pub(crate) fn with_base(&self, base: Levels) -> Self {
        Self { base, ..self.clone() }.merged()
    }

    /// The same with one more override, which replaces one of the same text; `None` if there are too many.
    pub(crate) fn with_override(&self, levels: Levels, until: Instant) -> Option<Self> {
        let mut new = self.clone();
        new.overrides.retain(|over| over.levels.as_str() != levels.as_str());
        new.overrides.push(Override { levels, until });
        (new.overrides.len() <= OVERRIDES_MAX).then(|| new.merged())
    }

    /// The same without what is over by now.
    pub(crate) fn at(&self, now: Instant) -> Self {
        let mut new = self.clone();
        new.overrides.retain(|over| over.until > now);
        new.merged()
    }

    fn merged(mut self) -> Self {
        self.now = self.base.targets().clone();
        for over in &self.overrides {
            for (target, level) in over.levels.targets() {
                self.now = std::mem::take(&mut self.now).with_target(target, level);
            }
            if let Some(level) = over.levels.targets().default_level() {
                self.now = std::mem::take(&mut self.now).with_default(level);
            }
        }
        self
    }
}
