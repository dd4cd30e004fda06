//! What a line costs. Alone in its file: the counter sees every allocation of the process.

use std::error::Error as StdError;
use std::time::Duration;

use core_context::Context;
use core_errors::Error;
use core_log::{Format, Log, Logger, Queue, Sampling, Sink};
use tracing_subscriber::layer::SubscriberExt;

#[test]
fn a_line_does_not_allocate_once_its_thread_has_written_a_few() {
    let formats = [Format::Json, Format::Gcp, Format::StreamBus, Format::Ecs, Format::Otel, Format::Console];
    for (format, queue) in
        formats.into_iter().flat_map(|format| [(format, None), (format, Some(Queue::new()))])
    {
        let sink = Sink::new(|_: &[u8]| Ok(()));
        let log = Log::builder().lookup(|_| None).project("p").format(format).sink(sink);
        let log = log.sampling(Sampling { first: u32::MAX, then_every: 0 });
        let log = if let Some(queue) = queue { log.queue(queue) } else { log };
        let (layer, handle) = log.layer().expect("it is right");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let context = Context::builder().request("GET", "/").user("u").build();
            let _entered = context.enter();
            let logger = Logger::component("payments").with("region", "eu");
            let error = Error::network("payments cannot be reached").cause(std::io::Error::other("reset"));
            let outer = tracing::info_span!("outer", order = "A-1", amount = 12).entered();
            let inner = tracing::info_span!("inner", step = 3, host = "db").entered();
            let line = || {
                tracing::info!(
                    text = "some text",
                    number = 7_u64,
                    flag = true,
                    rate = 0.25,
                    "charged {} by {}",
                    12,
                    "ann@example.com"
                );
                core_log::warn!(logger: logger, password = "x", took_ms = 12.5, error = &error as &dyn StdError, "failed");
            };
            // The queue keeps what memory it took.
            for _ in 0..if queue.is_some() { 2 } else { 0 } {
                (0..1_000).for_each(|_| line());
                assert!(handle.flush(Duration::from_secs(30)));
            }
            line();
            // The text of the second is made anew once a second, and the thread of a queue may begin to wait: one of the rounds is
            // without, unless lines allocate.
            let round = || allocation_counter::measure(|| (0..100).for_each(|_| line())).count_total;
            let least = (0..10).map(|_| round()).min();
            assert_eq!(least, Some(0), "{format}");
            let disabled = allocation_counter::measure(|| tracing::debug!(text = %"x", "not written"));
            assert_eq!(disabled.count_total, 0);
            drop((inner, outer));
        });
    }
}
