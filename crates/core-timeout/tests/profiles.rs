//! Limits by operation: the documented numbers, what is refused, and changes while they are used.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use core_errors::{Error, Reason};
use core_time::{Clock, ManualClock, ms, secs};
use core_timeout::{ConfigError, Operation, Profile, Spec, Standard, Timeouts};

/// F96: what a request consists of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Total,
    Model,
    Database,
    Redis,
}

impl Operation for Step {
    const ALL: &'static [Self] = &[Self::Total, Self::Model, Self::Database, Self::Redis];

    fn spec(self) -> Spec {
        match self {
            Self::Total => Spec::new("total", secs(60)),
            Self::Model => Spec::new("model", secs(30)),
            Self::Database => Spec::new("database", secs(10)),
            Self::Redis => Spec::new("redis", secs(5)),
        }
    }

    fn parent(self) -> Option<Self> {
        match self {
            Self::Total => None,
            Self::Model => Some(Self::Total),
            Self::Database => Some(Self::Model),
            Self::Redis => Some(Self::Database),
        }
    }
}

fn refused<K: Operation>(profile: Profile<K>) -> String {
    Timeouts::new(profile).unwrap_err().to_string()
}

#[test]
fn all_operations_are_listed_with_their_limits() {
    let profile = Profile::<Step>::default().with(Step::Model, secs(25));
    let listed: Vec<_> = profile.iter().collect();
    let limits = [secs(60), secs(25), secs(10), secs(5)];
    assert_eq!(listed, Step::ALL.iter().copied().zip(limits).collect::<Vec<_>>());
}

#[test]
fn f_90_f_91_the_profiles_have_the_documented_numbers() {
    use Standard as S;
    let expected = [
        (S::Proposal, 5_000, 10_000, 1_000),
        (S::Election, 10_000, 15_000, 2_000),
        (S::Heartbeat, 1_000, 1_000, 200),
        (S::Snapshot, 30_000, 60_000, 5_000),
        (S::MetadataUpdate, 3_000, 5_000, 1_000),
        (S::Sync, 10_000, 15_000, 2_000),
        (S::Rebalance, 30_000, 60_000, 5_000),
        (S::BrokerHeartbeat, 2_000, 3_000, 500),
        (S::LeaderElection, 15_000, 20_000, 3_000),
        (S::HealthCheck, 2_000, 3_000, 500),
        (S::Readiness, 3_000, 5_000, 1_000),
        (S::Connection, 10_000, 15_000, 2_000),
        (S::Request, 30_000, 60_000, 5_000),
        (S::Idle, 60_000, 120_000, 10_000),
        (S::GracefulShutdown, 30_000, 60_000, 5_000),
        (S::ForcedShutdown, 5_000, 10_000, 1_000),
    ];
    assert_eq!(expected.len(), S::ALL.len());
    let profiles = [Profile::standard(), Profile::production(), Profile::test()];
    for (operation, default, production, test) in expected {
        let limits = profiles.each_ref().map(|profile| profile.get(operation));
        assert_eq!(limits, [ms(default), ms(production), ms(test)], "{operation:?}");
    }
    assert_eq!(profiles.each_ref().map(Profile::name), ["default", "production", "test"]);
    assert!(profiles.iter().all(|profile| profile.check().is_ok()));
    assert_eq!(Profile::<Standard>::default(), Profile::by_name("default").unwrap());
    assert_eq!(Profile::<Standard>::by_name("staging"), None);
}

#[test]
fn b_12_every_limit_is_checked_and_the_error_names_it() {
    for operation in Standard::ALL {
        let name = operation.spec().name();
        let zero = refused(Profile::standard().with(*operation, Duration::ZERO));
        assert!(zero.starts_with(name) && zero.contains("zero"), "{zero}");
        let days = refused(Profile::standard().with(*operation, secs(100_000)));
        assert!(days.starts_with(name) && days.contains("at most"), "{days}");
    }
    let day = secs(24 * 3_600);
    Timeouts::new(Profile::standard().with(Standard::Idle, day)).unwrap();
    assert!(Timeouts::new(Profile::standard().with(Standard::Idle, day + ms(1))).is_err());
    let short = refused(Profile::standard().with(Standard::Election, secs(1)));
    assert!(short.contains("election") && short.contains("longer") && short.contains("heartbeat"), "{short}");
    let long = refused(Profile::standard().with(Standard::Heartbeat, secs(10)));
    assert!(long.contains("election"), "{long}");
}

