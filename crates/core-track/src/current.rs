//! The execution around what runs now. It is carried by the context, and so wherever that is carried.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;

use core_context::Context;
use core_errors::Classify;

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
    /// `None` hides the one further out.
    pub(crate) execution: Option<Arc<Inner>>,
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

/// Runs a future as a stage of the execution around, inside the stage whose scope this is in, and ends it as the result says: what
/// [`Stage::call`] is to a stage that is at hand. It begins when it is first polled.
///
/// ```
/// use core_errors::Error;
/// use core_track::{Outcome, Tracker, in_stage};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tracker = Tracker::builder().sample_rate(1.0).build()?;
/// let work = async {
///     let slow = in_stage("slow", std::future::pending::<Result<u32, Error>>());
///     let fast = in_stage("fast", async { Ok::<_, Error>(7) });
///     tokio::select! { won = slow => won, won = fast => won }
/// };
/// tracker.call("race", "order-17", work).await?;
///
/// let outcomes: Vec<_> = tracker.kept()[0].stages().iter().map(|stage| (stage.stage_name.clone(), stage.outcome)).collect();
/// assert!(outcomes.contains(&("fast".into(), Some(Outcome::Succeeded))));
/// assert!(!outcomes.contains(&("slow".into(), Some(Outcome::Succeeded))));
/// # Ok(()) }
/// ```
///
/// # Errors
/// Those of the future.
///
/// # Cancel safety
/// Dropping it before it has ended ends the stage as [cancelled](crate::Outcome::Cancelled).
pub async fn in_stage<T, E: Classify + Display>(
    name: &'static str,
    future: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    stage(name).call(future).await
}

// === impl Current ===

impl Current {
    /// The context of now, with an execution and a stage of it in it.
    pub(crate) fn context(execution: &Arc<Inner>, parent: Option<u16>, depth: u8) -> Context {
        let around = Context::current().unwrap_or_else(|| execution.context().clone());
        let current = Self { execution: Some(Arc::clone(execution)), parent, depth };
        around.derive(|context| context.extension(current))
    }

    /// A context without the execution in it: one that starts in another would otherwise keep that, and all before it, for as long as it
    /// runs, and work that starts itself anew runs for ever.
    pub(crate) fn hidden(context: Context) -> Context {
        if context.get::<Self>().is_none_or(|current| current.execution.is_none()) {
            return context;
        }
        context.derive(|context| context.extension(Self { execution: None, parent: None, depth: 0 }))
    }
}
