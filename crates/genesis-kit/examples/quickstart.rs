//! A dependency that fails every third time, hangs now and then, and a caller who does not notice.
//!
//! `cargo run --example quickstart`
#![expect(clippy::print_stdout, reason = "an example talks to people")]

use std::sync::atomic::{AtomicU32, Ordering};

use genesis_kit::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let payments = Pipeline::named("payments")
        .deadline(secs(2))
        .retry(Retry::exponential(ms(5)..ms(50)).full_jitter().attempts(4).budget(&Budget::default()))
        .breaker(Breaker::rate(0.5).or_consecutive(8).window(secs(10)).min_calls(20))
        .limit(Rate::per_second(500).burst(50))
        .bulkhead(64)
        .attempt_timeout(ms(50))
        .build()?;
    println!("{}\n", payments.describe());

    let calls = AtomicU32::new(0);
    let charge = |attempt: Attempt| {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        async move {
            if call % 10 == 9 {
                Clock::system().sleep(secs(60)).await;
            }
            if call % 3 == 2 {
                return Err(Error::unavailable("payments is restarting"));
            }
            Ok(attempt.number())
        }
    };
    for order in 1..=12 {
        match payments.call(charge).await {
            Ok(attempt) => println!("order {order:>2}: charged by attempt {attempt}"),
            Err(error) => println!("order {order:>2}: {error}"),
        }
    }
    println!("\n{} calls were made for 12 orders", calls.load(Ordering::Relaxed));
    Ok(())
}
