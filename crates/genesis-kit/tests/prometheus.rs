//! A real Prometheus scrapes a service. Skipped where it is not installed, and says so; `GENESIS_NEED_PROMTOOL=1` makes that a failure.

use std::borrow::Cow;
use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use genesis_kit::context::w3c::TraceContext;
use genesis_kit::health::{CheckOutcome, check_fn};
use genesis_kit::limit::{Adaptive, Executor, SlidingWindow, Throttle};
use genesis_kit::metrics::{
    Counter, Desc, Family, FloatCounter, Histogram, LabelValue, RangeGauge, Registry,
};
use genesis_kit::policy::Keyed;
use genesis_kit::prelude::*;
use genesis_kit::timeout::{Profile, Standard};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ORDERS: Desc<Counter> = Desc::counter("orders_total", "Orders that\n\"came\" in.");

/// A process that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

genesis_kit::metrics::labels! {
    /// Whatever a user wrote.
    struct Hostile { said: Said, when: Option<u8> }
}

/// Any text at all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Said(&'static str);

impl LabelValue for Said {
    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }
}

const SAID: [&str; 9] = [
    "\"} 1\nforged_total 666\n",
    "\\",
    "\\n is not \n",
    "# EOF\n",
    "\0 \r \u{b} \u{7f} \u{85} \u{2028}",
    "le=\"+Inf\"",
    "ümlaut, 漢字 and 🦀",
    " # {trace_id=\"1\"} 1 ",
    " ",
];

/// What a service shows that is asked by users who mean harm.
fn hostile(registry: &Registry) {
    let counters: Family<Counter, Hostile> =
        registry.family(&Desc::counter("hostile_total", SAID[0])).expect("a metric");
    let histograms: Family<Histogram, Hostile> =
        registry.family(&Desc::histogram("hostile_seconds", SAID[4]).exemplars()).expect("a metric");
    Context::builder().trace(TraceContext::generate(true)).build().sync_scope(|| {
        for (n, said) in (1..).zip(SAID) {
            counters.with(&Hostile { said: Said(said), when: None }).add(n);
            histograms.with(&Hostile { said: Said(said), when: Some(1) }).observe(0.3);
        }
    });
    let floats =
        registry.register(&Desc::<FloatCounter>::float_counter("tiny_total", "\\")).expect("a metric");
    floats.add(5e-324);
    let range = registry.register(&Desc::<RangeGauge>::range("range", "\"")).expect("a metric");
    range.set(i64::MIN);
}

