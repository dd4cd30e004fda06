//! What stands by itself.

use genesis_kit::limit::{Adaptive, Executor, SlidingWindow, Throttle};
use genesis_kit::prelude::*;

use crate::bench::{fail, has, shown};

#[test]
fn limits_and_throttles_show_what_they_let_through_and_refuse() {
    let adaptive = Adaptive::gradient().initial(1).min(1).name("search").build().unwrap();
    let permit = adaptive.acquire().unwrap();
    adaptive.acquire().unwrap_err();
    let throttle = Throttle::builder().name("pay").build().unwrap();
    assert!(throttle.call_blocking(|_| Ok::<_, Error>("charged")).is_ok());
    assert!(throttle.call_blocking(|_| fail()).is_err());
    let window = SlidingWindow::per(3, secs(60)).name("api").build().unwrap();
    (0..5).for_each(|_| drop(window.check()));
    let rate = Rate::per_hour(2).name("mail").max_wait(secs(3_600)).build().unwrap();
    (0..3).for_each(|_| drop(rate.check()));
    rate.reserve(1).unwrap().spend();
    drop(rate.reserve(1));
    let bulkhead = Bulkhead::max(1).name("files").build().unwrap();
    let slot = bulkhead.acquire().unwrap();
    bulkhead.acquire().unwrap_err();
    let text =
        shown(|kit| kit.watch(&adaptive).watch(&throttle).watch(&window).watch(&rate).watch(&bulkhead));
    drop((permit, slot));
    has(
        &text,
        [
            "adaptive_limit{name=\"search\"} 1.0",
            "adaptive_limit_in_flight{name=\"search\"} 1.0",
            "adaptive_limit_calls_total{name=\"search\",outcome=\"admitted\"} 1",
            "adaptive_limit_calls_total{name=\"search\",outcome=\"refused\"} 1",
            "adaptive_limit_calls_total{name=\"search\",outcome=\"shed\"} 0",
            "adaptive_limit_dropped_total{name=\"search\"} 0",
            "throttle_held_back_ratio{name=\"pay\"} 0.0",
            "throttle_requests_total{name=\"pay\",outcome=\"allowed\"} 2",
            "throttle_requests_total{name=\"pay\",outcome=\"refused\"} 0",
            "throttle_accepted_total{name=\"pay\"} 1",
            "sliding_window_requests_total{name=\"api\",outcome=\"allowed\"} 3",
            "sliding_window_requests_total{name=\"api\",outcome=\"refused\"} 2",
            "sliding_window_limit{name=\"api\"} 3.0",
            "sliding_window_remaining{name=\"api\"} 0.0",
            "sliding_window_seconds{name=\"api\"} 60.0",
            "rate_limit_requests_total{name=\"mail\",outcome=\"allowed\"} 4",
            "rate_limit_reserved_total{name=\"mail\"} 2",
            "rate_limit_reservations_cancelled_total{name=\"mail\"} 1",
            "rate_limit_requests_total{name=\"mail\",outcome=\"refused\"} 1",
            "bulkhead_in_use{name=\"files\"} 1.0",
            "bulkhead_calls_total{name=\"files\",outcome=\"refused\"} 1",
            "bulkhead_calls_total{name=\"files\",outcome=\"shed\"} 0",
        ],
    );
    assert!(!text.contains("adaptive_limit_baseline_seconds"), "nobody knows it yet");
}

#[test]
fn partitions_of_an_adaptive_limit_are_shown_whichever_handle_is_watched() {
    let rules = Adaptive::gradient().partition("live", 0.7).partition("batch", 0.25).name("search");
    let limit = rules.build().unwrap();
    let live = limit.partition("live").unwrap();
    let calls = (live.acquire().unwrap(), live.acquire().unwrap(), limit.acquire().unwrap());
    for handle in [&limit, &live] {
        has(
            &shown(|kit| kit.watch(handle)),
            [
                "adaptive_limit_in_flight{name=\"search\"} 3.0",
                "adaptive_limit_partition_in_flight{name=\"search\",partition=\"live\"} 2.0",
                "adaptive_limit_partition_in_flight{name=\"search\",partition=\"batch\"} 0.0",
                "adaptive_limit_partition_own{name=\"search\",partition=\"live\"} 14.0",
                "adaptive_limit_partition_own{name=\"search\",partition=\"batch\"} 5.0",
            ],
        );
    }
    drop(calls);
}

