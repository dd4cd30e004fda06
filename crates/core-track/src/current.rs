//! The execution around what runs now. It is carried by the context, and so wherever that is carried.

use std::sync::Arc;

use core_context::Context;

use crate::execution::Inner;
use crate::stage::Stage;

/// Put into a context, it keeps the executions that start there, whatever comes of them: of one request that somebody looks into.
///
/// ```
/// use core_context::Context;
/// use core_track::{Keep, Tracker};
///
/// let tracker = Tracker::builder().sample_rate(0.0).build()?;
/// let asked = Context::builder().extension(Keep).build();
/// asked.sync_scope(|| tracker.start("checkout", "order-17").finish());
/// assert_eq!(tracker.kept().len(), 1);
/// # Ok::<_, core_track::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep;

/// An execution, and the stage of it that runs.
pub(crate) struct Current {
    pub(crate) execution: Arc<Inner>,
    pub(crate) parent: Option<u16>,
    pub(crate) depth: u8,
}

/// Begins a stage of the execution around, inside the stage whose [scope](Stage::scope) this is in. It ends when it is dropped.
///
/// Outside of any execution it is part of nothing, and costs nothing.
///
/// Stages that are begun here one after the other stand side by side, also where they overlap: only a scope, or [`Stage::stage`],
/// puts one into another. So two futures that run at once in one execution never take each other's stages.
pub fn stage(name: &'static str) -> Stage<'static> {
    Context::current_extension::<Current>().map_or(Stage::NONE, |current| Stage::begin_in(current, name))
}

// === impl Current ===

impl Current {
    pub(crate) fn of(execution: &Arc<Inner>, parent: Option<u16>, depth: u8) -> Self {
        Self { execution: Arc::clone(execution), parent, depth }
    }

    /// The context of now, with this in it.
    pub(crate) fn context(self) -> Context {
        let around = Context::current().unwrap_or_else(|| self.execution.context().clone());
        around.derive(|context| context.extension(self))
    }
}
