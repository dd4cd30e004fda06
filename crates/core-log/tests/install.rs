//! The log of the process is installed once. Alone in its file: it changes the whole process.

use core_log::{Format, Log, Sink};

#[test]
fn the_second_installation_is_refused_with_a_way_out() {
    let (sink, lines) = Sink::memory();
    Log::builder().format(Format::Json).sink(sink).install().expect("the first");
    tracing::info!("heard");
    assert_eq!(lines.lines().len(), 1);
    let error = Log::builder().install().expect_err("the second");
    assert!(error.is_installed_already());
    assert!(error.to_string().contains("layer"), "{error}");
}
