use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use core_retry::{Budget as RetryBudget, Retry};
use core_time::{ms, secs};
use layered::Stack;
use tower::Layer;
use tower::retry::backoff::{Backoff, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff};
use tower::retry::budget::{Budget as _, TpsBudget};
use tower::retry::{Policy, RetryLayer as TowerLayer};
use tower::util::rng::HasherRng;
use tower_resilience_retry::{RetryBudgetBuilder, RetryLayer};

use super::{Failure, call, seatbelt, service, tower_loop};
use crate::{Budget, Comes, Contest, Loop, Row, looped, ready};

const BASE: Duration = Duration::from_millis(50);

pub(super) fn rows() -> Vec<Row> {
    let row = |name, contest| Row {
        name,
        threads: 1,
        budget: Budget::OverBare(4.0),
        beside: &[],
        comes: Comes::Answered,
        allocations_max: 0,
        contest,
    };
    vec![row("retry/first_success", first_success), row("retry/first_success_budget", first_success_budget)]
}

fn first_success() -> Contest {
    let ours = Retry::exponential(ms(50)..secs(1)).full_jitter().attempts(4).build().expect("valid");
    let theirs = RetryLayer::<u64, u64, Failure>::builder().max_attempts(4).exponential_backoff(BASE).build();
    Contest {
        ours: looped(move |input| ready(ours.call(|_| call(input)))),
        peers: vec![
            ("backon", backon()),
            (
                "seatbelt",
                seatbelt::service_loop(
                    (seatbelt::retry(&seatbelt::context()), seatbelt::service()).into_service(),
                ),
            ),
            ("tower Retry", tower_retry(None)),
            ("tower-resilience", tower_loop(theirs.layer(service()))),
        ],
    }
}

/// Of the peers, two have a budget.
fn first_success_budget() -> Contest {
    let budget = RetryBudget::default();
    let ours =
        Retry::exponential(ms(50)..secs(1)).full_jitter().attempts(4).budget(&budget).build().expect("valid");
    let theirs = RetryLayer::<u64, u64, Failure>::builder()
        .max_attempts(4)
        .exponential_backoff(BASE)
        .budget(RetryBudgetBuilder::new().token_bucket().build().expect("valid"))
        .build();
    Contest {
        ours: looped(move |input| ready(ours.call(|_| call(input)))),
        peers: vec![
            ("tower Retry", tower_retry(Some(Arc::new(TpsBudget::default())))),
            ("tower-resilience", tower_loop(theirs.layer(service()))),
        ],
    }
}

fn backon() -> Loop {
    let backoff = ExponentialBuilder::new()
        .with_min_delay(BASE)
        .with_max_delay(Duration::from_secs(1))
        .with_max_times(3)
        .with_jitter();
    looped(move |input| ready((|| call(input)).retry(backoff).sleep(tokio::time::sleep)))
}

fn tower_retry(budget: Option<Arc<TpsBudget>>) -> Loop {
    let mut delays =
        ExponentialBackoffMaker::new(BASE, Duration::from_secs(1), 1.0, HasherRng::default()).expect("valid");
    let policy = Attempts { left: 3, delays: delays.make_backoff(), budget };
    tower_loop(TowerLayer::new(policy).layer(service()))
}

/// What tower leaves to its users.
#[derive(Clone)]
struct Attempts {
    left: u32,
    delays: ExponentialBackoff,
    budget: Option<Arc<TpsBudget>>,
}

impl Policy<u64, u64, Failure> for Attempts {
    type Future = tokio::time::Sleep;

    fn retry(&mut self, _: &mut u64, result: &mut Result<u64, Failure>) -> Option<Self::Future> {
        if result.is_ok() {
            if let Some(budget) = &self.budget {
                budget.deposit();
            }
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        self.budget.as_ref().is_none_or(|budget| budget.withdraw()).then(|| self.delays.next_backoff())
    }

    fn clone_request(&mut self, request: &u64) -> Option<u64> {
        Some(*request)
    }
}
