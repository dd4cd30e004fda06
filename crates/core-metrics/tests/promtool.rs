//! Prometheus' own tool takes the text. Skipped where it is not installed, and says so; `GENESIS_NEED_PROMTOOL=1` makes that a failure.

use std::io::Write;
use std::process::{Command, Stdio};

use core_metrics::{
    Counter, Desc, Family, FloatCounter, Format, Gauge, Histogram, MonitoredOperation, RangeGauge, Registry,
};
use core_time::{Clock, ms};

core_metrics::labels! {
    /// Where a request went.
    struct Route { route: &'static str, status: u16 }
}

fn filled() -> Registry {
    let registry = Registry::new();
    let requests: Family<Counter, Route> = registry
        .family(&Desc::counter("http_requests_total", "Requests,\n\"answered\" or \\ not."))
        .expect("a metric");
    requests.with(&Route { route: "a\\b\"c\nd", status: 200 }).inc();
    let duration = Desc::<Histogram>::histogram("http_request_duration_seconds", "How long it took.");
    registry.register(&duration).expect("a metric").observe_duration(ms(40));
    registry
        .register(&Desc::<Gauge>::gauge("room_celsius", "How warm it is."))
        .expect("a metric")
        .set(-2.5e-7);
    let busy =
        Desc::<FloatCounter>::float_counter("worker_busy_seconds_total", "How long workers were busy.");
    registry.register(&busy).expect("a metric").add(1e-7);
    let depth = Desc::<RangeGauge>::range("queue_depth", "Messages that wait.");
    registry.register(&depth).expect("a metric").set(-3);
    MonitoredOperation::new(&registry, "charge", Clock::system()).expect("a metric");
    #[cfg(feature = "process")]
    core_metrics::process::register(&registry);
    registry
}

#[test]
fn promtool_finds_nothing_to_say() {
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            assert!(std::env::var_os("GENESIS_NEED_PROMTOOL").is_none(), "promtool does not start: {error}");
            println!("SKIPPED: promtool does not start ({error}); it is in Debian's package `prometheus`");
            return;
        }
    };
    let text = filled().render(Format::Prometheus);
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.is_empty(), "{said}\nof\n{text}");
}
