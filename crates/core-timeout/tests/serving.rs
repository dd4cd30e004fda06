//! What a service waits for that answers requests (F94, F96), and the limits of the process (F92).

use std::future::pending;
use std::time::Duration;

use core_errors::{Error, Name};
use core_time::{Clock, ManualClock, ms, secs};
use core_timeout::{Deadline, Operation, Profile, Serving, Spec, Standard, Timeouts, process};

fn limits(profile: &Profile<Serving>) -> [Duration; 5] {
    [Serving::Request, Serving::Agent, Serving::Llm, Serving::Database, Serving::Redis]
        .map(|of| profile.get(of))
}

#[test]
fn f_94_the_limits_of_the_guide_are_there_and_its_variables_set_them() {
    let documented = [60, 30, 60, 10, 5].map(secs);
    for profile in [Profile::standard(), Profile::production(), Profile::test()] {
        assert_eq!(limits(&profile), documented, "{}", profile.name());
        profile.check().unwrap();
    }
    let set = |pairs: &[(&str, &str)]| Profile::<Serving>::from_pairs(PREFIX, pairs.iter().copied());
    let profile = set(&[
        ("GENESIS_TIMEOUT_REQUEST", "90"),
        ("GENESIS_TIMEOUT_AGENT_DEFAULT", "31"),
        ("GENESIS_TIMEOUT_LLM", "61"),
        ("GENESIS_TIMEOUT_DATABASE", "11"),
        ("GENESIS_TIMEOUT_REDIS", "6"),
    ]);
    assert_eq!(limits(&profile.unwrap()), [90, 31, 61, 11, 6].map(secs));
    let over = set(&[("GENESIS_TIMEOUT_LLM", "61")]).unwrap_err().to_string();
    assert_eq!(
        over,
        "llm: the limit is 61s, and request, of which it is a part, has 60s: make it no longer than that"
    );
}

const PREFIX: &str = "GENESIS_TIMEOUT_";

/// Whoever used both could set neither: each refused the variables of the other.
#[test]
fn f_94_a_service_may_use_both_sets_and_none_takes_the_variables_of_the_other_for_a_slip() {
    let pairs = [
        ("GENESIS_TIMEOUT_REQUEST", "90"),
        ("GENESIS_TIMEOUT_LLM", "61"),
        ("GENESIS_TIMEOUT_HEALTH_CHECK", "250ms"),
        ("GENESIS_TIMEOUT_PROFILE", "test"),
    ];
    let serving = Profile::<Serving>::from_pairs_beside::<Standard, _, _>(PREFIX, pairs).unwrap();
    assert_eq!(limits(&serving), [90, 30, 61, 10, 5].map(secs));
    let standard = Profile::<Standard>::from_pairs_beside::<Serving, _, _>(PREFIX, pairs).unwrap();
    let of = [Standard::Request, Standard::HealthCheck, Standard::Sync].map(|of| standard.get(of));
    assert_eq!(of, [secs(90), ms(250), secs(2)], "what both have is that of both");

    // One of the service's own beside them reads its own prefix, or theirs.
    let ours = [("GENESIS_TIMEOUT_LLM", "61"), ("OURS_TIMEOUT_UPLOAD", "7")];
    assert_eq!(Profile::<Ours>::from_pairs("OURS_TIMEOUT_", ours).unwrap().get(Ours), secs(7));
    let shared = [("GENESIS_TIMEOUT_LLM", "61"), ("GENESIS_TIMEOUT_UPLOAD", "7")];
    let profile = Profile::<Ours>::from_pairs_beside::<Serving, _, _>(PREFIX, shared).unwrap();
    assert_eq!(profile.get(Ours), secs(7));
    // A slip is one to all three.
    for (prefix, name) in
        [("GENESIS_TIMEOUT_", "GENESIS_TIMEOUT_LLMS"), ("OURS_TIMEOUT_", "OURS_TIMEOUT_LLMS")]
    {
        let slip = [(name, "61")];
        let errors = [
            Profile::<Serving>::from_pairs_beside::<Standard, _, _>(prefix, slip).unwrap_err(),
            Profile::<Standard>::from_pairs_beside::<Serving, _, _>(prefix, slip).unwrap_err(),
            Profile::<Ours>::from_pairs(prefix, slip).unwrap_err(),
        ];
        assert!(
            errors.iter().all(|error| error.to_string().starts_with(&format!("`{name}` names no operation")))
        );
    }
}

