//! What to do when a limit has passed: log it, hand on an error with a type, or answer with something else.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use core_errors::Error;
use core_time::{Clock, ms};
use core_timeout::Timeout;

/// A callee that is slower than anybody waits.
async fn rate() -> Result<f64, Error> {
    Clock::system().sleep(ms(500)).await;
    Ok(1.09)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), core_timeout::ConfigError> {
    let timeout = Timeout::attempt(ms(20)).name("rates").build()?;

    // An error that says who, why and after how long.
    if let Err(error) = timeout.run(rate()).await {
        println!("is it a limit on time? {}", error.is_timeout());
        println!("who, and after what: {error}");
    }

    // Logged, and answered from the cache, if what is there will do; else it is the error again.
    for cached in [Some(1.08), Some(-3.0), None] {
        let answer = timeout.call_or(
            |_| rate(),
            async |error| {
                println!("log: {error}");
                error.or_valid(cached, |rate| *rate > 0.0)
            },
        );
        println!("with {cached:?} in the cache: {:?}", answer.await.ok());
    }

    // Less than was asked for, and said to be.
    let answer = timeout.call_or(|_| rate(), async |_error| Ok(1.0)).await;
    println!("a rough rate will do: {:?}", answer.ok());
    println!("it fired {} times", timeout.fired());
    Ok(())
}