#[test]
fn executors_show_their_threads_their_queue_and_their_jobs() {
    let executor = Executor::named("cpu").threads(1).queue(1).build().unwrap();
    executor.run(|| 7).unwrap().join().unwrap();
    let (open, door) = std::sync::mpsc::channel::<()>();
    let (tell, began) = std::sync::mpsc::channel::<()>();
    let running = executor.run(move || (tell.send(()), door.recv())).unwrap();
    began.recv().unwrap();
    let waiting = executor.run(|| 8).unwrap();
    assert!(executor.run(|| 9).is_err());
    let text = shown(|kit| kit.watch(&executor));
    drop((open, running, waiting));
    has(
        &text,
        [
            "executor_threads{name=\"cpu\"} 1.0",
            "executor_running{name=\"cpu\"} 1.0",
            "executor_queued{name=\"cpu\"} 1.0",
            "executor_queue_max{name=\"cpu\"} 1.0",
            "executor_jobs_total{name=\"cpu\",outcome=\"done\"} 1",
            "executor_jobs_total{name=\"cpu\",outcome=\"refused\"} 1",
            "executor_jobs_total{name=\"cpu\",outcome=\"panicked\"} 0",
        ],
    );
}

#[test]
fn budgets_show_what_is_left_and_what_they_refuse_under_the_name_of_whoever_draws_on_them() {
    let budget = Budget::new(4, 0.5).unwrap();
    let retry = |budget: &Budget| Retry::fixed(ms(1)).attempts(2).budget(budget);
    let payments = Pipeline::named("payments").retry(retry(&budget)).build().unwrap();
    // The first is tried again, which leaves half; from then on the budget says no.
    (0..2).for_each(|_| assert!(payments.call_blocking(|_| fail()).is_err()));
    let alone = retry(&Budget::default()).name("mail").build().unwrap();
    assert!(alone.call_blocking(|_| fail()).is_err());
    let hedged = |name: &str, budget: &Budget| {
        let pipeline = Pipeline::named(name).retry(retry(&Budget::default())).build().unwrap();
        let shared = pipeline.retry().and_then(Retry::budget).cloned().unwrap();
        let hedge = Hedge::after(ms(10));
        let hedge = if name == "shared" { hedge.budget_of_retry(&shared) } else { hedge.budget(budget) };
        pipeline.hedged(hedge).unwrap()
    };
    let (shared, own) = (hedged("shared", &budget), hedged("own", &budget));
    let text = shown(|kit| kit.pipeline(&payments).watch(&alone).hedged(&shared).hedged(&own));
    has(
        &text,
        [
            "retry_budget_available{name=\"payments\",of=\"retry\"} 1.0",
            "retry_budget_deposits_total{name=\"payments\",of=\"retry\"} 0",
            "retry_budget_withdrawals_total{name=\"payments\",of=\"retry\"} 1",
            "retry_budget_refunds_total{name=\"payments\",of=\"retry\"} 0",
            "retry_budget_refusals_total{name=\"payments\",of=\"retry\"} 2",
            "retry_budget_available{name=\"mail\",of=\"retry\"} 98.0",
            "retry_budget_withdrawals_total{name=\"mail\",of=\"retry\"} 1",
            "retry_calls_total{name=\"mail\",outcome=\"out_of_attempts\"} 1",
            "retry_budget_available{name=\"shared\",of=\"retry\"} 100.0",
            "retry_budget_available{name=\"own\",of=\"hedge\"} 1.0",
        ],
    );
    assert!(!text.contains("name=\"shared\",of=\"hedge\""), "it is the same budget");
}

