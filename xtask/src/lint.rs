//! `cargo xtask lint`: everything that can be said about the code without running it.

use std::process::Command;

use clap::ValueEnum;

use crate::failure::Failure;
use crate::steps::{self, Step};
use crate::{layers, named, out, process, tools, workspace};

/// Check format, lints, docs, licences and layers.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run only this step (may be given more than once).
    #[arg(long, value_enum, value_name = "STEP")]
    only: Vec<Part>,
    /// Let cargo-deny look for known vulnerabilities as well, which needs the network.
    #[arg(long)]
    advisories: bool,
}

/// The steps, in the order they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The format.
    Fmt,
    /// Lints with all features.
    Clippy,
    /// Lints with default features.
    ClippyDefault,
    /// The docs, with warnings denied.
    Docs,
    /// Licences, banned crates and sources, by cargo-deny.
    Deny,
    /// Who leans on whom.
    Layers,
    /// Each rule has a test named after it, and each test that is named is there.
    Rules,
    /// Each crate alone, without what the others turn on.
    Features,
}

// === impl Args ===

impl Args {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        if self.advisories && !self.has(Part::Deny) {
            return Err(Failure::usage("`--advisories` is for the step `deny`, which `--only` leaves out"));
        }
        let parts = Part::value_variants().iter().copied().filter(|part| self.has(*part));
        steps::run("lint", parts.map(|part| self.step(part)))
    }

    fn has(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    fn step(&self, part: Part) -> Step<'_> {
        match part {
            Part::Fmt => step("fmt", "the format is rustfmt's, also of the comparison", fmt),
            Part::Clippy => step("clippy", "no lint fires with all features", || clippy(&["--all-features"])),
            Part::ClippyDefault => {
                step("clippy-default", "no lint fires with default features", || clippy(&[]))
            }
            Part::Docs => step("docs", "the docs build without a warning", || process::run(&mut docs())),
            Part::Deny => {
                step("deny", "licences, crates and sources are those of deny.toml", || deny(self.advisories))
            }
            Part::Layers => step("layers", "crates lean only on layers below", layers::check_own),
            Part::Rules => step("rules", "each rule has a test named after it", named::check),
            Part::Features => step("features", "each crate stands alone with its default features", alone),
        }
    }
}

fn step<'a>(
    name: &'static str,
    about: &'static str,
    run: impl FnOnce() -> Result<(), Failure> + 'a,
) -> Step<'a> {
    Step { name, about, run: Box::new(run) }
}

/// The comparison is a workspace of its own, whose peers nobody wants to build here; its format costs nothing to look at.
fn fmt() -> Result<(), Failure> {
    process::run(&mut process::cargo(&["fmt", "--all", "--check"]))?;
    process::run(&mut process::cargo(&["fmt", "--manifest-path", "benches/Cargo.toml", "--check"]))
}

fn clippy(features: &[&str]) -> Result<(), Failure> {
    let mut command = process::cargo(&["clippy", "--workspace", "--all-targets"]);
    process::run(command.args(features).args(["--", "-D", "warnings"]))
}

fn docs() -> Command {
    let mut command = process::cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
    let flags = std::env::var("RUSTDOCFLAGS").unwrap_or_default();
    command.env("RUSTDOCFLAGS", format!("{flags} -Dwarnings").trim_start());
    command
}

fn deny(advisories: bool) -> Result<(), Failure> {
    let mut command = Command::new(tools::DENY.ensure()?);
    command.current_dir(workspace::root()).args(["check", "licenses", "bans", "sources"]);
    if advisories {
        command.arg("advisories");
    }
    process::run(&mut command)
}

/// Builds every member by itself: in a build of the whole workspace a crate gets the features that others ask for, and
/// does not notice that it forgot to ask. Clippy, because it is `cargo check` that also denies the warnings.
fn alone() -> Result<(), Failure> {
    let metadata = workspace::own()?;
    let mut names: Vec<_> =
        metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    names.sort_unstable();
    let fails = |name: &&str| {
        let checked = process::run(&mut process::cargo(&["clippy", "-p", name, "--", "-D", "warnings"]));
        checked.inspect_err(|failure| out::line(format_args!("--- {failure}"))).is_err()
    };
    let failed: Vec<_> = names.into_iter().filter(fails).collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("not clean alone, with default features: {}", failed.join(", "))))
}
