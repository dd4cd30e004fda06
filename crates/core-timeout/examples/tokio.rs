//! Timeouts on tokio: an attempt that hangs is stopped, and of many futures those count that are done in time.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use core_errors::Error;
use core_time::{Clock, ms};
use core_timeout::{Deadline, Profile, Standard, Timeout, Timeouts};

async fn answers(takes: std::time::Duration) -> Result<std::time::Duration, Error> {
    Clock::system().sleep(takes).await;
    Ok(takes)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), core_timeout::ConfigError> {
    let timeout = Timeout::attempt(ms(20)).name("payments").build()?;
    println!("in time: {:?}", timeout.run(answers(ms(5))).await);
    match timeout.run(answers(ms(500))).await {
        Ok(took) => println!("took {took:?}"),
        Err(error) => println!("too slow: {error}"),
    }
    let legs = [ms(5), ms(900), ms(10)].map(answers);
    let parts = Deadline::after(ms(50), &Clock::system()).gather(legs).await;
    println!("of three legs these are missing after 50 ms: {:?}", parts.missing().collect::<Vec<_>>());

    let timeouts = Timeouts::new(Profile::production().with(Standard::HealthCheck, ms(20)))?;
    let health = timeouts.run(Standard::HealthCheck, answers(ms(100))).await;
    println!("health: {}", health.map_or_else(|error| error.to_string(), |_| "fine".to_owned()));
    Ok(())
}
