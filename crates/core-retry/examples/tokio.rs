//! Hedges on tokio: a slow replica is overtaken, and the delay changes while calls go on.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use core_errors::Error;
use core_policy::Attempt;
use core_retry::{Budget, Hedge};
use core_time::{Clock, ms};

/// The first replica takes long; whoever asks the second one has an answer soon.
async fn search(attempt: Attempt) -> Result<&'static str, Error> {
    let takes = if attempt.is_hedge() { ms(5) } else { ms(200) };
    Clock::system().sleep(takes).await;
    Ok(if attempt.is_hedge() { "the second replica" } else { "the first replica" })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), core_retry::ConfigError> {
    let hedge = Hedge::after(ms(30)).budget(&Budget::default()).name("search").build()?;
    let clock = Clock::system();
    for delay in [ms(30), ms(60), ms(500)] {
        hedge.reconfigure(move |hedge| hedge.after(delay))?;
        let start = clock.now();
        let answer = hedge.call(search).await;
        println!("{hedge}: {answer:?} in {:?}", clock.now() - start);
    }
    println!("{:?}", hedge.stats());
    Ok(())
}
