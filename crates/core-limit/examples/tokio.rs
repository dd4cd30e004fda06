//! A bulkhead on tokio: two at once, one waits for a slot, and who waits too long is refused.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use core_errors::Error;
use core_limit::Bulkhead;
use core_time::{Clock, ms};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), core_limit::ConfigError> {
    let bulkhead = Bulkhead::max(2).max_wait(ms(30)).name("reports").build()?;
    let clock = Clock::system();
    let start = clock.now();
    let report = async |name: &str, takes| {
        let result = bulkhead
            .run(async {
                Clock::system().sleep(takes).await;
                Ok::<_, Error>("done")
            })
            .await;
        let told = result.map_or_else(|error| error.to_string(), str::to_owned);
        println!("{name}: {told} after {:?}", Clock::system().now() - start);
    };
    tokio::join!(
        report("one", ms(20)),
        report("two", ms(100)),
        report("three", ms(100)),
        report("four", ms(10))
    );
    println!("in use: {}", bulkhead.snapshot().in_use);
    Ok(())
}