#[test]
fn a_budget_that_many_share_is_shown_by_itself_under_its_own_name() {
    let name = |text| genesis_kit::errors::Name::new(text).unwrap();
    let payments = Budget::new(10, 0.5).unwrap().named(name("payments"));
    let clone = payments.clone().named(name("other"));
    assert_eq!((clone.name().as_str(), Budget::default().name().as_str()), ("payments", "unnamed"));
    for retry in ["card", "bank"] {
        let retry = Retry::fixed(ms(1)).attempts(2).budget(&payments).name(retry).build().unwrap();
        assert!(retry.call_blocking(|_| fail()).is_err());
    }
    let deposit = Budget::deposit(0.0, 5, secs(1)).unwrap().named(name("mail"));
    let text = shown(|kit| kit.watch(&payments).watch(&deposit));
    has(
        &text,
        [
            "retry_budget_available{name=\"payments\",of=\"itself\"} 6.0",
            "retry_budget_withdrawals_total{name=\"payments\",of=\"itself\"} 2",
            "retry_budget_deposits_total{name=\"payments\",of=\"itself\"} 0",
            "retry_budget_refunds_total{name=\"payments\",of=\"itself\"} 0",
            "retry_budget_refusals_total{name=\"payments\",of=\"itself\"} 0",
            "retry_budget_available{name=\"mail\",of=\"itself\"} 5.0",
        ],
    );
}

#[test]
fn what_was_counted_is_shown_on_when_a_pipeline_changes() {
    let time = genesis_kit::time::ManualClock::new();
    let payments = Pipeline::named("payments")
        .clock(time.clock())
        .deadline(secs(2))
        .retry(Retry::fixed(ms(10)).no_jitter().attempts(2).budget(&Budget::default()))
        .attempt_timeout(ms(300))
        .build()
        .unwrap();
    let stuck = || {
        let mut call = Box::pin(payments.call(|_| std::future::pending::<Result<(), Error>>()));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        while call.as_mut().poll(&mut cx).is_pending() {
            time.advance(ms(10));
        }
    };
    let kit = Kit::builder("watched").version("1").without_log().pipeline(&payments).build().unwrap();
    let counters = || -> Vec<String> {
        let text = kit.metrics().respond(None).body;
        let of = |line: &&str| line.contains("\"payments\"") && line.contains("_total{");
        text.lines().filter(of).map(str::to_owned).collect()
    };
    stuck();
    let before = counters();
    has(
        &before.join("\n"),
        [
            "genesis_retry_attempts_total{operation=\"payments\"} 1",
            "retry_calls_total{name=\"payments\",outcome=\"out_of_attempts\"} 1",
            "retry_budget_withdrawals_total{name=\"payments\",of=\"retry\"} 1",
            "timeout_fired_total{name=\"payments\",limits=\"attempt\"} 2",
            "timeout_elapsed_seconds_total{name=\"payments\",limits=\"attempt\"} 0.6",
        ],
    );
    payments
        .reconfigure(|to| to.retry(|retry| retry.attempts(3)).attempt_timeout(ms(200)).deadline(secs(1)))
        .unwrap();
    assert!(payments.reconfigure(|to| to.attempt_timeout(secs(9))).is_err());
    assert_eq!(counters(), before, "a change is no event that is counted");
    stuck();
    has(
        &counters().join("\n"),
        [
            "genesis_retry_attempts_total{operation=\"payments\"} 3",
            "retry_calls_total{name=\"payments\",outcome=\"out_of_attempts\"} 2",
            "retry_budget_withdrawals_total{name=\"payments\",of=\"retry\"} 3",
            "timeout_fired_total{name=\"payments\",limits=\"attempt\"} 5",
            "timeout_elapsed_seconds_total{name=\"payments\",limits=\"attempt\"} 1.2",
        ],
    );
    has(&kit.metrics().respond(None).body, ["timeout_limit_seconds{name=\"payments\",limits=\"call\"} 1.0"]);
}

