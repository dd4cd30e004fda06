//! Retries on a thread: a callee that recovers, and one that does not.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use core_errors::Error;
use core_retry::{Budget, Retry};
use core_time::ms;

fn main() -> Result<(), core_retry::ConfigError> {
    let budget = Budget::default();
    let retry = Retry::exponential(ms(5)..ms(50))
        .attempts(4)
        .budget(&budget)
        .name("payments")
        .on_retry(|event| println!("  attempt {} failed: {:?}", event.attempts, event.next))
        .build()?;

    println!("a callee that hangs up twice:");
    let charged = retry.call_blocking(|attempt| {
        if attempt.number().get() < 3 { Err(Error::network("hung up")) } else { Ok("charged") }
    });
    println!("  {charged:?}");

    println!("a callee that is down:");
    let down = retry.call_blocking(|_| Err::<(), _>(Error::network("refused")));
    println!("  {}", down.map_or_else(|error| error.to_string(), |()| "up".to_owned()));

    println!("a request that is wrong is made once:");
    let wrong = retry.call_blocking(|_| Err::<(), _>(Error::validation("no such order")));
    println!("  {}", wrong.map_or_else(|error| error.to_string(), |()| "right".to_owned()));
    println!("{:?}", retry.stats());
    Ok(())
}