/// Both examples of the original's guide failed its own validation: a custom profile begins with numbers that hold.
#[test]
fn b_12_a_custom_profile_needs_only_what_differs() {
    let custom = Profile::standard().with(Standard::Proposal, secs(10)).with(Standard::Election, secs(15));
    assert_eq!(custom.name(), "custom");
    let timeouts = Timeouts::new(custom).unwrap();
    assert_eq!(timeouts.get(Standard::Proposal), secs(10));
    assert_eq!(timeouts.get(Standard::GracefulShutdown), secs(30));
}

#[test]
fn b_12_what_is_invalid_keeps_the_old_and_a_copy_stays_what_it_is() {
    let timeouts = Timeouts::new(Profile::<Standard>::production()).unwrap();
    let clone = timeouts.clone();
    let copy = timeouts.profile();
    assert!(timeouts.set(Profile::test().with(Standard::Request, Duration::ZERO)).is_err());
    assert!(timeouts.update(|profile| profile.with(Standard::Election, ms(1))).is_err());
    assert_eq!(timeouts.profile(), copy);
    timeouts.update(|profile| profile.with(Standard::Request, secs(45))).unwrap();
    assert_eq!((clone.get(Standard::Request), copy.get(Standard::Request)), (secs(45), secs(60)));
    timeouts.set(Profile::test()).unwrap();
    assert_eq!(clone.profile().name(), "test");
}

#[test]
fn m_27_a_part_may_not_be_given_more_than_the_whole() {
    let over = refused(Profile::<Step>::standard().with(Step::Redis, secs(11)));
    assert!(over.contains("redis") && over.contains("database") && over.contains("10s"), "{over}");
    let under = refused(Profile::<Step>::standard().with(Step::Total, secs(29)));
    assert!(under.contains("model") && under.contains("total"), "{under}");
    assert!(Timeouts::new(Profile::<Step>::standard().with(Step::Redis, secs(10))).is_ok());
}

#[test]
fn m_27_while_it_runs_a_part_has_what_is_left_of_the_whole() {
    let time = ManualClock::new();
    let timeouts = Timeouts::on(Profile::<Step>::standard(), time.clock()).unwrap();
    let total = timeouts.deadline(Step::Total);
    time.advance(secs(52));
    let model = timeouts.within(&total, Step::Model);
    assert_eq!((model.remaining(), model.name().as_str()), (secs(8), "model"));
    assert_eq!(timeouts.within(&model, Step::Redis).remaining(), secs(5));
    time.advance(secs(6));
    assert_eq!(timeouts.within(&model, Step::Redis).remaining(), secs(2));
}

/// F94: a request may ask for a time of its own, and gets no more than the whole.
#[test]
fn f_94_a_request_gets_the_smaller_of_its_own_limit_and_the_whole() {
    let time = ManualClock::new();
    let timeouts = Timeouts::on(Profile::<Step>::standard(), time.clock()).unwrap();
    for (own, effective) in [(secs(45), secs(45)), (secs(90), secs(60))] {
        assert_eq!(timeouts.deadline(Step::Total).child(own).remaining(), effective);
    }
}

#[tokio::test(start_paused = true)]
async fn f_93_an_operation_that_takes_too_long_is_stopped_under_its_name() {
    let timeouts = Timeouts::new(Profile::<Standard>::test()).unwrap();
    let start = Clock::system().now();
    let error = timeouts.run(Standard::HealthCheck, pending::<Result<(), Error>>()).await.unwrap_err();
    let rejection = error.rejection().unwrap();
    assert_eq!((rejection.name().as_str(), rejection.reason()), ("health_check", Reason::DeadlineExceeded));
    assert_eq!(Clock::system().now() - start, ms(500));
    let fails = timeouts.run(Standard::HealthCheck, async { Err::<(), _>(Error::validation("no")) });
    assert_eq!(fails.await.unwrap_err().inner().unwrap().message(), "no");
}

/// Counts itself while it is there.
struct Counted<'a>(&'a std::cell::Cell<i32>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[tokio::test(start_paused = true)]
async fn f_93_an_operation_that_is_dropped_at_any_await_does_not_run_on() {
    let timeouts = Timeouts::new(Profile::<Standard>::test()).unwrap();
    let running = std::cell::Cell::new(0);
    let mut points = 0;
    for polls in 0.. {
        let operation = async {
            running.set(running.get() + 1);
            let _counted = Counted(&running);
            for _ in 0..3 {
                Clock::system().sleep(ms(40)).await;
            }
            Ok::<_, Error>(())
        };
        let mut run = Box::pin(timeouts.run(Standard::HealthCheck, operation));
        let mut is_done = false;
        for _ in 0..polls {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            if run.as_mut().poll(&mut context).is_ready() {
                is_done = true;
                break;
            }
            tokio::time::advance(ms(10)).await;
        }
        drop(run);
        assert_eq!(running.get(), 0, "after {polls} polls");
        if is_done {
            break;
        }
        points += 1;
    }
    assert!(points > 10, "or it was never dropped half-way: {points}");
}

