//! A real Prometheus scrapes a service. Skipped where it is not installed, and says so; `GENESIS_NEED_PROMTOOL=1` makes that a failure.

use std::fs;
use std::process::{Child, Command, Stdio};

use genesis_kit::metrics::{Counter, Desc};
use genesis_kit::prelude::*;
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

#[tokio::test]
async fn a_real_prometheus_takes_what_a_service_shows() {
    let breaker = Breaker::consecutive(3).name("payments").build().unwrap();
    let kit = Kit::builder("scraped").without_log().breaker(&breaker).build().unwrap();
    kit.metrics().register(&ORDERS).unwrap().add(42);
    kit.tracker().start("checkout", "order-17").finish();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    let router: axum::Router = kit.metrics_router();
    let serving = genesis_kit::context::spawn(async move { axum::serve(listener, router).await });

    let folder = std::env::temp_dir().join(format!("genesis-prometheus-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let config = folder.join("prometheus.yml");
    let text = "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\nscrape_configs:\n  - job_name: kit\n    static_configs:";
    fs::write(&config, format!("{text} [{{targets: ['{target}']}}]\n")).unwrap();
    // A port that is free now.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let started = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .arg(format!("--web.listen-address={free}"))
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
        let shown = ask(&free.to_string(), "orders_total").await.unwrap_or_default();
        if shown.contains("\"42\"") || clock.now() > until {
            break shown;
        }
        clock.sleep(ms(100)).await;
    };
    assert!(shown.contains("\"42\""), "within a minute: {shown}");
    for (query, value) in [
        ("up", "\"1\""),
        ("circuit_breaker_state%7Bstate=%22closed%22%7D", "payments"),
        ("execution_seconds_count", "\"1\""),
        ("process_open_fds", "process_open_fds"),
    ] {
        let shown = ask(&free.to_string(), query).await.unwrap();
        assert!(shown.contains(value), "{query}: {shown}");
    }
    drop(server);
    serving.abort();
    fs::remove_dir_all(&folder).unwrap();
}

/// What Prometheus answers to a query.
async fn ask(address: &str, query: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request =
        format!("GET /api/v1/query?query={query} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
