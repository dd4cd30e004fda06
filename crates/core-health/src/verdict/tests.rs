//! The table of `docs/decisions` and of the crate's documentation, row by row.

use core_time::Instant;

use super::*;

fn check(role: Role, status: Status) -> Standing {
    let pending = status == Status::Unknown;
    Standing { role, status, code: None, pending, since: Instant::ORIGIN, last_run: None, bad_row: 0 }
}

fn stale(role: Role) -> Standing {
    Standing { pending: false, ..check(role, Status::Unknown) }
}

/// Overall, then `/health`, ready, startup, live, for a service that has not started before.
fn row(checks: &[Standing]) -> (Status, [u16; 4]) {
    codes(evaluate(checks, false, false))
}

fn codes(verdict: Verdict) -> (Status, [u16; 4]) {
    let code = |probe| if verdict.passes(probe) { 200 } else { 503 };
    (verdict.overall, [Probe::Health, Probe::Ready, Probe::Startup, Probe::Live].map(code))
}

#[test]
fn without_checks_nobody_knows_and_nobody_is_stopped() {
    assert_eq!(row(&[]), (Status::Unknown, [200, 200, 200, 200]));
}

#[test]
fn healthy_is_200_everywhere() {
    for role in [Role::Liveness, Role::Local, Role::Dependency, Role::Gating, Role::Optional] {
        assert_eq!(row(&[check(role, Status::Healthy)]), (Status::Healthy, [200; 4]), "{role:?}");
    }
}

#[test]
fn degraded_is_200_everywhere_and_says_so() {
    for role in [Role::Liveness, Role::Local, Role::Dependency, Role::Gating, Role::Optional] {
        assert_eq!(row(&[check(role, Status::Degraded)]), (Status::Degraded, [200; 4]), "{role:?}");
    }
}

#[test]
fn unhealthy_that_gates_is_503_but_for_liveness() {
    for role in [Role::Local, Role::Gating] {
        assert_eq!(
            row(&[check(role, Status::Unhealthy)]),
            (Status::Unhealthy, [503, 503, 503, 200]),
            "{role:?}"
        );
    }
}

#[test]
fn a_shared_dependency_degrades_and_only_start_up_waits_for_it() {
    let checks = [check(Role::Dependency, Status::Unhealthy), check(Role::Local, Status::Healthy)];
    assert_eq!(row(&checks), (Status::Degraded, [200, 200, 503, 200]));
    assert_eq!(codes(evaluate(&checks, false, true)), (Status::Degraded, [200; 4]), "once started");
}

#[test]
fn an_optional_one_degrades_and_nothing_waits() {
    assert_eq!(row(&[check(Role::Optional, Status::Unhealthy)]), (Status::Degraded, [200; 4]));
}

#[test]
fn a_liveness_check_that_fails_is_503_everywhere() {
    assert_eq!(row(&[check(Role::Liveness, Status::Unhealthy)]), (Status::Unhealthy, [503; 4]));
}

#[test]
fn before_the_first_result_only_liveness_is_200() {
    for role in [Role::Liveness, Role::Local, Role::Dependency, Role::Gating] {
        assert_eq!(row(&[check(role, Status::Unknown)]), (Status::Unknown, [503, 503, 503, 200]), "{role:?}");
    }
    assert_eq!(row(&[check(Role::Optional, Status::Unknown)]), (Status::Healthy, [200; 4]));
}

#[test]
fn a_stale_result_takes_readiness_only_where_it_gates() {
    for role in [Role::Local, Role::Gating, Role::Liveness] {
        let (overall, codes) = codes(evaluate(&[stale(role)], false, true));
        assert_eq!((overall, codes), (Status::Unknown, [503, 503, 200, 200]), "{role:?}");
    }
    for role in [Role::Dependency, Role::Optional] {
        assert_eq!(codes(evaluate(&[stale(role)], false, true)), (Status::Degraded, [200; 4]), "{role:?}");
    }
}

#[test]
fn draining_is_not_ready_and_still_alive() {
    let (_, codes) = codes(evaluate(&[check(Role::Local, Status::Healthy)], true, true));
    assert_eq!(codes, [503, 503, 200, 200]);
}

#[test]
fn start_up_is_a_latch() {
    for role in [Role::Liveness, Role::Local, Role::Dependency, Role::Gating, Role::Optional] {
        for status in [Status::Healthy, Status::Degraded, Status::Unhealthy, Status::Unknown] {
            assert!(
                evaluate(&[check(role, status)], false, true).passes(Probe::Startup),
                "{role:?} {status:?}"
            );
        }
    }
}

#[test]
fn one_more_failure_never_makes_anything_better() {
    let roles = [Role::Liveness, Role::Local, Role::Dependency, Role::Gating, Role::Optional];
    let statuses = [Status::Healthy, Status::Degraded, Status::Unhealthy, Status::Unknown];
    for (a, b) in roles.iter().flat_map(|a| roles.iter().map(move |b| (*a, *b))) {
        for (was, other) in statuses.iter().flat_map(|a| statuses.iter().map(move |b| (*a, *b))) {
            let before = evaluate(&[check(a, was), check(b, other)], false, false);
            let after = evaluate(&[check(a, Status::Unhealthy), check(b, other)], false, false);
            // A check without a result may hide that nothing is wrong: only what was known can be compared.
            if was == Status::Unknown {
                continue;
            }
            for probe in [Probe::Health, Probe::Ready, Probe::Startup, Probe::Live] {
                let (before, after) = (before.passes(probe), after.passes(probe));
                assert!(before || !after, "{a:?} {was:?} beside {b:?} {other:?}");
            }
        }
    }
}
