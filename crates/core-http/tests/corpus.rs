//! What was once found by fuzzing, and what the specifications give as examples: the corpus of `fuzz`, as ordinary tests.

#[path = "../../../fuzz/properties.rs"]
mod properties;

use std::fs;
use std::path::Path;

/// Holds the property against each file of the corpus.
fn all_of(target: &str, holds: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut count = 0;
    for file in fs::read_dir(&corpus).expect("there is a corpus") {
        let file = file.expect("it can be listed").path();
        holds(&fs::read(&file).expect("it can be read"));
        count += 1;
    }
    assert!(count >= 5, "{target} has a corpus of {count}: where is the rest?");
}

macro_rules! targets {
    ($($target:ident),+) => { $(
        #[test]
        fn $target() {
            all_of(stringify!($target), properties::$target);
        }
    )+ };
}

targets!(traceparent, tracestate, baggage, retry_after, grpc_timeout, problem_json);
