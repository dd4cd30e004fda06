//! A circuit on tokio: calls that fail open it for all, and nobody waits for a callee that is down.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use core_breaker::Breaker;
use core_errors::Error;
use core_time::{Clock, ms, secs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), core_breaker::ConfigError> {
    let breaker = Breaker::rate(0.5).window(secs(10)).min_calls(4).open_for(ms(50)).jitter(false).build()?;
    let clock = Clock::system();
    for n in 1..=6 {
        let start = clock.now();
        let result = breaker
            .call(|_| async {
                Clock::system().sleep(ms(10)).await;
                Err::<(), _>(Error::timeout("too slow"))
            })
            .await;
        let told = result.map_or_else(|error| error.to_string(), |()| "fine".to_owned());
        println!("call {n}: {told} after {:?}", clock.now() - start);
    }
    clock.sleep(ms(60)).await;
    let probe = breaker.call(|_| async { Ok::<_, Error>("fine") }).await;
    println!("then a probe: {probe:?} ({})", breaker.state());
    Ok(())
}
