//! The models of loom and shuttle, and whether they notice a bug that is let in.

use std::process::Command;

use crate::failure::Failure;
use crate::{out, process};

/// Where the models of loom are.
const LOOM: [(&str, &[&str]); 3] = [
    ("core-breaker", &["--test", "loom"]),
    ("core-limit", &["--test", "loom"]),
    ("core-retry", &["--lib", "--test", "loom"]),
];

const SHUTTLE: (&str, &[&str]) = ("core-breaker", &["--test", "shuttle"]);

/// Models of what a lock sees to: they must find that it keeps nobody out. All others must find that a change of an atomic is two steps,
/// and that a store publishes nothing.
const OF_LOCKS: [&str; 15] = [
    "bh_1_who_leaves_the_queue_while_a_slot_is_handed_over_leaves_it_free_in_any_order",
    "cb_22_of_five_threads_two_probe",
    "cb_32_no_failure_opens_what_an_operator_holds_closed_in_any_order",
    "cb_32_of_two_crossings_in_shadow_one_is_told_in_any_order",
    "cb_32_the_last_of_two_handles_ends_an_isolation_in_any_order",
    "cb_35_a_round_that_two_threads_decide_is_told_in_any_order",
    "cb_36_of_two_threads_one_gets_the_only_permit_in_every_order",
    "from_whatever_threads_leave_behind_it_closes_again",
    "od_1_of_two_hosts_that_fail_at_once_one_is_ejected_in_any_order",
    "od_1_what_an_operator_returns_and_a_failure_ejects_is_counted_right_in_any_order",
    "od_1_whatever_threads_do_to_hosts_the_count_of_ejected_ones_is_right",
    "pl_2_a_probe_that_ends_while_the_rules_change_closes_it_in_any_order",
    "pl_2_a_ramp_that_ends_while_the_rules_get_a_window_counts_in_it_in_any_order",
    "pl_2_other_rules_in_the_middle_of_a_round_leave_a_probe_free_in_any_order",
    "rl_8_more_slots_and_one_that_is_given_back_leave_nobody_waiting_in_any_order",
];

pub(super) fn loom() -> Result<(), Failure> {
    LOOM.iter().try_for_each(|crate_| process::run(&mut model(*crate_, "--cfg genesis_loom")))
}

pub(super) fn shuttle() -> Result<(), Failure> {
    process::run(&mut model(SHUTTLE, "--cfg genesis_shuttle"))
}

/// A model that cannot fail proves nothing: each must fail with a bug in what it is a model of.
pub(super) fn mutant() -> Result<(), Failure> {
    for crate_ in LOOM {
        finds(crate_, "--cfg genesis_loom --cfg genesis_mutant")?;
    }
    finds(SHUTTLE, "--cfg genesis_shuttle --cfg genesis_mutant")
}

fn finds(crate_: (&str, &[&str]), cfg: &str) -> Result<(), Failure> {
    // What does not compile finds nothing.
    process::run(model(crate_, cfg).arg("--no-run"))?;
    let mut found = 0;
    for bug in ["atomics", "locks"] {
        let mut command = model(crate_, cfg);
        command.env("GENESIS_MUTANT", bug).args(["--no-fail-fast", "--", "--exact"]);
        // The other ones may run for long, since they have nothing to find.
        let but = if bug == "locks" { None } else { Some("--skip") };
        for name in OF_LOCKS {
            command.args(but).arg(name);
        }
        let said = process::said(&mut command)?;
        let verdicts: Vec<_> = said.lines().filter_map(verdict).collect();
        let blind: Vec<_> = verdicts.iter().filter(|(_, passed)| *passed).map(|(name, _)| *name).collect();
        if !blind.is_empty() {
            let blind = blind.join(", ");
            return Err(Failure::new(format!("models that do not find a bug in {bug}: {blind}")));
        }
        found += verdicts.len();
    }
    if found == 0 {
        return Err(Failure::new(format!("no model of {} was run", crate_.0)));
    }
    out::line(format_args!("each of the {found} models of {} has found its bug.", crate_.0));
    Ok(())
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
    fn a_line_says_whether_a_model_has_passed() {
        assert_eq!(verdict("test a ... ok"), Some(("a", true)));
        assert_eq!(verdict("test b ... FAILED"), Some(("b", false)));
        assert_eq!(verdict("test result: FAILED. 1 passed"), None);
    }
}
