use std::hint::black_box;
use std::sync::Arc;

use core_context::Context;
use core_context::w3c::TraceContext;
use core_time::{Clock, Instant, secs};
use opentelemetry::Context as OpenTelemetry;
use opentelemetry::context::FutureExt;

use super::call;
use crate::{Budget, Comes, Contest, Loop, Row, looped, looped_with, ready};

tokio::task_local! {
    static TASK: Arc<Theirs>;
}

/// What a service would keep in a task-local of its own.
#[derive(Debug)]
struct Theirs {
    deadline: Option<Instant>,
}

pub(super) fn rows() -> Vec<Row> {
    let row = |name, ns, contest| Row {
        name,
        threads: 1,
        budget: Budget::Total(ns),
        beside: &[],
        comes: Comes::Answered,
        allocations_max: 0,
        contest,
    };
    vec![row("context/read", 10.0, read), row("context/scope_poll", 35.0, scope_poll)]
}

fn ours() -> Context {
    let clock = Clock::system();
    Context::builder().trace(TraceContext::generate(true)).deadline_in(secs(60), &clock).build()
}

fn theirs() -> Arc<Theirs> {
    Arc::new(Theirs { deadline: ours().deadline() })
}

/// One field of the current context: the deadline.
fn read() -> Contest {
    let (context, task) = (ours(), theirs());
    let telemetry = OpenTelemetry::new().with_value(Theirs { deadline: ours().deadline() });
    Contest {
        ours: looped_with(
            move || context.enter(),
            |_, input| black_box(Context::current_deadline()).map(|_| input).ok_or(()),
        ),
        peers: vec![
            (
                "tokio task_local",
                inside(
                    task,
                    looped(|input| {
                        let deadline = TASK.try_with(|theirs| theirs.deadline);
                        black_box(deadline).ok().flatten().map(|_| input).ok_or(())
                    }),
                ),
            ),
            (
                "opentelemetry",
                looped_with(
                    move || telemetry.clone().attach(),
                    |_, input| {
                        let deadline = OpenTelemetry::map_current(|cx| cx.get::<Theirs>()?.deadline);
                        black_box(deadline).map(|_| input).ok_or(())
                    },
                ),
            ),
        ],
    }
}

/// A loop inside a task-local, as all of a task is.
fn inside(value: Arc<Theirs>, run: Loop) -> Loop {
    Arc::new(move |calls| TASK.sync_scope(Arc::clone(&value), || run(calls)))
}

/// A future in a context: made, polled once, dropped.
fn scope_poll() -> Contest {
    let (context, task) = (ours(), theirs());
    let telemetry = OpenTelemetry::new().with_value(Theirs { deadline: ours().deadline() });
    Contest {
        ours: looped(move |input| ready(context.scope(call(input)))),
        peers: vec![
            ("tokio task_local", looped(move |input| ready(TASK.scope(Arc::clone(&task), call(input))))),
            ("opentelemetry", looped(move |input| ready(call(input).with_context(telemetry.clone())))),
        ],
    }
}
