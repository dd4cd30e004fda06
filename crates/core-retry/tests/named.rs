//! The policies with names (F67, F72). The numbers are the documented ones; a change of one is a change for whoever chose the name.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::time::Duration;

use core_errors::{Category, Error};
use core_policy::{CallError, Why};
use core_retry::{Backoff, Budget, Builder, Growth, Jitter, Retry};
use core_time::{Instant, ManualClock, ms, secs};

const NOW: Instant = Instant::from_nanos(3_600_000_000_000);

type Call<'a> = &'a mut dyn FnMut(&Retry) -> Result<(), CallError<Error>>;

fn growing(factor: f64) -> Growth {
    Growth::Exponential { factor }
}

type Named = (&'static str, fn() -> Builder, Numbers);

/// Attempts, growth, jitter, the first delay and the longest.
type Numbers = (u32, Growth, Jitter, Duration, Duration);

fn documented() -> [Named; 8] {
    let full = Jitter::Full;
    [
        ("default", || Retry::preset("default").unwrap(), (3, growing(2.0), full, secs(1), secs(60))),
        ("aggressive", Retry::aggressive, (5, growing(2.0), full, ms(500), secs(30))),
        ("conservative", Retry::conservative, (2, Growth::Linear, full, secs(2), secs(120))),
        ("network", Retry::network, (4, growing(2.0), full, ms(200), secs(10))),
        ("database", Retry::database, (5, growing(2.0), full, ms(100), secs(5))),
        ("api", Retry::api, (3, growing(2.0), full, secs(1), secs(10))),
        ("critical", Retry::critical, (10, growing(1.5), full, ms(500), secs(30))),
        ("fast_fail", Retry::fast_fail, (2, growing(2.0), Jitter::None, ms(100), ms(500))),
    ]
}

#[test]
fn f_67_the_policies_with_names_have_their_numbers() {
    for (name, builder, (attempts, growth, jitter, base, max)) in documented() {
        for retry in [builder(), Retry::preset(name).unwrap()].map(|builder| builder.build().unwrap()) {
            assert_eq!(retry.backoff(), Backoff { growth, jitter, base, max }, "{name}");
            assert_eq!((retry.attempts().get(), retry.name().as_str()), (attempts, name));
            assert!(retry.is_idempotent());
        }
    }
    let standard = Retry::standard().build().unwrap();
    assert_eq!((standard.attempts().get(), standard.name().as_str()), (3, "standard"));
    assert_eq!(standard.backoff(), Retry::preset("default").unwrap().build().unwrap().backoff());
    assert!(Retry::preset("reckless").is_none());
}

/// How often a call is made that always fails with an error of `category`.
fn calls(builder: Builder, category: Category) -> u32 {
    let retry = builder.clock(ManualClock::new().clock()).build().unwrap();
    let mut calls = 0;
    let failed = retry.call_blocking(|_| {
        calls += 1;
        Err::<(), _>(Error::new(category, "no"))
    });
    assert!(failed.is_err());
    calls
}

#[test]
fn f_67_f_72_what_they_retry_is_documented_too() {
    for (name, builder, (attempts, ..)) in documented() {
        let is_of_connections = matches!(name, "network" | "api");
        for (category, is_retried) in [
            (Category::Network, true),
            (Category::Timeout, true),
            (Category::Unavailable, !is_of_connections),
            (Category::RateLimit, !is_of_connections),
            (Category::ResourceExhausted, !is_of_connections),
            (Category::ExternalService, !is_of_connections),
            (Category::Authentication, false),
            (Category::Validation, false),
            (Category::Application, false),
        ] {
            let expected = if is_retried { attempts } else { 1 };
            assert_eq!(calls(builder(), category), expected, "{name}: {category:?}");
        }
    }
}

/// How many retries a thousand calls make that all fail.
fn storm(builder: Builder, call: Call<'_>) -> u64 {
    let retry = builder.clock(ManualClock::new().clock()).build().unwrap();
    for _ in 0..1_000 {
        assert!(call(&retry).is_err());
    }
    retry.stats().retries
}

#[test]
fn f_67_each_has_a_budget_of_its_own_that_ends_a_storm() {
    let mut last = None;
    let mut fails = |retry: &Retry| {
        let failed = retry.call_blocking(|_| Err::<(), _>(Error::network("gone")));
        if let Err(CallError::Exhausted { why, .. }) = &failed {
            last = Some(*why);
        }
        failed
    };
    for (name, builder, (attempts, ..)) in documented() {
        let retries = storm(builder(), &mut fails);
        assert!((1..50).contains(&retries), "{name}: {retries} of {attempts} attempts");
        assert_eq!(
            storm(builder().no_budget(), &mut fails),
            1_000 * u64::from(attempts - 1),
            "{name}, by its owner's wish"
        );
    }
    assert_eq!(last, Some(Why::Attempts));
    let (one, other) = (Retry::network().build().unwrap(), Retry::network().build().unwrap());
    assert!(
        !one.budget().unwrap().is_same(other.budget().unwrap()),
        "two services do not know of each other"
    );
    assert!((one.budget().unwrap().available(NOW) - 100.0).abs() < 1e-9);
    assert!(one.clone().budget().unwrap().is_same(one.budget().unwrap()));
    let of_service = Budget::costs(50).unwrap();
    let shared = Retry::network().budget(&of_service).build().unwrap();
    assert!(shared.budget().unwrap().is_same(&of_service));
}

#[test]
fn f_67_whatever_a_name_says_can_be_changed() {
    let retry = Retry::network().attempts(7).equal_jitter().never_on(&[Category::Timeout]).name("ledger");
    let retry = retry.build().unwrap();
    assert_eq!((retry.attempts().get(), retry.backoff().jitter), (7, Jitter::Equal));
    assert_eq!((retry.backoff().base, retry.name().as_str()), (ms(200), "ledger"));
    assert_eq!(calls(Retry::network().never_on(&[Category::Timeout]), Category::Timeout), 1);
}