/// It was left to the other set, whether anybody read that or not: a limit that was set did nothing, and nobody said so.
#[test]
fn f_94_a_variable_of_a_set_that_nobody_reads_is_told() {
    let llm = [("GENESIS_TIMEOUT_LLM", "61")];
    let error = Profile::<Standard>::from_pairs(PREFIX, llm).unwrap_err().to_string();
    assert_eq!(
        error,
        "`GENESIS_TIMEOUT_LLM` sets a limit of the operations `Serving`, which are not read here, so it would do nothing: leave it out, \
         or say with from_env_beside::<Serving>() that somebody else reads those"
    );
    let sync = [("GENESIS_TIMEOUT_SYNC", "61")];
    let error = Profile::<Serving>::from_pairs(PREFIX, sync).unwrap_err().to_string();
    assert!(error.starts_with("`GENESIS_TIMEOUT_SYNC` sets a limit of the operations `Standard`"), "{error}");
    // A third set beside one of them does not read the other, either.
    let error = Profile::<Ours>::from_pairs_beside::<Serving, _, _>(PREFIX, sync).unwrap_err().to_string();
    assert!(error.contains("operations `Standard`"), "{error}");
    // Those sets read no other prefix, and there is nobody who would read it there.
    for error in [
        Profile::<Ours>::from_pairs("OURS_TIMEOUT_", [("OURS_TIMEOUT_LLM", "5")]).unwrap_err().to_string(),
        Profile::<Standard>::from_pairs("OURS_TIMEOUT_", [("OURS_TIMEOUT_LLM", "5")])
            .unwrap_err()
            .to_string(),
    ] {
        assert!(error.starts_with("`OURS_TIMEOUT_LLM` names no operation: there are PROFILE, "), "{error}");
    }
    // One that both have is read.
    let request = [("GENESIS_TIMEOUT_REQUEST", "40")];
    assert_eq!(Profile::<Standard>::from_pairs(PREFIX, request).unwrap().get(Standard::Request), secs(40));
}

