//! A circuit on a thread: it opens, refuses, probes, and closes.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use core_breaker::Breaker;
use core_errors::Error;
use core_time::{ManualClock, secs};

fn main() -> Result<(), core_breaker::ConfigError> {
    // Time that is moved by hand, so that nobody has to wait for the circuit.
    let time = ManualClock::new();
    let breaker = Breaker::consecutive(3)
        .open_for(secs(5))
        .jitter(false)
        .name("billing")
        .clock(time.clock())
        .build()?;
    for n in 1..=5 {
        let result = breaker.call_blocking(|_| Err::<(), _>(Error::network("refused")));
        let told = result.map_or_else(|error| error.to_string(), |()| "fine".to_owned());
        println!("call {n}: {told} ({})", breaker.state());
    }
    time.advance(secs(6));
    let probe = breaker.call_blocking(|_| Ok::<_, Error>("fine"));
    println!("5 s later: {probe:?} ({})", breaker.state());
    Ok(())
}
