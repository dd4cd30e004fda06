//! A kit that watches.

use genesis_kit::prelude::*;

/// What a kit shows that watches these.
pub(crate) fn shown(watch: impl FnOnce(genesis_kit::Builder) -> genesis_kit::Builder) -> String {
    let kit = watch(Kit::builder("watched").version("1").without_log()).build().expect("a kit");
    let text = kit.metrics().respond(None).body;
    assert!(text.contains("metrics_rejected_total 0\n"), "all of it has a place: {text}");
    text
}

#[track_caller]
pub(crate) fn has<const N: usize>(text: &str, lines: [&str; N]) {
    for line in lines {
        assert!(text.lines().any(|shown| shown == line), "{line} in {text}");
    }
}

pub(crate) fn fail() -> Result<(), Error> {
    Err(Error::network("gone"))
}