#[test]
fn attempts_that_were_made_anew_because_nothing_had_happened_are_shown_apart() {
    let retry = Retry::fixed(ms(1)).attempts(2).name("payments").build().unwrap();
    let mut left = 4;
    let answered = retry.call_blocking(|_| {
        left -= 1;
        match left {
            2.. => fail().map_err(|error| error.with_delivery(genesis_kit::errors::Delivery::NeverSent)),
            1 => fail(),
            _ => Ok(()),
        }
    });
    assert!(answered.is_ok());
    let text = shown(|kit| kit.watch(&retry));
    has(
        &text,
        [
            "genesis_retry_attempts_total{operation=\"payments\"} 3",
            "retry_transparent_total{name=\"payments\"} 2",
            "retry_hints_discarded_total{name=\"payments\"} 0",
            "retry_calls_total{name=\"payments\",outcome=\"success\"} 1",
        ],
    );
}

#[test]
fn a_breaker_in_shadow_is_shown_in_its_state() {
    let trial = Breaker::consecutive(1).shadow().name("trial").build().unwrap();
    let text = shown(|kit| kit.breaker(&trial));
    has(
        &text,
        [
            "circuit_breaker_state{name=\"trial\",state=\"shadow\"} 1.0",
            "circuit_breaker_state{name=\"trial\",state=\"closed\"} 0.0",
            "genesis_circuit_breaker_state{service=\"trial\"} 5.0",
        ],
    );
}

#[test]
fn a_breaker_that_is_held_closed_is_shown_in_its_state() {
    let held = Breaker::consecutive(1).name("held").build().unwrap();
    held.force_closed("it is all there is").unwrap();
    held.acquire().unwrap().failure();
    let text = shown(|kit| kit.breaker(&held));
    has(
        &text,
        [
            "circuit_breaker_state{name=\"held\",state=\"forced_closed\"} 1.0",
            "circuit_breaker_state{name=\"held\",state=\"closed\"} 0.0",
            "genesis_circuit_breaker_state{service=\"held\"} 6.0",
        ],
    );
}

#[test]
fn two_of_a_kind_with_one_name_are_refused_and_others_may_share_it() {
    let throttle = || Throttle::builder().name("payments").build().unwrap();
    let rate = Rate::per_second(1).name("payments").build().unwrap();
    let payments = Pipeline::named("payments").limit(Rate::per_second(1)).build().unwrap();
    let hosts = || -> Outliers { Outliers::builder().name("payments").build().unwrap() };
    let budget = || Budget::default().named(genesis_kit::errors::Name::new("payments").unwrap());
    let kit = || Kit::builder("watched").version("1").without_log();
    assert!(kit().watch(&throttle()).watch(&rate).watch(&budget()).build().is_ok());
    for (twice, what) in [
        (kit().watch(&throttle()).watch(&throttle()), "two throttles"),
        (kit().pipeline(&payments).watch(&rate), "two rate limits"),
        (kit().outliers(&hosts()).outliers(&hosts()), "two sets of hosts"),
        (kit().watch(&budget()).watch(&budget()), "two retry budgets"),
    ] {
        let said = twice.build().unwrap_err().to_string();
        assert!(said.contains(what) && said.contains("payments"), "{said}");
    }
}

#[test]
fn labels_can_be_derived_through_the_facade() {
    use genesis_kit::metrics::{Counter, Desc, Family, LabelValue, Labels, Registry};

    #[derive(Clone, PartialEq, Eq, Hash, LabelValue)]
    #[label(crate = genesis_kit::metrics)]
    enum Tier {
        Memory,
    }
    #[derive(Clone, PartialEq, Eq, Hash, Labels)]
    #[label(crate = genesis_kit::metrics)]
    struct Hit {
        tier: Tier,
    }
    let registry = Registry::new();
    let hits: Family<Counter, Hit> = registry.family(&Desc::counter("hits_total", "Hits.")).unwrap();
    hits.with(&Hit { tier: Tier::Memory }).inc();
    has(&registry.respond(None).body, ["hits_total{tier=\"memory\"} 1"]);
}
