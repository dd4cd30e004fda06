//! What there is one of for each key.

use std::future::ready;
use std::sync::Arc;

use genesis_kit::policy::Keyed;
use genesis_kit::prelude::*;
use genesis_kit::time::ManualClock;

use crate::bench::{fail, has, shown};

#[test]
fn no_key_is_a_label_and_what_is_shown_is_of_all_keys() {
    let users = Rate::per_hour(2)
        .name("users")
        .keyed(Keyed::max(2).idle(secs(7_200)))
        .tier("premium", Rate::per_hour(9))
        .build::<String>()
        .unwrap();
    let premium = users.tier("premium").unwrap();
    for user in ["ann", "bob", "eve"] {
        (0..3).for_each(|_| drop(users.check(user)));
    }
    users.check_in(premium, "eve").unwrap();
    let hosts = Breaker::consecutive(1).name("hosts").build().unwrap();
    let hosts = Arc::new(hosts.keyed::<String>(Keyed::max(3)).unwrap());
    hosts.get("db-1").unwrap().acquire().unwrap().failure();
    hosts.get("db-1").unwrap().acquire().unwrap_err();
    hosts.get("db-2").unwrap().acquire().unwrap().success();
    assert_eq!(hosts.get("db-1").unwrap().call_or_blocking(|_| fail(), |_| Ok(())).ok(), Some(()));
    let shards = Pipeline::named("shards").breaker(Breaker::consecutive(1)).build().unwrap();
    let shards = Arc::new(shards.keyed::<u32>(Keyed::max(4)).unwrap());
    assert!(shards.get(&7).unwrap().call_blocking(|_| fail()).is_err());
    let plain = Pipeline::named("plain").bulkhead(2).build().unwrap();
    let plain = Arc::new(plain.keyed::<u32>(Keyed::max(4)).unwrap());
    let text = shown(|kit| kit.watch(&users).watch(&hosts).watch(&shards).watch(&plain));
    has(
        &text,
        [
            "keyed_keys{kind=\"rate_limit\",name=\"users\"} 2.0",
            "keyed_keys_max{kind=\"rate_limit\",name=\"users\"} 2.0",
            "keyed_keys_inserted_total{kind=\"rate_limit\",name=\"users\"} 3",
            "keyed_keys_forgotten_total{kind=\"rate_limit\",name=\"users\",why=\"displaced\"} 1",
            "keyed_keys_forgotten_total{kind=\"rate_limit\",name=\"users\",why=\"idle\"} 0",
            "keyed_keys_refused_total{kind=\"rate_limit\",name=\"users\"} 0",
            "keyed_rate_limit_requests_total{name=\"users\",tier=\"default\",outcome=\"allowed\"} 6",
            "keyed_rate_limit_requests_total{name=\"users\",tier=\"default\",outcome=\"refused\"} 3",
            "keyed_rate_limit_requests_total{name=\"users\",tier=\"premium\",outcome=\"allowed\"} 1",
            "keyed_keys{kind=\"breaker\",name=\"hosts\"} 2.0",
            "keyed_circuit_breakers{kind=\"breaker\",name=\"hosts\",state=\"open\"} 1.0",
            "keyed_circuit_breakers{kind=\"breaker\",name=\"hosts\",state=\"closed\"} 1.0",
            "keyed_circuit_breaker_calls_total{name=\"hosts\",outcome=\"success\"} 1",
            "keyed_circuit_breaker_calls_total{name=\"hosts\",outcome=\"failure\"} 1",
            "keyed_circuit_breaker_calls_total{name=\"hosts\",outcome=\"rejected\"} 2",
            "keyed_circuit_breaker_fallbacks_total{name=\"hosts\"} 1",
            "keyed_keys{kind=\"pipeline\",name=\"shards\"} 1.0",
            "keyed_circuit_breakers{kind=\"pipeline\",name=\"shards\",state=\"open\"} 1.0",
            "keyed_keys_max{kind=\"pipeline\",name=\"plain\"} 4.0",
        ],
    );
    assert!(["db-1", "ann", "eve"].iter().all(|key| !text.contains(&format!("\"{key}\""))), "{text}");
    assert!(!text.contains("keyed_circuit_breakers{kind=\"pipeline\",name=\"plain\""), "it has none");
}

