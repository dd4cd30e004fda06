//! Deadlines on a thread: what is left of a request goes to each of its steps, and a step that would begin too late does not.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use core_errors::Error;
use core_time::{ManualClock, secs};
use core_timeout::Deadline;

fn main() {
    let time = ManualClock::new();
    let request = Deadline::after(secs(10), &time.clock());
    for (step, wants, takes) in
        [("model", secs(6), secs(5)), ("database", secs(6), secs(5)), ("cache", secs(1), secs(1))]
    {
        let part = request.child(wants);
        let result = part.call_blocking(|attempt| {
            println!("{step}: wants {wants:?}, has {:?}", attempt.remaining());
            time.advance(takes);
            Ok::<_, Error>(())
        });
        if let Err(error) = result {
            println!("{step}: {error}");
        }
    }
}
