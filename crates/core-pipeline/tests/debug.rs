//! `{:?}` of a policy is a line about it, as it stands in the structs of those who use it.

use core_breaker::Breaker;
use core_limit::{Adaptive, Bulkhead, KeyedRate, Rate, SlidingWindow, Throttle};
use core_pipeline::Pipeline;
use core_policy::{Counters, Keyed};
use core_retry::{Budget, Retry};
use core_time::{ms, secs};
use core_timeout::Timeout;

#[test]
fn what_a_policy_is_set_to_and_where_it_stands_is_a_line() {
    let bulkhead = Bulkhead::max(3).name("db").build().unwrap();
    let _slot = bulkhead.acquire().unwrap();
    let keyed: KeyedRate<String> = Rate::per_second(2)
        .name("users")
        .burst(5)
        .keyed(Keyed::max(9))
        .tier("premium", Rate::per_second(50))
        .build()
        .unwrap();
    let lines = [
        (format!("{bulkhead:?}"), r#"Bulkhead { name: "db", max: 3, in_use: 1, waiting: 0, .. }"#),
        (
            format!("{:?}", Rate::per_second(3).burst(9).name("api").build().unwrap()),
            r#"RateLimit { name: "api", rate: (3, 1s), burst: 9, .. }"#,
        ),
        (
            format!("{keyed:?}"),
            r#"KeyedRate { name: "users", tiers: [Rules { name: "default", rate: (2, 1s), burst: 5, .. }, Rules { name: "premium", rate: (50, 1s), burst: 50, .. }], .. }"#,
        ),
        (
            format!("{:?}", keyed.of(keyed.tier("premium").unwrap(), "u1").unwrap()),
            r#"OfKey { tier: Rules { name: "premium", rate: (50, 1s), burst: 50, .. }, .. }"#,
        ),
        (
            format!("{:?}", SlidingWindow::per(10, secs(60)).name("sms").build().unwrap()),
            r#"SlidingWindow { name: "sms", limit: (10, 60s), .. }"#,
        ),
        (
            format!("{:?}", Throttle::builder().name("mail").build().unwrap()),
            r#"Throttle { name: "mail", share: 0.0, .. }"#,
        ),
        (
            format!("{:?}", Adaptive::vegas().name("ads").build().unwrap()),
            r#"Adaptive { name: "ads", algorithm: Vegas, limit: 20, in_flight: 0, .. }"#,
        ),
        (
            format!("{:?}", Retry::fixed(ms(5)).name("pay").attempts(4).build().unwrap()),
            r#"Retry { name: "pay", attempts: 4, backoff: Backoff { growth: Fixed, jitter: Full, base: 5ms, max: 5ms }, .. }"#,
        ),
        (
            format!("{:?}", Budget::default()),
            r#"Budget { name: "unnamed", kind: "tokens", stats: BudgetStats { deposited: 0, withdrawn: 0, refunded: 0, refused: 0 }, .. }"#,
        ),
        (
            format!("{:?}", Timeout::attempt(ms(30)).name("slow").build().unwrap()),
            r#"Timeout { name: "slow", kind: Timeout, limit: 30ms, .. }"#,
        ),
        (
            format!("{:?}", Breaker::consecutive(2).name("a").build().unwrap()),
            r#"Breaker { name: "a", state: Closed, .. }"#,
        ),
        (
            format!("{:?}", Pipeline::named("all").bulkhead(4).build().unwrap()),
            "Pipeline(all: bulkhead (4 slots) → call)",
        ),
    ];
    for (is, should) in lines {
        assert_eq!(is, should);
    }
}

#[test]
fn counters_show_what_they_come_to() {
    let counters = Counters::<3>::new();
    counters.add(1, 7);
    assert_eq!(format!("{counters:?}"), "[0, 7, 0]");
}
