//! Prometheus itself reads what a service shows: `promtool` checks the text, and a server scrapes it.
//!
//! Where it is not installed, Debian's package is unpacked under `target/tools`, so that nothing outside the repository changes.
//! Without a network, or on another system, the part is skipped and says so.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use core_time::{Clock, secs};

use crate::failure::Failure;
use crate::{out, process, tools, workspace};

/// The longest that each step of the download may take. The package has 19 MB.
const LIMIT: Duration = secs(120);

const PROGRAMS: [&str; 2] = ["promtool", "prometheus"];

/// Runs the tests that need it, so that they fail where they do not find it.
///
/// # Errors
/// A test fails. That there is no Prometheus to be had is none.
pub(super) fn run() -> Result<(), Failure> {
    let path = match ensure() {
        Ok(path) => path,
        Err(why) => {
            out::line(format_args!(
                "SKIPPED: there is no Prometheus here, and none could be had ({why}); it is in Debian's package `prometheus`"
            ));
            return Ok(());
        }
    };
    let tests = &["test", "--workspace", "--all-features", "--test", "promtool", "--test", "prometheus"];
    let mut command = process::cargo(tests);
    process::run(command.env("GENESIS_NEED_PROMTOOL", "1").env("PATH", path))
}

/// A `PATH` on which the programs are.
fn ensure() -> Result<OsString, Failure> {
    let path = env::var_os("PATH").unwrap_or_default();
    if PROGRAMS.iter().all(|program| tools::runs(Path::new(program))) {
        return Ok(path);
    }
    let folder = workspace::target().join("tools").join("prometheus");
    let bin = folder.join("usr").join("bin");
    if !is_in(&bin) {
        unpack(&folder, &Clock::system())?;
    }
    if !is_in(&bin) {
        return Err(Failure::new(format!("the programs in {} do not run", bin.display())));
    }
    let folders = std::iter::once(bin).chain(env::split_paths(&path));
    env::join_paths(folders).map_err(|e| Failure::new(format!("no PATH could be made: {e}")))
}

fn is_in(bin: &Path) -> bool {
    PROGRAMS.iter().all(|program| tools::runs(&bin.join(program)))
}

/// Fetches the package and unpacks it, which needs no rights and runs nothing of it.
fn unpack(folder: &Path, clock: &Clock) -> Result<(), Failure> {
    let io = |e: std::io::Error| Failure::new(format!("{}: {e}", folder.display()));
    fs::create_dir_all(folder).map_err(io)?;
    out::line(format_args!("Prometheus is missing: unpacking Debian's package to {}", folder.display()));
    let fetch =
        || quietly(Command::new("apt-get").args(["download", "prometheus"]).current_dir(folder), clock);
    // A machine that never asked has no list of packages. Only root may fetch it.
    fetch().or_else(|why| {
        quietly(Command::new("apt-get").arg("update"), clock).map_err(|_| why)?;
        fetch()
    })?;
    let package = package(folder).map_err(io)?;
    let package = package.ok_or_else(|| Failure::new("apt-get has left no package"))?;
    quietly(Command::new("dpkg-deb").arg("-x").args([&package, folder]), clock)?;
    fs::remove_file(&package).map_err(io)
}

fn package(folder: &Path) -> std::io::Result<Option<PathBuf>> {
    let is_package = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "deb");
    let files: Result<Vec<_>, _> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect();
    Ok(files?.into_iter().find(is_package))
}

fn quietly(command: &mut Command, clock: &Clock) -> Result<(), Failure> {
    process::run_within(
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()),
        LIMIT,
        clock,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_are_not_there_are_not_taken_for_installed() {
        assert!(!is_in(Path::new("/no/such/folder")));
    }

    #[test]
    fn a_step_that_fails_is_named() {
        let failure = quietly(Command::new("no-such-apt-get").arg("download"), &Clock::system()).unwrap_err();
        assert!(failure.to_string().contains("`no-such-apt-get download`"), "{failure}");
    }
}
