//! The main job, in three processes: `payments` fails by a script, `orders` depends on it, `load` drives both routes of
//! `orders` and measures. `cargo xtask demo` starts them.
//!
//! Each process reads its standard input: the line `start` starts its clock, `stop` ends the run early, and the end of
//! input ends the process, so that none outlives the one that started it.

mod control;
mod load;
mod orders;
mod payments;
mod report;
mod scenario;
mod upstream;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::scenario::Scenario;

#[derive(Parser)]
#[command(name = "demo", about = "The processes of `cargo xtask demo`")]
struct Cli {
    #[command(subcommand)]
    process: Process,
}

#[derive(Subcommand)]
enum Process {
    /// The upstream that fails by a script.
    Payments {
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
        #[command(flatten)]
        run: Run,
    },
    /// The service that depends on it.
    Orders {
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
        /// Where payments listens.
        #[arg(long)]
        upstream: SocketAddr,
        #[command(flatten)]
        run: Run,
    },
    /// The open-loop load generator.
    Load {
        /// Where orders listens.
        #[arg(long)]
        target: SocketAddr,
        /// Requests a second, on each of the two routes.
        #[arg(long)]
        rate: u32,
        #[command(flatten)]
        run: Run,
    },
}

/// What all processes agree on.
#[derive(Args)]
struct Run {
    /// The script: a file, or the name of one that comes along.
    #[arg(long, default_value = "standard")]
    scenario: PathBuf,
    /// How long it takes.
    #[arg(long)]
    seconds: u32,
}

impl Run {
    fn scenario(&self) -> Result<Scenario, String> {
        Scenario::load(&self.scenario, core_time::secs(self.seconds.into()))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().process {
        Process::Payments { listen, run } => match run.scenario() {
            Ok(scenario) => payments::run(listen, scenario).await,
            Err(error) => Err(error),
        },
        Process::Orders { listen, upstream, run } => match run.scenario() {
            Ok(scenario) => orders::run(listen, upstream, scenario).await,
            Err(error) => Err(error),
        },
        Process::Load { target, rate, run } => match run.scenario() {
            Ok(scenario) => load::run(target, rate, scenario).await,
            Err(error) => Err(error),
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            control::complain(&error);
            ExitCode::FAILURE
        }
    }
}
