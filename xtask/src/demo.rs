//! `demo`: three real processes over loopback, one of which fails by a script, and what that does to its callers.

mod processes;
mod promises;
#[expect(
    dead_code,
    reason = "it is the demo that plays scenarios; what is bad in one is said before anything is built"
)]
#[path = "../../demo/src/scenario.rs"]
mod scenario;
mod show;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use core_time::{Clock, ms, secs};
use serde_json::Value;

use self::processes::{Message, Processes};
use self::promises::Promise;
use self::scenario::Scenario;
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
        if self.check && !self.is_standard() {
            return Err(Failure::usage(
                "`--check` is about the promises of the standard scenario, and this is another",
            ));
        }
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
        let promises = if self.is_standard() { promises::of(&report) } else { Vec::new() };
        promises.iter().for_each(out::line);
        if self.json {
            // The last line of the standard output, also with `--keep`.
            out::line(&report);
        }
        if self.keep {
            keep(orders, &told);
        }
        processes.stop();
        if self.check && promises.iter().any(Promise::is_broken) {
            Err(Failure::new("a promise of the standard scenario was not kept"))
        } else {
            Ok(())
        }
    }

    fn is_standard(&self) -> bool {
        self.scenario == Path::new("standard")
    }

    /// A name stays a name; a file is made absolute, because the processes have a folder of their own. Either is read here
    /// first: what is wrong in it is known before anything is built.
    fn scenario(&self) -> Result<PathBuf, Failure> {
        Scenario::load(&self.scenario, secs(self.seconds.into())).map_err(Failure::usage)?;
        Ok(self.scenario.canonicalize().unwrap_or_else(|_| self.scenario.clone()))
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
    out::note(format_args!(
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

#[cfg(test)]
mod tests {
    use super::*;

    fn args(scenario: &Path) -> Args {
        let scenario = scenario.to_owned();
        Args { seconds: 30, rate: 200, scenario, port: 7300, json: false, keep: false, check: false }
    }

    #[test]
    fn a_bad_scenario_is_bad_usage_before_anything_is_built() {
        let folder = std::env::temp_dir().join(format!("genesis-demo-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("bad.txt");
        for (text, says) in [("a 1 burn", "`hang` or `dead`"), ("", "1 to 32 phases")] {
            std::fs::write(&file, text).unwrap();
            let failure = args(&file).run().unwrap_err();
            assert!(failure.to_string().contains(says), "{failure}");
            assert_eq!(failure.exit_code(), std::process::ExitCode::from(2));
        }
        std::fs::remove_dir_all(&folder).unwrap();
        let unknown = args(Path::new("no-such")).run().unwrap_err();
        assert!(unknown.to_string().contains("there are: standard, outage, brownout"), "{unknown}");
        assert_eq!(unknown.exit_code(), std::process::ExitCode::from(2));
    }

    #[test]
    fn only_the_standard_scenario_has_promises_to_check() {
        let failure = Args { check: true, ..args(Path::new("outage")) }.run().unwrap_err();
        assert_eq!(failure.exit_code(), std::process::ExitCode::from(2));
    }
}
