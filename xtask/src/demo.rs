//! `demo`: three real processes over loopback, one of which fails by a script, and what that does to its callers.

mod processes;
mod show;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use core_time::{Clock, ms, secs};
use serde_json::Value;

use self::processes::{Message, Processes};
use crate::failure::Failure;
use crate::{out, process, workspace};

/// Shows a service that keeps answering while the service it depends on fails
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long the run takes
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(5..=3_600))]
    seconds: u32,
    /// Requests a second, on each of the two routes
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    rate: u32,
    /// What goes wrong: `standard`, `outage`, `brownout`, or a file (see demo/scenarios)
    #[arg(long, default_value = "standard")]
    scenario: PathBuf,
    /// The port of orders; payments takes the next one
    #[arg(long, default_value_t = 7300, value_parser = clap::value_parser!(u16).range(1..=65_534))]
    port: u16,
    /// Print the result as one JSON object on the last line as well
    #[arg(long)]
    json: bool,
    /// Leave orders and payments running afterwards, to look at with curl
    #[arg(long)]
    keep: bool,
    /// Fail if a promise of the standard scenario was not kept
    #[arg(long)]
    check: bool,
}

impl Args {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let (orders, payments) = (loopback(self.port), loopback(self.port + 1));
        let scenario = self.scenario()?;
        for address in [orders, payments] {
            is_free(address)?;
        }
        let mut build =
            process::cargo(&["build", "--quiet", "--release", "--package", "demo", "--target-dir"]);
        process::run(build.arg(workspace::target()))?;

        let (tell, told) = channel();
        let interrupted = tell.clone();
        ctrlc::set_handler(move || drop(interrupted.send(Message::Interrupted)))
            .map_err(|e| Failure::new(format!("Ctrl-C could not be caught: {e}")))?;
        let mut processes = Processes::start(self, &scenario, orders, payments, &tell)?;
        processes.wait_until_ready(&told)?;
        processes.say_to_all("start");
        let report = self.follow(&mut processes, &told)?;
        show::table(&report);
        let promises = show::promises(&report);
        if self.json {
            out::line(&report);
        }
        if self.keep {
            keep(orders, &told);
        }
        processes.stop();
        if self.check && !promises {
            Err(Failure::new("a promise of the standard scenario was not kept"))
        } else {
            Ok(())
        }
    }

    /// A name stays a name; a file is made absolute, because the processes have a folder of their own.
    fn scenario(&self) -> Result<PathBuf, Failure> {
        if !self.scenario.exists() {
            return Ok(self.scenario.clone());
        }
        let given = self.scenario.display();
        self.scenario
            .canonicalize()
            .map_err(|e| Failure::usage(format!("the scenario {given} cannot be read: {e}")))
    }

    /// Shows how it goes until the report is there.
    fn follow(&self, processes: &mut Processes, told: &Receiver<Message>) -> Result<Value, Failure> {
        let clock = Clock::system();
        let deadline = clock.now() + secs(u64::from(self.seconds) + 30);
        let mut progress = show::Progress::new(self.seconds);
        loop {
            match told.recv_timeout(deadline - clock.now()) {
                Ok(Message::Line(value)) if value.get("phases").is_some() => {
                    progress.end();
                    return Ok(value);
                }
                Ok(Message::Line(value)) => progress.show(&value),
                Ok(Message::Interrupted) => {
                    progress.end();
                    out::note("stopping; what was measured comes next (Ctrl-C again ends at once)");
                    if !processes.say_to_load("stop") {
                        return Err(Failure::new("interrupted"));
                    }
                }
                Ok(Message::Ready(_)) => {}
                Ok(Message::Ended(name)) => {
                    progress.end();
                    return Err(processes::ended_early(name));
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(Failure::new(format!("no result {} s after the start", self.seconds + 30)));
                }
            }
        }
    }
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn is_free(address: SocketAddr) -> Result<(), Failure> {
    TcpListener::bind(address).map(drop).map_err(|e| {
        let port = address.port();
        Failure::new(format!(
            "port {port} cannot be had ({e}): stop what listens there, or choose others with --port"
        ))
    })
}

fn keep(orders: SocketAddr, told: &Receiver<Message>) {
    out::line(format_args!(
        "\norders and payments go on until Ctrl-C; look at them from another terminal:\n  \
         curl -i -X POST http://{orders}/charge\n  curl -i -X POST http://{orders}/charge-plain\n  \
         curl -s http://{orders}/health\n  curl -s http://{orders}/stats"
    ));
    loop {
        match told.recv_timeout(ms(60_000)) {
            Ok(Message::Interrupted | Message::Ended("orders" | "payments"))
            | Err(RecvTimeoutError::Disconnected) => return,
            _ => {}
        }
    }
}

/// Where the processes log to.
fn log_file(name: &str) -> PathBuf {
    workspace::target().join("demo").join(format!("{name}.log"))
}