#[test]
fn pipelines_of_keys_show_what_their_calls_came_to_also_those_of_keys_that_were_forgotten() {
    let shards = Pipeline::named("shards")
        .deadline(secs(5))
        .retry(Retry::fixed(ms(1)).attempts(2))
        .breaker(Breaker::consecutive(9))
        .limit(Rate::per_hour(100))
        .bulkhead(1)
        .attempt_timeout(secs(1))
        .build()
        .unwrap();
    let shards = Arc::new(shards.keyed::<u32>(Keyed::max(2).idle(secs(3_600))).unwrap());
    for shard in 0..5 {
        let shard = shards.get(&shard).unwrap();
        assert!(shard.call_blocking(|_| fail()).is_err());
        assert!(shard.call_blocking(|_| Ok::<_, Error>(())).is_ok());
        assert!(shard.call_or_blocking(|_| Err(Error::internal("wrong")), |_| Ok(())).is_ok());
    }
    let busy = shards.get(&4).unwrap();
    let slot = busy.bulkhead().unwrap().acquire().unwrap();
    assert!(busy.call_blocking(|_| fail()).is_err());
    let text = shown(|kit| kit.watch(&shards));
    drop(slot);
    has(
        &text,
        [
            "keyed_keys_forgotten_total{kind=\"pipeline\",name=\"shards\",why=\"displaced\"} 3",
            "keyed_pipeline_attempts_total{name=\"shards\",outcome=\"success\"} 5",
            "keyed_pipeline_attempts_total{name=\"shards\",outcome=\"failure\"} 15",
            "keyed_pipeline_attempts_total{name=\"shards\",outcome=\"inconclusive\"} 1",
            "keyed_pipeline_fallbacks_total{name=\"shards\"} 5",
            "keyed_pipeline_retries_total{name=\"shards\"} 5",
            "keyed_pipeline_retry_calls_total{name=\"shards\",outcome=\"out_of_attempts\"} 5",
            "keyed_pipeline_rate_limit_requests_total{name=\"shards\",outcome=\"allowed\"} 21",
            "keyed_pipeline_bulkhead_calls_total{name=\"shards\",outcome=\"admitted\"} 21",
            "keyed_pipeline_bulkhead_calls_total{name=\"shards\",outcome=\"refused\"} 1",
            "keyed_pipeline_timeouts_total{name=\"shards\",limits=\"attempt\"} 0",
            "keyed_pipeline_timeouts_total{name=\"shards\",limits=\"call\"} 0",
        ],
    );
    let plain = Pipeline::named("plain").bulkhead(2).build().unwrap();
    let plain = Arc::new(plain.keyed::<u32>(Keyed::max(4)).unwrap());
    let text = shown(|kit| kit.watch(&plain));
    let kinds: Vec<_> = text.lines().filter(|line| line.starts_with("keyed_pipeline_")).collect();
    assert!(
        kinds.iter().all(|line| line.starts_with("keyed_pipeline_bulkhead")) && kinds.len() == 4,
        "{kinds:?}"
    );
}

#[tokio::test]
async fn hedged_pipelines_of_keys_show_their_hedges_also_those_of_keys_that_were_forgotten() {
    let shards = Pipeline::named("shards").bulkhead(9).build().unwrap();
    let shards = shards.hedged(Hedge::on_failure().budget(&Budget::new(3, 0.1).unwrap())).unwrap();
    let shards = Arc::new(shards.keyed::<u32>(Keyed::max(2).idle(secs(3_600))).unwrap());
    let first_fails = |at: Attempt| ready(if at.is_hedge() { Ok(()) } else { Err(Error::network("gone")) });
    let mut results = Vec::new();
    for shard in 0..5 {
        let shard = shards.get(&shard).unwrap();
        results.push(shard.call(first_fails).await.is_ok());
    }
    // Each failure takes a token, and hedges are made while more than half of them are there.
    assert_eq!(results, [true, false, false, false, false]);
    has(
        &shown(|kit| kit.watch(&shards)),
        [
            "keyed_keys_forgotten_total{kind=\"pipeline\",name=\"shards\",why=\"displaced\"} 3",
            "keyed_pipeline_hedge_calls_total{name=\"shards\",outcome=\"success\"} 1",
            "keyed_pipeline_hedge_calls_total{name=\"shards\",outcome=\"failure\"} 4",
            "keyed_pipeline_hedge_won_total{name=\"shards\"} 1",
            "keyed_pipeline_hedges_total{name=\"shards\"} 1",
            "keyed_pipeline_hedge_withheld_total{name=\"shards\",reason=\"budget\"} 4",
            "keyed_pipeline_hedge_withheld_total{name=\"shards\",reason=\"deadline\"} 0",
        ],
    );
}

