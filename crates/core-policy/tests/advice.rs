//! What a stack knows against the order of its policies.

use core_policy::{Admit, Cx, Next, Outcome, Policy, PolicyKind, Role, Stack};
use core_time::Clock;

/// A policy that is of some kind, and does nothing.
struct Of(Clock, Role);

impl Policy for Of {
    type State = ();

    fn clock(&self) -> &Clock {
        &self.0
    }

    fn begin(&self) {}

    fn admit(&self, (): &mut (), _: &mut Cx<'_>) -> Admit {
        Admit::Run
    }

    fn settle(&self, (): &mut (), _: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        Next::Finish
    }

    fn abandon(&self, (): &mut ()) {}

    fn roles(&self) -> Vec<Role> {
        vec![self.1]
    }
}

fn of(kind: PolicyKind) -> Of {
    Of(Clock::system(), Role::new(kind))
}

#[test]
fn each_order_that_is_known_is_told_once_with_its_reason_and_the_other_is_not() {
    use PolicyKind::{Breaker, RateLimit, Retry, Timeout};
    for (outside, inside) in [(Breaker, Retry), (RateLimit, Retry), (Timeout, Retry), (RateLimit, Breaker)] {
        let advice = Stack::new(of(outside), of(inside)).advice();
        assert_eq!(advice.len(), 1, "{outside:?} outside {inside:?}: {advice:?}");
        assert_eq!((advice[0].outside(), advice[0].inside()), (outside, inside));
        assert!(advice[0].to_string().ends_with(advice[0].why()) && advice[0].why().len() > 20);
        assert_eq!(Stack::new(of(inside), of(outside)).advice(), []);
        assert_eq!(Stack::new(of(outside), of(outside)).advice(), []);
    }
    let twice = Stack::new(of(Breaker), Stack::new(of(Retry), of(Retry)));
    assert_eq!(twice.advice().len(), 1);
    // Not only of those that stand beside each other, and the outermost first.
    let three = Stack::new(of(RateLimit), Stack::new(of(Breaker), of(Retry)));
    let told: Vec<_> = three.advice().iter().map(|it| (it.outside(), it.inside())).collect();
    assert_eq!(told, [(RateLimit, Breaker), (RateLimit, Retry), (Breaker, Retry)]);
}

#[test]
fn a_limit_on_an_attempt_is_outside_of_a_queue_only_where_there_is_one() {
    let around = |is_queue| {
        let slots = Of(Clock::system(), Role::new(PolicyKind::Bulkhead).queue(is_queue));
        Stack::new(of(PolicyKind::Timeout), slots).advice().len()
    };
    assert_eq!((around(false), around(true)), (0, 1));
}

#[test]
fn a_policy_that_is_not_there_has_no_role_and_one_behind_a_pointer_has_its_own() {
    let retry = of(PolicyKind::Retry);
    assert_eq!((&&retry).roles(), [Role::new(PolicyKind::Retry)]);
    assert_eq!(Stack::new(of(PolicyKind::Breaker), None::<Of>).advice(), []);
    assert_eq!(Stack::new(Some(of(PolicyKind::Breaker)), Some(retry)).advice().len(), 1);
}