#[tokio::test]
async fn a_real_prometheus_takes_what_a_service_shows_in_either_form() {
    let breaker = Breaker::consecutive(3).name("payments").build().unwrap();
    let kit = Kit::builder("scraped").without_log().breaker(&breaker).build().unwrap();
    kit.metrics().register(&ORDERS).unwrap().add(42);
    kit.tracker().start("checkout", "order-17").finish();
    hostile(kit.metrics());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    // Prometheus asks for OpenMetrics; the second route answers in the classic form, whatever it asks for.
    let registry = kit.metrics().clone();
    let classic = move || {
        let response = registry.respond(None);
        std::future::ready(([("content-type", response.content_type)], response.body))
    };
    let router: axum::Router = kit.metrics_router().route("/classic", axum::routing::get(classic));
    let serving = genesis_kit::context::spawn(async move { axum::serve(listener, router).await });

    let folder = std::env::temp_dir().join(format!("genesis-prometheus-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let config = folder.join("prometheus.yml");
    let job = |name: &str, path: &str| {
        format!(
            "  - job_name: {name}\n    metrics_path: {path}\n    static_configs: [{{targets: ['{target}']}}]\n"
        )
    };
    let (open, classic) = (job("open", "/metrics"), job("classic", "/classic"));
    let text = "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\nscrape_configs:\n";
    fs::write(&config, format!("{text}{open}{classic}")).unwrap();
    // A port that is free now.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let started = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .arg(format!("--web.listen-address={free}"))
        .arg("--enable-feature=exemplar-storage")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let server = match started {
        Ok(child) => Server(child),
        Err(error) => {
            fs::remove_dir_all(&folder).unwrap();
            assert!(
                std::env::var_os("GENESIS_NEED_PROMTOOL").is_none(),
                "prometheus does not start: {error}"
            );
            println!("SKIPPED: prometheus does not start ({error}); it is in Debian's package of that name");
            return;
        }
    };
    let clock = Clock::system();
    let until = clock.now() + secs(60);
    let shown = loop {
        let shown = ask(&free, "count(orders_total==42)").await.unwrap_or_default();
        if value(&shown).as_deref() == Some("2") || clock.now() > until {
            break shown;
        }
        clock.sleep(ms(100)).await;
    };
    assert_eq!(value(&shown).as_deref(), Some("2"), "within a minute: {shown}");
    for (query, expected) in [
        ("count(up==1)", "2"),
        ("count(circuit_breaker_state{state=\"closed\",name=\"payments\"}==1)", "2"),
        ("count(execution_seconds_count==1)", "2"),
        ("count(process_open_fds>0)", "2"),
        ("count(build_info==1)", "2"),
        ("count(target_info==1)", "2"),
        // Every value is a series of its own, and none of them says more than itself.
        ("count(hostile_total)", "18"),
        ("sum(hostile_total)", "90"),
        ("count(hostile_seconds_bucket{le=\"+Inf\"}==1)", "18"),
        ("sum(hostile_seconds_count)", "18"),
        ("count(hostile_seconds_bucket{le=\"0.5\"}==1)", "18"),
        ("count(tiny_total)", "2"),
        ("count(range_min==-9223372036854775808)", "2"),
        ("count(forged_total) or vector(0)", "0"),
        ("count({__name__=~\".+\",job=\"open\"}) - count({__name__=~\".+\",job=\"classic\"})", "0"),
    ] {
        let shown = ask(&free, query).await.unwrap();
        assert_eq!(value(&shown).as_deref(), Some(expected), "{query}: {shown}");
    }
    let shown = json(&ask(&free, "hostile_total{job=\"open\"}").await.unwrap());
    let mut said: Vec<_> = shown["data"]["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| of["metric"]["said"].as_str().unwrap())
        .collect();
    let mut expected = SAID;
    said.sort_unstable();
    expected.sort_unstable();
    assert_eq!(said, expected, "every text comes out as it went in");
    let shown = get(&free, "/api/v1/query_exemplars?query=hostile_seconds_bucket&start=0&end=99999999999")
        .await
        .unwrap();
    let exemplars = json(&shown);
    assert_eq!(exemplars["data"].as_array().map(Vec::len), Some(SAID.len()), "{shown}");
    drop(server);
    serving.abort();
    fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(start_paused = true)]
async fn promtool_finds_nothing_to_say_of_all_that_the_kit_shows() {
    let payments = Pipeline::named("payments")
        .deadline(secs(2))
        .retry(Retry::fixed(ms(1)).attempts(2).budget(&Budget::default()))
        .breaker(Breaker::consecutive(2))
        .limit(Rate::per_second(500).burst(50))
        .bulkhead(64)
        .attempt_timeout(ms(300))
        .build()
        .unwrap();
    let look = || std::future::ready(CheckOutcome::healthy());
    let kit = Kit::builder("scraped")
        .without_log()
        .pipeline(&payments)
        .hedged(
            &Pipeline::named("search")
                .bulkhead(4)
                .build()
                .unwrap()
                .hedged(Hedge::after(ms(10)).budget(&Budget::default()))
                .unwrap(),
        )
        .health(|health| health.dependency(check_fn("db", look)))
        .watch(&Adaptive::gradient().name("search").build().unwrap())
        .watch(&Throttle::builder().name("search").build().unwrap())
        .watch(&SlidingWindow::per(3, secs(60)).name("search").build().unwrap())
        .watch(&Executor::cpu().threads(1).build().unwrap())
        .watch(&Rate::per_second(1).keyed(Keyed::max(10)).build::<u32>().unwrap())
        .watch(&Arc::new(Breaker::consecutive(1).build().unwrap().keyed::<u32>(Keyed::max(10)).unwrap()))
        .watch(&Arc::new(payments.keyed::<u32>(Keyed::max(10)).unwrap()))
        .build()
        .unwrap();
    let _timeouts = Timeouts::new(Profile::<Standard>::standard()).unwrap();
    kit.tracker().start("checkout", "order-17").finish();
    let text = kit.metrics().respond(None).body;
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
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}\nof\n{text}", String::from_utf8_lossy(&said));
}

/// What Prometheus answers to a query.
async fn ask(address: &SocketAddr, query: &str) -> std::io::Result<String> {
    let mut escaped = String::new();
    for byte in query.bytes() {
        // Writing into a text cannot fail.
        let _ = write!(escaped, "%{byte:02X}");
    }
    get(address, &format!("/api/v1/query?query={escaped}")).await
}

async fn get(address: &SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// The value of the only series in an answer.
fn value(answer: &str) -> Option<String> {
    Some(json(answer)["data"]["result"][0]["value"][1].as_str()?.to_owned())
}

fn json(answer: &str) -> serde_json::Value {
    answer.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok()).unwrap_or_default()
}
