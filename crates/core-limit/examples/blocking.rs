//! A rate limit on a thread: a burst goes through, the rest is told when to come back.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use core_errors::Error;
use core_limit::Rate;
use core_time::{ManualClock, ms};

fn main() -> Result<(), core_limit::ConfigError> {
    let time = ManualClock::new();
    let limit = Rate::per_second(10).burst(3).name("mail").clock(time.clock()).build()?;
    for n in 1..=5 {
        match limit.call_blocking(|_| Ok::<_, Error>("sent")) {
            Ok(sent) => println!("mail {n}: {sent}"),
            Err(error) => {
                let after = error.rejection().and_then(core_errors::Rejection::retry_after);
                println!("mail {n}: {error}; worth it again after {after:?}");
            }
        }
    }
    time.advance(ms(100));
    println!("100 ms later: {:?}", limit.call_blocking(|_| Ok::<_, Error>("sent")).is_ok());
    Ok(())
}
