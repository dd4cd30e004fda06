//! What a line costs. Alone in its file: the counter sees every allocation of the process.

use core_context::Context;
use core_log::{Format, Log, Sink};
use tracing_subscriber::layer::SubscriberExt;

#[test]
fn a_line_does_not_allocate_once_its_thread_has_written_a_few() {
    for format in [Format::Json, Format::Console] {
        let sink = Sink::new(|_: &[u8]| Ok(()));
        let (layer, _) =
            Log::builder().lookup(|_| None).format(format).sink(sink).layer().expect("it is right");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let context = Context::builder().request("GET", "/").user("u").build();
            let _entered = context.enter();
            let outer = tracing::info_span!("outer", order = "A-1", amount = 12).entered();
            let inner = tracing::info_span!("inner", step = 3, host = "db").entered();
            let line = || {
                tracing::info!(
                    text = "some text",
                    number = 7_u64,
                    flag = true,
                    rate = 0.25,
                    "charged {}",
                    12
                );
            };
            line();
            let counted = allocation_counter::measure(|| (0..100).for_each(|_| line()));
            // The text of the second is made anew once a second; nothing else may allocate.
            assert!(counted.count_total <= 8, "{format}: {counted:?}");
            let disabled = allocation_counter::measure(|| tracing::debug!(text = %"x", "not written"));
            assert_eq!(disabled.count_total, 0);
            drop((inner, outer));
        });
    }
}