#[test]
fn a_scrape_of_a_hundred_thousand_keys_is_as_long_as_one_of_a_single_key() {
    const KEYS: u32 = 100_000;
    let users = Rate::per_hour(9).name("users").keyed(Keyed::max(KEYS as usize).idle(secs(7_200)));
    let users = users.build::<u32>().unwrap();
    let hosts = Pipeline::named("hosts").bulkhead(1).build().unwrap();
    let hosts = Arc::new(hosts.keyed::<u32>(Keyed::max(KEYS as usize)).unwrap());
    let kit = Kit::builder("watched").version("1").without_log().watch(&users).watch(&hosts).build().unwrap();
    let scrape = || kit.metrics().respond(None).body;
    let shape = |text: &str| {
        let without_numbers = |line: &str| line.rsplit_once(' ').map(|(series, _)| series.to_owned());
        let ours = text.lines().filter(|line| line.starts_with("keyed_"));
        ours.filter_map(without_numbers).collect::<Vec<_>>()
    };
    users.check(&0).unwrap();
    hosts.get(&0).unwrap();
    let of_one = shape(&scrape());
    for key in 0..KEYS {
        users.check(&key).unwrap();
        drop(hosts.get(&key).unwrap().admit().unwrap());
    }
    let text = scrape();
    assert_eq!(shape(&text), of_one, "no key is a label");
    has(
        &text,
        [
            "keyed_keys{kind=\"rate_limit\",name=\"users\"} 100000.0",
            "keyed_keys{kind=\"pipeline\",name=\"hosts\"} 100000.0",
            "keyed_rate_limit_requests_total{name=\"users\",tier=\"default\",outcome=\"allowed\"} 100001",
            "keyed_pipeline_bulkhead_calls_total{name=\"hosts\",outcome=\"admitted\"} 100000",
        ],
    );
}

#[tokio::test]
async fn what_keys_share_is_shown_beside_what_a_pipeline_of_the_same_name_has_and_once() {
    let (of_retry, of_hedge) = (Budget::new(10, 0.5).unwrap(), Budget::new(20, 0.5).unwrap());
    let retry = Retry::fixed(ms(1)).attempts(2).budget(&of_retry);
    let plain = Pipeline::named("shards").retry(retry).build().unwrap();
    let own = plain.hedged(Hedge::after(ms(10)).budget(&of_hedge)).unwrap();
    let own = Arc::new(own.keyed::<u32>(Keyed::max(2)).unwrap());
    for key in 0..3 {
        assert!(own.get(&key).unwrap().call(|_| ready(fail())).await.is_err());
    }
    has(
        &shown(|kit| kit.watch(&own).pipeline(&plain)),
        [
            "retry_budget_available{name=\"shards\",of=\"keyed_retry\"} 5.0",
            "retry_budget_withdrawals_total{name=\"shards\",of=\"keyed_retry\"} 2",
            "retry_budget_refusals_total{name=\"shards\",of=\"keyed_retry\"} 1",
            "retry_budget_available{name=\"shards\",of=\"keyed_hedge\"} 10.0",
            "retry_budget_available{name=\"shards\",of=\"retry\"} 5.0",
        ],
    );
    let shared = Arc::new(plain.hedged(Hedge::after(ms(10))).unwrap().keyed::<u32>(Keyed::max(2)).unwrap());
    assert!(shared.hedge_budget().unwrap().is_same(&shared.retry_budget().unwrap()));
    let text = shown(|kit| kit.watch(&shared));
    assert!(text.contains("of=\"keyed_retry\"") && !text.contains("of=\"keyed_hedge\""), "{text}");
    let none = Pipeline::named("none").bulkhead(1).build().unwrap().keyed::<u32>(Keyed::max(2)).unwrap();
    assert!(none.retry_budget().is_none() && none.hedge_budget().is_none());
    assert!(!shown(|kit| kit.watch(&Arc::new(none))).contains("retry_budget"));
}

#[test]
fn slow_calls_of_keys_are_shown() {
    let time = ManualClock::new();
    let slow = Breaker::rate(0.5).slow_over(ms(5));
    let hosts = slow.clone().name("hosts").clock(time.clock()).build().unwrap();
    let hosts = Arc::new(hosts.keyed::<u32>(Keyed::max(3)).unwrap());
    let shards = Pipeline::named("shards").breaker(slow).clock(time.clock()).build().unwrap();
    let shards = Arc::new(shards.keyed::<u32>(Keyed::max(3)).unwrap());
    let takes = |millis| {
        time.advance(ms(millis));
        Ok::<_, Error>(())
    };
    for key in 0..4 {
        for millis in [1, 9] {
            assert!(hosts.get(&key).unwrap().call_blocking(|_| takes(millis)).is_ok());
            assert!(shards.get(&key).unwrap().call_blocking(|_| takes(millis)).is_ok());
        }
    }
    has(
        &shown(|kit| kit.watch(&hosts).watch(&shards)),
        [
            "keyed_circuit_breaker_slow_calls_total{name=\"hosts\"} 4",
            "keyed_pipeline_slow_calls_total{name=\"shards\"} 4",
        ],
    );
}