#[test]
fn f_94_who_is_told_that_a_variable_is_nobodys_is_told_what_it_may_have_meant() {
    let told = |name: &str| {
        Profile::<Serving>::from_pairs_beside::<Standard, _, _>(PREFIX, [(name, "5")])
            .unwrap_err()
            .to_string()
    };
    for (written, meant) in [
        ("GENESIS_TIMEOUT_DATABSE", "GENESIS_TIMEOUT_DATABASE"),
        ("GENESIS_TIMEOUT_LLMS", "GENESIS_TIMEOUT_LLM"),
        ("GENESIS_TIMEOUT_REDIS_", "GENESIS_TIMEOUT_REDIS"),
        ("GENESIS_TIMEOUT_redis", "GENESIS_TIMEOUT_REDIS"),
        ("genesis_timeout_redis", "GENESIS_TIMEOUT_REDIS"),
        ("Genesis_Timeout_REDIS", "GENESIS_TIMEOUT_REDIS"),
        ("genesis_timeout_profile", "GENESIS_TIMEOUT_PROFILE"),
        ("GENESIS_TIMEOUT_PROFIL", "GENESIS_TIMEOUT_PROFILE"),
        // Of the set beside it, which would not get it, either.
        ("GENESIS_TIMEOUT_HEALTHCHECK", "GENESIS_TIMEOUT_HEALTH_CHECK"),
        ("genesis_timeout_sync", "GENESIS_TIMEOUT_SYNC"),
    ] {
        let expected = format!(
            "`{written}` names no operation: did you mean `{meant}`? There are PROFILE, REQUEST, AGENT_DEFAULT, LLM, DATABASE, REDIS; if it \
             is of a set that somebody else reads, say so with from_env_beside, or read another prefix with from_pairs"
        );
        assert_eq!(told(written), expected);
    }
    for far in ["GENESIS_TIMEOUT_", "GENESIS_TIMEOUT_X", "GENESIS_TIMEOUT_CACHE_OF_THE_PAGES"] {
        let error = told(far);
        assert!(error.starts_with(&format!("`{far}` names no operation: there are PROFILE, ")), "{error}");
        assert!(error.ends_with("REDIS; if it is of a set that somebody else reads, say so with from_env_beside, or read another prefix with from_pairs"));
    }
    // What begins otherwise is somebody else's; what is long is not repeated at length.
    let others =
        [("GENESIS_TIMEOUTS_REDIS", "5"), ("GENESIS_TIMEOUT", "5"), ("", "5"), ("GENESIS_TIMEOÜT_X", "5")];
    assert_eq!(Profile::<Serving>::from_pairs(PREFIX, others).unwrap(), Profile::standard());
    let long = told(&format!("GENESIS_TIMEOUT_{}", "A".repeat(100_000)));
    assert!(long.len() < 350, "{long}");
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Ours;

impl Operation for Ours {
    const ALL: &'static [Self] = &[Self];

    fn spec(self) -> Spec {
        Spec::new("upload", secs(3))
    }
}

#[test]
fn f_94_a_request_gets_what_it_asks_for_or_the_default_and_never_more_than_the_whole() {
    let time = ManualClock::new();
    let timeouts = Timeouts::on(Profile::<Serving>::standard(), time.clock()).unwrap();
    for (asked_for, effective) in [(Some(secs(45)), 45), (Some(secs(90)), 60), (None, 30)] {
        let request = timeouts.deadline(Serving::Request);
        let request = request.child(asked_for.unwrap_or(timeouts.get(Serving::Agent)));
        assert_eq!(request.remaining(), secs(effective));
    }
}

/// Total 60 > model 30 > database 10 > Redis 5.
#[test]
fn f_96_m_27_each_step_has_its_own_limit_or_what_is_left_of_the_whole() {
    let time = ManualClock::new();
    let cascade = Profile::standard().with(Serving::Llm, secs(30));
    let timeouts = Timeouts::on(cascade, time.clock()).unwrap();
    let total = timeouts.deadline(Serving::Request);
    let left = || {
        [Serving::Llm, Serving::Database, Serving::Redis]
            .map(|step| timeouts.within(&total, step).remaining())
    };
    assert_eq!(left(), [30, 10, 5].map(secs));
    time.advance(secs(52));
    assert_eq!(left(), [8, 8, 5].map(secs));
    time.advance(secs(7));
    assert_eq!(left(), [1, 1, 1].map(secs));
    time.advance(secs(1));
    assert_eq!(left(), [Duration::ZERO; 3]);
}

#[tokio::test(start_paused = true)]
async fn f_92_the_limits_of_the_process_are_the_same_everywhere_and_change_at_once() {
    assert_eq!(process().profile(), Profile::standard());
    let took = async || {
        let start = Clock::system().now();
        let stuck = process().run(Standard::HealthCheck, pending::<Result<(), Error>>()).await;
        assert!(stuck.unwrap_err().is_timeout());
        Clock::system().now() - start
    };
    assert_eq!(took().await, secs(2));
    process().set(Profile::test()).unwrap();
    assert_eq!(took().await, ms(500));
    assert_eq!(process().deadline(Standard::Request).remaining(), secs(5));
    let proposal = process().deadline(Standard::Proposal);
    assert_eq!((proposal.remaining(), proposal.name().as_str()), (secs(1), "proposal"));
    // On another thread, too; and what makes no sense changes nothing.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert!(process().update(|profile| profile.with(Standard::Request, Duration::ZERO)).is_err());
            process().update(|profile| profile.with(Standard::HealthCheck, secs(3))).unwrap();
        });
    });
    assert_eq!(took().await, secs(3));
    assert_eq!(process().get(Standard::Request), secs(5));
}

/// `WithCustom(d)`: a time that is of no operation.
#[tokio::test(start_paused = true)]
async fn f_92_a_time_of_ones_own() {
    let clock = Clock::system();
    let start = clock.now();
    let custom = Deadline::after(secs(5), &clock).named(Name::new("database.query").unwrap());
    let error = custom.run(pending::<Result<(), Error>>()).await.unwrap_err();
    assert_eq!(
        (error.rejection().unwrap().name().as_str(), clock.now() - start),
        ("database.query", secs(5))
    );
}
