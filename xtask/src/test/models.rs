//! The models of loom and shuttle, and whether they notice a bug that is let in.

use std::process::Command;

use crate::failure::Failure;
use crate::{out, process};

/// Where the models of loom are.
const LOOM: [(&str, &[&str]); 2] =
    [("core-breaker", &["--test", "loom"]), ("core-retry", &["--lib", "--test", "loom"])];

const SHUTTLE: (&str, &[&str]) = ("core-breaker", &["--test", "shuttle"]);

/// Models of what a lock sees to. The bug is that atomic changes are two steps, and that stores publish nothing; a lock holds still.
const OF_LOCKS: [&str; 9] = [
    "cb_32_of_two_crossings_in_shadow_one_is_told_in_any_order",
    "cb_32_the_last_of_two_handles_ends_an_isolation_in_any_order",
    "cb_35_a_round_that_two_threads_decide_is_told_in_any_order",
    "cb_36_of_two_threads_one_gets_the_only_permit_in_every_order",
    "od_1_of_two_hosts_that_fail_at_once_one_is_ejected_in_any_order",
    "od_1_what_an_operator_returns_and_a_failure_ejects_is_counted_right_in_any_order",
    "pl_2_a_probe_that_ends_while_the_rules_change_closes_it_in_any_order",
    "pl_2_a_ramp_that_ends_while_the_rules_get_a_window_counts_in_it_in_any_order",
    "pl_2_other_rules_in_the_middle_of_a_round_leave_a_probe_free_in_any_order",
];

pub(super) fn loom() -> Result<(), Failure> {
    LOOM.iter().try_for_each(|crate_| process::run(&mut model(*crate_, "--cfg genesis_loom")))
}

pub(super) fn shuttle() -> Result<(), Failure> {
    process::run(&mut model(SHUTTLE, "--cfg genesis_shuttle"))
}

/// A model that cannot fail proves nothing: with the bug, each model of loom must fail but for those of locks, and of shuttle one.
pub(super) fn mutant() -> Result<(), Failure> {
    for crate_ in LOOM {
        let said = failing(crate_, "--cfg genesis_loom --cfg genesis_mutant")?;
        let blind = blind(&said);
        if !blind.is_empty() {
            let blind = blind.join(", ");
            return Err(Failure::new(format!("models that do not find a bug that was let in: {blind}")));
        }
        out::line(format_args!("loom has found it in {}, with every model of atomics.", crate_.0));
    }
    failing(SHUTTLE, "--cfg genesis_shuttle --cfg genesis_mutant")?;
    out::line("shuttle has found it.");
    Ok(())
}

/// What the models say that have the bug. At least one must fail.
fn failing(crate_: (&str, &[&str]), cfg: &str) -> Result<String, Failure> {
    // What does not compile finds nothing.
    process::run(model(crate_, cfg).arg("--no-run"))?;
    let said = process::said(model(crate_, cfg).arg("--no-fail-fast"))?;
    if said.lines().any(|line| verdict(line).is_some_and(|(_, passed)| !passed)) {
        return Ok(said);
    }
    Err(Failure::new(format!("the models of {} do not find a bug that was let in", crate_.0)))
}

/// Models that pass where they should not.
fn blind(said: &str) -> Vec<&str> {
    let passed = said.lines().filter_map(verdict).filter(|(_, passed)| *passed).map(|(name, _)| name);
    passed.filter(|name| !OF_LOCKS.contains(name)).collect()
}

/// What a line says of a test, if it does.
fn verdict(line: &str) -> Option<(&str, bool)> {
    let (name, verdict) = line.strip_prefix("test ")?.split_once(" ... ")?;
    match verdict.trim() {
        "ok" => Some((name, true)),
        "FAILED" => Some((name, false)),
        _ => None,
    }
}

/// The models of a crate. Built with optimisation, since each is run thousands of times.
fn model((crate_, targets): (&str, &[&str]), cfg: &str) -> Command {
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let mut command =
        process::cargo(&["test", "--package", crate_, "--release", "--target-dir", "target/loom"]);
    command.args(targets);
    command.env("RUSTFLAGS", format!("{flags} {cfg}").trim());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_passes_with_a_bug_is_named_unless_it_is_of_locks() {
        let said =
            format!("running 3 tests\ntest a ... ok\ntest b ... FAILED\ntest {} ... ok\n", OF_LOCKS[0]);
        assert_eq!(blind(&said), ["a"]);
        assert_eq!(verdict("test b ... FAILED"), Some(("b", false)));
        assert_eq!(verdict("test result: FAILED. 1 passed"), None);
    }
}
