//! Hedges against a plain model of them: any plan of replicas, any delay, any number of hedges.

use std::cell::Cell;

use core_errors::Error;
use core_policy::CallError;
use core_retry::{Budget, Hedge};
use core_time::{Clock, ms};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Yes,
    /// May pass.
    Lost,
    /// Will not.
    Wrong,
}

#[derive(Clone, Copy, Debug)]
struct Replica {
    takes: u64,
    answer: Answer,
}

/// Who answered what, and when; and how many attempts were started.
#[derive(Clone, Copy, Debug, PartialEq)]
struct End {
    at: u64,
    by: usize,
    answer: Answer,
    started: usize,
}

/// Rule HG-1, as it is written: a table of attempts, and a clock that jumps to the next moment at which something happens.
fn model(plan: &[Replica], delay: Option<u64>, hedges: usize) -> End {
    let mut now = 0;
    let mut ends = vec![Some(plan[0].takes)];
    let mut due = delay;
    let mut last = 0;
    loop {
        let mut asked = 0;
        loop {
            for number in asked..ends.len() {
                if ends[number].is_none_or(|end| end > now) {
                    continue;
                }
                ends[number] = None;
                if plan[number].answer != Answer::Lost {
                    return End { at: now, by: number, answer: plan[number].answer, started: ends.len() };
                }
                last = number;
                due = Some(now);
            }
            asked = ends.len();
            if ends.len() > hedges || due.is_none_or(|due| due > now) {
                break;
            }
            ends.push(Some(now + plan[ends.len()].takes));
            due = delay.map(|delay| now + delay);
        }
        let next_end = ends.iter().flatten().min().copied();
        let next_due = if ends.len() > hedges { None } else { due };
        match [next_end, next_due].into_iter().flatten().min() {
            Some(next) => now = next,
            None => return End { at: now, by: last, answer: Answer::Lost, started: ends.len() },
        }
    }
}

fn run(plan: &[Replica], delay: Option<u64>, hedges: usize) -> End {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let builder = delay.map_or_else(Hedge::on_failure, |delay| Hedge::after(ms(delay)));
        let hedges = u8::try_from(hedges).expect("few");
        let hedge = builder.max(hedges).budget(&Budget::default()).build().expect("valid");
        let clock = Clock::system();
        let begun = clock.now();
        let started = Cell::new(0);
        let by = Cell::new(0);
        let result = hedge
            .call(|at| {
                started.set(started.get() + 1);
                let (by, number) = (&by, usize::from(at.hedge()));
                let Replica { takes, answer } = plan[number];
                async move {
                    if takes > 0 {
                        Clock::system().sleep(ms(takes)).await;
                    }
                    by.set(number);
                    match answer {
                        Answer::Yes => Ok(()),
                        Answer::Lost => Err(Error::network("lost")),
                        Answer::Wrong => Err(Error::internal("wrong")),
                    }
                }
            })
            .await;
        let answer = match result {
            Ok(()) => Answer::Yes,
            Err(CallError::Failed(error)) if error.message() == "lost" => Answer::Lost,
            Err(_) => Answer::Wrong,
        };
        let at = u64::try_from((clock.now() - begun).as_millis()).expect("short");
        End { at, by: by.get(), answer, started: started.get() }
    })
}

fn replicas() -> impl Strategy<Value = Vec<Replica>> {
    let answer =
        prop::sample::select(vec![Answer::Yes, Answer::Yes, Answer::Lost, Answer::Lost, Answer::Wrong]);
    let replica = (0_u64..60, answer).prop_map(|(takes, answer)| Replica { takes, answer });
    prop::collection::vec(replica, 9)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn hg_1_any_plan_ends_as_the_rule_says(
        plan in replicas(),
        delay in prop::option::weighted(0.8, 0_u64..40),
        hedges in 1_usize..=8,
    ) {
        prop_assert_eq!(run(&plan, delay, hedges), model(&plan, delay, hedges));
    }
}
