use std::time::Duration;

use core_breaker::Breaker;
use core_limit::Rate;
use core_pipeline::Pipeline;
use core_retry::{Budget as RetryBudget, Retry};
use core_time::{ms, secs};
use governor::clock::QuantaUpkeepClock;
use layered::{Service, Stack};
use tokio::sync::Semaphore;
use tower::ServiceBuilder;
use tower::layer::layer_fn;
use tower_resilience_retry::{RetryBudgetBuilder, RetryLayer};
use tower_resilience_timelimiter::TimeLimiterLayer;

use super::breaker::tower_resilience as breaker_layer;
use super::limit::{Governor, PER_SECOND, SLOTS, bulkhead_layer, governor, rate_layer};
use super::{Answer, Failure, call, one_word, seatbelt, service, tower_loop};
use crate::{Budget, Comes, Contest, Loop, Row, looped, ready};

pub(super) fn rows() -> Vec<Row> {
    let row = || Row {
        name: "pipeline/five_policies",
        threads: 1,
        budget: Budget::Total(100.0),
        beside: &[],
        comes: Comes::Answered,
        allocations_max: 0,
        contest: five_policies,
    };
    vec![
        row(),
        // Two of the five have a word for all threads.
        Row {
            budget: Budget::None,
            ..row().on_two_threads(
                "pipeline/five_policies_2_threads",
                const { &[one_word("pipeline/five_policies", "TAT and permits")] },
            )
        },
    ]
}

/// Retry with a budget, breaker, rate limit, bulkhead, attempt timeout.
fn five_policies() -> Contest {
    let budget = RetryBudget::default();
    let ours = Pipeline::named("bench")
        .retry(Retry::exponential(ms(50)..secs(1)).full_jitter().attempts(4).budget(&budget))
        .breaker(Breaker::rate(0.5).window(secs(10)).min_calls(20))
        .limit(Rate::per_second(PER_SECOND.into()).burst(PER_SECOND.into()))
        .bulkhead(u32::from(SLOTS))
        .attempt_timeout(ms(300))
        .build()
        .expect("valid");
    Contest {
        ours: looped(move |input| ready(ours.call(|_| call(input)))),
        peers: vec![("seatbelt, governor, tokio", seatbelt()), ("tower-resilience", tower_resilience())],
    }
}

/// seatbelt has no rate limit and no bulkhead, so governor and tokio stand in; nor has it a retry budget.
fn seatbelt() -> Loop {
    let context = seatbelt::context();
    let stack = (
        seatbelt::retry(&context),
        seatbelt::breaker(&context),
        layer_fn(|inner| Admission { limiter: governor(), slots: Semaphore::new(SLOTS.into()), inner }),
        seatbelt::timeout(&context),
        seatbelt::service(),
    );
    seatbelt::service_loop(stack.into_service())
}

struct Admission<S> {
    limiter: Governor<QuantaUpkeepClock>,
    slots: Semaphore,
    inner: S,
}

impl<S: Service<u64, Out = Answer>> Service<u64> for Admission<S> {
    type Out = Answer;

    async fn execute(&self, input: u64) -> Answer {
        if self.limiter.check().is_err() {
            return Err(Failure);
        }
        let Ok(_slot) = self.slots.try_acquire() else { return Err(Failure) };
        self.inner.execute(input).await
    }
}

fn tower_resilience() -> Loop {
    let retry = RetryLayer::<u64, u64, Failure>::builder()
        .max_attempts(4)
        .exponential_backoff(Duration::from_millis(50))
        .budget(RetryBudgetBuilder::new().token_bucket().build().expect("valid"))
        .build();
    let stack = ServiceBuilder::new()
        .layer(retry)
        .map_err(|_| Failure)
        .layer(breaker_layer())
        .map_err(|_| Failure)
        .layer(rate_layer())
        .map_err(|_| Failure)
        .layer(bulkhead_layer())
        .map_err(|_| Failure)
        .layer(TimeLimiterLayer::builder().timeout_duration(Duration::from_millis(300)).build())
        .service(service());
    tower_loop(stack)
}
