//! What policies in another order than the canonical one come to, as the documentation of the crate says.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use core_breaker::Breaker;
use core_errors::{Error, PolicyKind, Reason, Rejection};
use core_limit::{Adaptive, Bulkhead, Rate};
use core_pipeline::Pipeline;
use core_policy::{Admit, Advice, ByClass, Call, CallError, Cx, Next, Outcome, Policy, Role, Stack};
use core_retry::Retry;
use core_time::{Clock, ms, secs};
use core_timeout::Timeout;

fn three() -> Retry {
    Retry::fixed(ms(100)).no_jitter().attempts(3).build().unwrap()
}

async fn fails<P: Policy>(policy: P) -> CallError<Error> {
    Call::new(policy, |_| async { Err::<(), _>(Error::network("gone")) }, ByClass).await.unwrap_err()
}

async fn hangs<P: Policy>(policy: P) -> Option<Reason> {
    let hanging = Call::new(policy, |_| std::future::pending::<Result<(), Error>>(), ByClass);
    hanging.await.unwrap_err().rejection().map(Rejection::reason)
}

#[tokio::test(start_paused = true)]
async fn a_bulkhead_around_a_retry_keeps_the_slot_between_attempts() {
    let bulkhead = Bulkhead::max(1).build().unwrap();
    let between = async {
        Clock::system().sleep(ms(150)).await;
        bulkhead.snapshot().in_use
    };
    let (_, in_use) = tokio::join!(fails(Stack::new(&bulkhead, three())), between);
    assert_eq!((in_use, bulkhead.snapshot().admitted), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_around_a_retry_counts_the_call_and_not_its_attempts() {
    let (outside, inside) = (Rate::per_second(9).build().unwrap(), Rate::per_second(9).build().unwrap());
    fails(Stack::new(&outside, Stack::new(three(), &inside))).await;
    assert_eq!((outside.stats().allowed, inside.stats().allowed), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_around_a_breaker_is_used_up_by_what_that_refuses() {
    let (rate, breaker) = (Rate::per_second(9).build().unwrap(), Breaker::consecutive(1).build().unwrap());
    breaker.force_open("test").unwrap();
    fails(Stack::new(&rate, &breaker)).await;
    fails(Stack::new(&breaker, &rate)).await;
    assert_eq!(rate.stats().allowed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_around_a_retry_counts_calls_and_asks_an_open_circuit_once() {
    let breaker = Breaker::consecutive(1).build().unwrap();
    fails(Stack::new(&breaker, three())).await;
    assert_eq!(breaker.totals().failures, 1);
    fails(Stack::new(&breaker, three())).await;
    assert_eq!(breaker.totals().rejected, 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_timeout_around_a_retry_bounds_the_whole_call() {
    let start = Clock::system().now();
    let bounded = Stack::new(Timeout::attempt(ms(150)).build().unwrap(), three());
    assert!(fails(bounded).await.is_timeout());
    assert_eq!(Clock::system().now() - start, ms(150));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_timeout_around_a_bulkhead_runs_while_the_call_waits() {
    let bulkhead = Bulkhead::max(1).max_wait(secs(9)).build().unwrap();
    let _held = bulkhead.acquire().unwrap();
    let start = Clock::system().now();
    let bounded = Stack::new(Timeout::attempt(ms(150)).build().unwrap(), &bulkhead);
    let breaker = Breaker::consecutive(1).build().unwrap();
    assert_eq!(hangs(Stack::new(&breaker, bounded)).await, Some(Reason::TimedOut));
    assert_eq!((breaker.totals().failures, breaker.totals().inconclusive), (0, 1), "nobody was called");
    assert_eq!((Clock::system().now() - start, bulkhead.snapshot().waiting), (ms(150), 0));
}

/// The rows of the section: what is outside, what is inside, and what that means.
fn documented() -> Vec<String> {
    let page = include_str!("../src/lib.rs").lines();
    let table = page.skip_while(|line| !line.starts_with("//! | outside | inside |")).skip(2);
    let rows = table.map_while(|line| line.strip_prefix("//! | ")?.strip_suffix(" |"));
    let texts = rows.map(|row| {
        let [outside, inside, why] = row.split(" | ").collect::<Vec<_>>().try_into().unwrap();
        format!("{outside} outside {inside}: {why}")
    });
    texts.collect()
}

fn advice<O: Policy, I: Policy>(outside: O, inside: I) -> Vec<String> {
    Stack::new(outside, inside).advice().iter().map(Advice::to_string).collect()
}

/// What says that it is this, and does nothing.
struct Is(Role, Clock);

impl Policy for Is {
    type State = ();

    fn clock(&self) -> &Clock {
        &self.1
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
        vec![self.0]
    }
}

#[test]
fn pl_1_of_all_pairs_a_stack_advises_against_those_of_the_table_in_its_words() {
    use PolicyKind as K;
    let kinds = [
        K::Retry,
        K::Hedge,
        K::Breaker,
        K::Outlier,
        K::RateLimit,
        K::Throttle,
        K::Bulkhead,
        K::Adaptive,
        K::Timeout,
        K::Deadline,
    ];
    let roles = || kinds.into_iter().flat_map(|kind| [false, true].map(|is| Role::new(kind).queue(is)));
    let is = |role| Is(role, Clock::system());
    let mut told: Vec<_> =
        roles().flat_map(|outside| roles().flat_map(move |inside| advice(is(outside), is(inside)))).collect();
    told.sort_unstable();
    told.dedup();
    let mut documented = documented();
    assert_eq!(documented.len(), 6);
    documented.sort_unstable();
    assert_eq!(told, documented);
}

#[test]
fn pl_1_the_policies_say_what_they_are_wherever_they_stand() {
    let attempt = || Timeout::attempt(ms(300)).build().unwrap();
    let bulkhead = || Bulkhead::max(4);
    let rate = || Rate::per_second(9).build().unwrap();
    let breaker = || Breaker::consecutive(5).build().unwrap();
    let rows = documented();
    assert_eq!(advice(breaker(), three()), rows[0..1]);
    assert_eq!(advice(bulkhead().build().unwrap(), three()), rows[1..2]);
    assert_eq!(advice(rate(), three()), rows[2..3]);
    assert_eq!(advice(attempt(), bulkhead().max_wait(ms(9)).build().unwrap()), rows[3..4]);
    assert_eq!(advice(attempt(), three()), rows[4..5]);
    let limit = rate();
    assert_eq!(advice(&limit, std::sync::Arc::new(breaker())), rows[5..6], "behind pointers, too");
    assert_eq!(advice(Some(limit), breaker()), rows[5..6]);

    // Those beside each other are not all: each is held against all further in, and told of once.
    let deep = Stack::new(breaker(), Stack::new(attempt(), Stack::new(three(), Some(three()))));
    let told = deep.advice();
    assert_eq!(told.iter().map(Advice::to_string).collect::<Vec<_>>(), [&*rows[0], &*rows[4]]);
    let first = told[0];
    assert_eq!((first.outside(), first.inside()), (PolicyKind::Breaker, PolicyKind::Retry));
    assert_eq!(format!("{first:?}"), format!("Advice(breaker outside retry: {})", first.why()));

    let whole = Pipeline::named("whole").retry(Retry::fixed(ms(1))).build().unwrap();
    assert_eq!(advice(breaker(), &whole), rows[0..1], "what it consists of counts");
}

#[test]
fn pl_3_nothing_is_said_against_the_canonical_order_nor_of_what_is_not_there() {
    let whole = Timeout::total(secs(2)).build().unwrap();
    let waits = Bulkhead::max(4).max_wait(ms(9)).build().unwrap();
    let (rate, attempt) = (Rate::per_second(9).build().unwrap(), Timeout::attempt(ms(300)).build().unwrap());
    let breaker = Breaker::consecutive(5).build().unwrap();
    let inside = Stack::new(&breaker, Stack::new(&rate, Stack::new(&waits, &attempt)));
    assert_eq!(Stack::new(&whole, Stack::new(three(), &inside)).advice(), []);
    assert_eq!(advice(&breaker, None::<Retry>), [""; 0]);
    assert_eq!(advice(&attempt, Bulkhead::max(4).build().unwrap()), [""; 0], "nobody waits in it");
    assert_eq!(advice(Adaptive::aimd(secs(1)).build().unwrap(), inside), [""; 0]);
}