// === environment ===

fn from(pairs: &[(&str, &str)]) -> Result<Profile<Step>, ConfigError> {
    Profile::from_pairs("GENESIS_TIMEOUT_", pairs.iter().copied())
}

#[test]
fn f_94_the_environment_sets_the_profile_and_single_limits() {
    let profile = from(&[
        ("PATH", "/bin"),
        ("GENESIS_TIMEOUT_DATABASE", "2.5"),
        ("GENESIS_TIMEOUT_REDIS", " 250ms "),
        ("GENESIS_TIMEOUT_PROFILE", "production"),
    ])
    .unwrap();
    assert_eq!((profile.get(Step::Database), profile.get(Step::Redis)), (ms(2_500), ms(250)));
    assert_eq!((profile.get(Step::Total), profile.name()), (secs(60), "custom"));
    assert_eq!(from(&[]).unwrap(), Profile::standard());
    let standard = Profile::from_pairs("GENESIS_TIMEOUT_", [("GENESIS_TIMEOUT_HEALTH_CHECK", "1m")]);
    assert_eq!(standard.unwrap().get(Standard::HealthCheck), secs(60));
    let production = Profile::<Standard>::from_pairs("X_", [("X_PROFILE", "production")]).unwrap();
    assert_eq!(production, Profile::production());
}

#[test]
fn f_94_what_the_environment_gets_wrong_is_named_with_what_would_be_right() {
    for (name, value, expected) in [
        ("GENESIS_TIMEOUT_DATABSE", "5", vec!["GENESIS_TIMEOUT_DATABSE", "DATABASE, REDIS"]),
        ("GENESIS_TIMEOUT_REDIS", "soon", vec!["GENESIS_TIMEOUT_REDIS", "soon", "250ms"]),
        ("GENESIS_TIMEOUT_REDIS", "-5", vec!["-5"]),
        ("GENESIS_TIMEOUT_REDIS", "", vec!["GENESIS_TIMEOUT_REDIS"]),
        ("GENESIS_TIMEOUT_REDIS", "0", vec!["redis", "zero"]),
        ("GENESIS_TIMEOUT_REDIS", "11", vec!["redis", "database"]),
        ("GENESIS_TIMEOUT_PROFILE", "prod", vec!["prod", "`production`"]),
        ("GENESIS_TIMEOUT_redis", "5", vec!["REDIS"]),
        ("GENESIS_TIMEOUT_", "5", vec!["PROFILE, TOTAL"]),
    ] {
        let error = from(&[(name, value)]).unwrap_err().to_string();
        assert!(expected.iter().all(|part| error.contains(part)), "{name}={value}: {error}");
    }
    let long = from(&[("GENESIS_TIMEOUT_REDIS", &"\n9".repeat(5_000))]).unwrap_err().to_string();
    assert!(long.len() < 300 && !long.contains('\n'), "{long}");
}

#[test]
fn the_environment_of_this_process_says_nothing() {
    assert_eq!(Profile::<Standard>::from_env().unwrap(), Profile::standard());
}

// === operations that make no sense ===

macro_rules! operation {
    ($name:ident, $($spec:expr),+) => {
        #[derive(Clone, Copy, Debug, PartialEq)]
        struct $name(usize);

        impl Operation for $name {
            const ALL: &'static [Self] = &[$name(0), $name(1)];

            fn spec(self) -> Spec {
                [$($spec),+][self.0.min(1)]
            }
        }
    };
}

operation!(Twins, Spec::new("twin", secs(1)), Spec::new("twin", secs(1)));
operation!(Loud, Spec::new("fine", secs(1)), Spec::new("Loud", secs(1)));
operation!(Reserved, Spec::new("profile", secs(1)), Spec::new("b", secs(1)));
operation!(Forgotten, Spec::new("a", secs(1)), Spec::new("b", secs(2)));

#[derive(Clone, Copy, Debug, PartialEq)]
struct Long<const LEN: usize>;

impl<const LEN: usize> Operation for Long<LEN> {
    const ALL: &'static [Self] = &[Self];

    fn spec(self) -> Spec {
        const NAME: &str = "a2345678901234567890123456789012345678901234567890123456789012345";
        Spec::new(&NAME[..LEN], secs(1))
    }
}

