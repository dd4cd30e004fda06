//! The execution around what runs now. It is carried by the context, and so wherever that is carried.

use std::sync::Arc;

use core_context::Context;

use crate::execution::Inner;
use crate::stage::Stage;

/// An execution, and the stage of it that runs.
pub(crate) struct Current {
    execution: Arc<Inner>,
    parent: Option<u16>,
    depth: u8,
}

/// Begins a stage of the execution around, inside the stage whose [scope](Stage::scope) this is in. It ends when it is dropped.
///
/// Outside of any execution it is part of nothing, and costs nothing.
///
/// Stages that are begun here one after the other stand side by side, also where they overlap: only a scope, or [`Stage::stage`],
/// puts one into another. So two futures that run at once in one execution never take each other's stages.
pub fn stage(name: &'static str) -> Stage<'static> {
    let Some(context) = Context::current() else { return Stage::NONE };
    match context.get::<Current>() {
        Some(current) => {
            Stage::begin_owned(Arc::clone(&current.execution), name, current.parent, current.depth)
        }
        None => Stage::NONE,
    }
}

// === impl Current ===

impl Current {
    pub(crate) fn of(execution: &Arc<Inner>, parent: Option<u16>, depth: u8) -> Self {
        Self { execution: Arc::clone(execution), parent, depth }
    }

    /// The context of now, with this in it.
    pub(crate) fn context(self) -> Context {
        Context::current().unwrap_or_default().derive(|context| context.extension(self))
    }
}
