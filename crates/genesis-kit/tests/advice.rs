//! What clippy.toml tells people to use instead is there.

use std::collections::BTreeSet;

use genesis_kit::prelude::*;

/// Each of them used once: what does not exist does not compile.
#[expect(dead_code, reason = "it need not run")]
fn uses() {
    let clock = Clock::system();
    drop(clock.sleep(ms(1)));
    drop(clock.sleep_until(clock.now()));
    clock.sleep_until_blocking(clock.now());
    drop(Context::new().scope(async {}));
    drop(genesis_kit::context::spawn(async {}));
    drop(genesis_kit::context::spawn_blocking(|| ()));
    drop(genesis_kit::context::spawn_thread("name", || ()));
    drop(genesis_kit::context::JoinSet::<()>::new());
    drop(Timeout::attempt(ms(1)));
}

/// What is advised.
fn advised() -> BTreeSet<&'static str> {
    BTreeSet::from([
        "core_time::Clock",
        "core_time::Clock::sleep",
        "core_time::Clock::sleep_until",
        "core_time::Clock::sleep_until_blocking",
        "core_context::Context::scope",
        "core_context::JoinSet",
        "core_context::spawn",
        "core_context::spawn_blocking",
        "core_context::spawn_thread",
        "core_timeout",
    ])
}

#[test]
fn every_item_that_clippy_advises_exists() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clippy.toml");
    let text = std::fs::read_to_string(file).expect("the file of the workspace");
    let of_ours = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    let words = text.split(|c| !of_ours(c)).map(|word| word.trim_end_matches(':'));
    let named: BTreeSet<&str> = words.filter(|word| word.starts_with("core_")).collect();
    assert_eq!(named, advised());
}
