//! All policies around one dependency, on tokio: retried, hedged, and changed while calls go on.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use core_breaker::Breaker;
use core_errors::Error;
use core_pipeline::Pipeline;
use core_policy::Attempt;
use core_retry::{Budget, Hedge, Retry};
use core_time::{Clock, ms, secs};

async fn search(attempt: Attempt) -> Result<u32, Error> {
    let takes = if attempt.is_hedge() { ms(5) } else { ms(80) };
    Clock::system().sleep(takes).await;
    Ok(42)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), core_pipeline::ConfigError> {
    let plain = Pipeline::named("search")
        .deadline(secs(1))
        .retry(Retry::exponential(ms(5)..ms(50)).attempts(3).budget(&Budget::default()))
        .breaker(Breaker::rate(0.5).window(secs(10)).min_calls(20))
        .bulkhead(32)
        .attempt_timeout(ms(200))
        .build()?;
    let hedged = plain.hedged(Hedge::after(ms(20)))?;
    println!("{}", hedged.describe());
    let clock = Clock::system();
    let start = clock.now();
    println!("without a hedge: {:?} in {:?}", plain.call(search).await, clock.now() - start);
    let start = clock.now();
    println!("with one: {:?} in {:?}", hedged.call(search).await, clock.now() - start);

    hedged.reconfigure(|c| c.attempt_timeout(ms(150)).hedge(|hedge| hedge.after(ms(40))))?;
    let start = clock.now();
    println!("with a later one: {:?} in {:?}", hedged.call(search).await, clock.now() - start);
    if let Err(error) = hedged.reconfigure(|c| c.attempt_timeout(ms(30))) {
        println!("what could never work changes nothing: {error}");
    }
    Ok(())
}
