//! All policies around one dependency, on a thread.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use core_breaker::Breaker;
use core_errors::Error;
use core_pipeline::Pipeline;
use core_retry::{Budget, Retry};
use core_time::{ms, secs};

fn main() -> Result<(), core_pipeline::ConfigError> {
    let database = Pipeline::named("orders-db")
        .deadline(secs(1))
        .retry(Retry::exponential(ms(2)..ms(20)).attempts(3).budget(&Budget::default()))
        .breaker(Breaker::consecutive(5).open_for(secs(5)))
        .bulkhead(16)
        .attempt_timeout(ms(300))
        .build()?;
    println!("{}", database.describe());
    let rows = database.call_blocking(|attempt| {
        println!("  attempt {} has {:?}", attempt.number(), attempt.remaining());
        if attempt.is_retry() { Ok(3) } else { Err(Error::network("the connection was closed")) }
    });
    println!("rows: {rows:?}");
    for n in 1..=3 {
        let down = database.call_blocking(|_| Err::<(), _>(Error::network("refused")));
        println!("call {n}: {}", down.map_or_else(|error| error.to_string(), |()| "fine".to_owned()));
    }
    Ok(())
}
