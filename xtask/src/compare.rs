//! `compare`: our hot paths beside the peers', measured in one process.

use std::process::Command;

use crate::failure::Failure;
use crate::{process, workspace};

/// Measures our hot paths and the peers' in one process
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object and nothing else on standard output
    #[arg(long)]
    json: bool,
    /// Samples of each loop; the median is reported
    #[arg(long, value_parser = clap::value_parser!(u32).range(3..=10_001))]
    samples: Option<u32>,
    /// Fail if a budget was missed, a peer is faster, we allocate, or nothing was measured
    #[arg(long)]
    check: bool,
    /// Only rows whose name contains this
    filter: Option<String>,
}

impl Args {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let mut command = self.command();
        if self.json { process::run_quietly(&mut command) } else { process::run(&mut command) }
    }

    fn command(&self) -> Command {
        // A workspace of its own, so that ordinary builds never compile the peers; the folder for builds is shared.
        let manifest = workspace::root().join("benches").join("Cargo.toml");
        let mut command = process::cargo(&["run", "--quiet", "--release", "--manifest-path"]);
        command.arg(manifest).arg("--target-dir").arg(workspace::target().join("compare")).arg("--");
        if self.json {
            command.arg("--json");
        }
        if let Some(samples) = self.samples {
            command.arg("--samples").arg(samples.to_string());
        }
        if self.check {
            command.arg("--check");
        }
        command.args(&self.filter);
        command
    }
}
