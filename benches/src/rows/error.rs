use std::convert::Infallible;
use std::fmt;
use std::hint::black_box;
use std::io;

use core_context::Context;
use core_errors::Error;
use error_stack::Report;

use crate::{Budget, Comes, Contest, Loop, Row, looped, looped_with};

pub(super) fn rows() -> Vec<Row> {
    let row = |name, ns, allocations_max, contest| Row {
        name,
        threads: 1,
        budget: Budget::Total(ns),
        beside: &[],
        comes: Comes::Answered,
        allocations_max,
        contest,
    };
    // Full: the error, the list of facts, and the source that anybody boxes.
    vec![row("error/create", 40.0, 1, create), row("error/full", 200.0, 3, full)]
}

/// Makes an error, and drops it.
fn made<E>(make: impl Fn() -> E + Send + Sync + 'static) -> Loop {
    looped(move |input| {
        black_box(make());
        Ok::<_, Infallible>(input)
    })
}

/// With a text that a client may see, and the place where it was made.
fn create() -> Contest {
    // With the hook in place that asks for the context of the caller, as in every service.
    drop(Context::new());
    Contest {
        ours: made(|| Error::unavailable("the ledger is down")),
        peers: vec![
            ("anyhow", made(|| anyhow::anyhow!("the ledger is down"))),
            ("eyre", made(|| eyre::eyre!("the ledger is down"))),
            ("error-stack", made(|| Report::new(Down))),
        ],
    }
}

/// With two facts, for whom the call was made, and the error that caused it. Whoever has no place for facts has texts.
fn full() -> Contest {
    let context = Context::new();
    let id = context.correlation_id().clone();
    let (of_eyre, of_stack) = (id.clone(), id.clone());
    Contest {
        // Ours remembers the context that is current.
        ours: looped_with(
            move || context.enter(),
            |_, input| {
                let error = Error::unavailable("the ledger is down")
                    .with("table", "orders")
                    .with("rows", 7_u64)
                    .cause(refused());
                black_box(error);
                Ok::<_, Infallible>(input)
            },
        ),
        peers: vec![
            (
                "anyhow",
                made(move || {
                    anyhow::Error::new(refused())
                        .context(Fact("table", "orders"))
                        .context(Fact("rows", 7_u64))
                        .context(Fact("correlation_id", id.clone()))
                        .context("the ledger is down")
                }),
            ),
            (
                "eyre",
                made(move || {
                    eyre::Report::new(refused())
                        .wrap_err(Fact("table", "orders"))
                        .wrap_err(Fact("rows", 7_u64))
                        .wrap_err(Fact("correlation_id", of_eyre.clone()))
                        .wrap_err("the ledger is down")
                }),
            ),
            (
                "error-stack",
                made(move || {
                    Report::new(refused())
                        .attach(Fact("table", "orders"))
                        .attach(Fact("rows", 7_u64))
                        .attach(Fact("correlation_id", of_stack.clone()))
                        .change_context(Down)
                }),
            ),
        ],
    }
}

fn refused() -> io::Error {
    io::ErrorKind::ConnectionRefused.into()
}

#[derive(Debug)]
struct Down;

#[derive(Debug)]
struct Fact<T>(&'static str, T);

// === impl Down ===

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the ledger is down")
    }
}

impl std::error::Error for Down {}

// === impl Fact ===

impl<T: fmt::Display> fmt::Display for Fact<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.0, self.1)
    }
}