#[test]
fn a_name_has_1_to_64_characters() {
    Timeouts::new(Profile::<Long<64>>::standard()).unwrap();
    Timeouts::new(Profile::<Long<1>>::standard()).unwrap();
    assert!(Timeouts::new(Profile::<Long<65>>::standard()).is_err());
    assert!(Timeouts::new(Profile::<Long<0>>::standard()).is_err());
}

#[test]
fn names_that_cannot_be_told_apart_are_refused() {
    assert!(refused(Profile::<Twins>::standard()).contains("two operations"));
    assert!(refused(Profile::<Loud>::standard()).contains("`Loud`"));
    assert!(refused(Profile::<Reserved>::standard()).contains("not `profile`"));
}

#[test]
fn an_operation_that_its_author_forgot_in_the_list_has_its_default() {
    let timeouts = Timeouts::new(Profile::<Forgotten>::standard()).unwrap();
    assert_eq!(timeouts.get(Forgotten(7)), secs(2));
    let lost = timeouts.update(|profile| profile.with(Forgotten(7), secs(9)));
    assert!(lost.is_err(), "a limit of its own would be lost");
    assert_eq!(timeouts.get(Forgotten(7)), secs(2));
}

// === threads ===

#[test]
fn changes_of_many_threads_are_all_there() {
    let timeouts = Timeouts::new(Profile::<Standard>::standard()).unwrap();
    std::thread::scope(|scope| {
        for operation in [Standard::Request, Standard::Idle, Standard::Snapshot, Standard::Sync] {
            let timeouts = &timeouts;
            scope.spawn(move || {
                for _ in 0..200 {
                    timeouts.update(|now| now.clone().with(operation, now.get(operation) + ms(1))).unwrap();
                }
            });
        }
    });
    for operation in [Standard::Request, Standard::Idle, Standard::Snapshot, Standard::Sync] {
        let before = Profile::standard().get(operation);
        assert_eq!(timeouts.get(operation), before + ms(200), "{operation:?}");
    }
}

#[test]
fn a_reader_sees_one_profile_or_the_other() {
    let timeouts = Timeouts::new(Profile::<Standard>::standard()).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..500 {
                timeouts.set(Profile::production()).unwrap();
                timeouts.set(Profile::test()).unwrap();
            }
            is_over.store(true, Ordering::Release);
        });
        while !is_over.load(Ordering::Acquire) {
            let seen = timeouts.profile();
            assert!(seen.check().is_ok() && Profile::by_name(seen.name()).unwrap() == seen);
        }
    });
}

/// One that somebody forgot to list, and one whose parent is forgotten.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Unlisted {
    Listed,
    Lost,
}

impl Operation for Unlisted {
    const ALL: &'static [Self] = &[Self::Listed];

    fn spec(self) -> Spec {
        match self {
            Self::Listed => Spec::new("listed", secs(1)),
            Self::Lost => Spec::new("lost", secs(1)),
        }
    }
}

/// The same with a parent that is not listed.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Child(bool);

impl Operation for Child {
    const ALL: &'static [Self] = &[Self(false)];

    fn spec(self) -> Spec {
        Spec::new(if self.0 { "whole" } else { "part" }, secs(1))
    }

    fn parent(self) -> Option<Self> {
        (!self.0).then_some(Self(true))
    }
}

#[test]
fn a_limit_for_what_is_not_listed_is_refused_and_not_lost() {
    let profile = Profile::<Unlisted>::standard();
    assert!(profile.clone().with(Unlisted::Listed, secs(2)).check().is_ok());
    let error = refused(profile.with(Unlisted::Lost, secs(2)));
    assert!(error.contains("`lost` is not in Operation::ALL"), "{error}");
    let error = refused(Profile::<Child>::standard());
    assert!(error.contains("`whole` is not in Operation::ALL"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_run_counts_from_its_first_poll_and_says_how_long_it_took() {
    let timeouts = Timeouts::new(Profile::default().with(Standard::HealthCheck, ms(200))).unwrap();
    let clock = Clock::system();
    let begun = clock.now();
    let call = timeouts.run(Standard::HealthCheck, async {
        Clock::system().sleep(ms(190)).await;
        Ok::<_, Error>(())
    });
    // Made long before it is awaited, as in a list of calls.
    clock.sleep(ms(150)).await;
    assert!(call.await.is_ok());
    let error = timeouts.run(Standard::HealthCheck, pending::<Result<(), Error>>()).await;
    let rejection = error.unwrap_err().rejection().unwrap().clone();
    assert_eq!((rejection.limit(), rejection.elapsed()), (Some(ms(200)), Some(ms(200))));
    assert_eq!((rejection.name().as_str(), clock.now() - begun), ("health_check", ms(540)));
}
