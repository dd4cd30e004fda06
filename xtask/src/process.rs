//! Other programs: shown before they run, waited for with a bound where they are not ours to trust.

use std::ffi::OsStr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use core_time::{Clock, ms};

use crate::failure::Failure;
use crate::{out, workspace};

/// How often a bounded process is looked at. Nobody notices 20 ms more, and 50 looks a second cost nothing.
const LOOK_EVERY: Duration = ms(20);

/// The cargo that runs us, in the root of the workspace.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(workspace::root());
    command
}

/// The command as one would type it.
pub(crate) fn show(command: &Command) -> String {
    let program = command.get_program();
    let program = std::path::Path::new(program).file_name().unwrap_or(program);
    let envs = command.get_envs().filter_map(|(key, value)| {
        let value = value?.to_string_lossy();
        Some(format!("{}={}", key.to_string_lossy(), quoted(&value)))
    });
    let words = std::iter::once(program).chain(command.get_args()).map(OsStr::to_string_lossy);
    envs.chain(words.map(|word| quoted(&word))).collect::<Vec<_>>().join(" ")
}

/// Shows the command and runs it to its end; what it prints goes where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    out::line(format_args!("$ {}", show(command)));
    let status = command.status().map_err(|e| not_started(command, &e))?;
    succeeded(command, status)
}

/// Runs the command to its end without showing it: its standard output is all that is on ours.
pub(crate) fn run_quietly(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|e| not_started(command, &e))?;
    succeeded(command, status)
}

/// What the command prints on standard output, when it succeeds. Its errors go where ours go.
pub(crate) fn read(command: &mut Command) -> Result<String, Failure> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|e| not_started(command, &e))?;
    succeeded(command, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What the command prints on standard output, whether or not it succeeds. Its errors go where ours go.
pub(crate) fn said(command: &mut Command) -> Result<String, Failure> {
    out::line(format_args!("$ {}", show(command)));
    let output = command.stderr(Stdio::inherit()).output().map_err(|e| not_started(command, &e))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs the command for at most `limit`, then kills it.
pub(crate) fn run_within(command: &mut Command, limit: Duration, clock: &Clock) -> Result<(), Failure> {
    let mut child = command.spawn().map_err(|e| not_started(command, &e))?;
    match wait(&mut child, limit, clock) {
        Ok(Some(status)) => succeeded(command, status),
        Ok(None) => Err(Failure::new(format!("did not end within {} s and was killed", limit.as_secs()))),
        Err(e) => Err(Failure::new(format!("`{}` could not be waited for: {e}", show(command)))),
    }
}

/// `None` when the child had to be killed.
fn wait(child: &mut Child, limit: Duration, clock: &Clock) -> std::io::Result<Option<ExitStatus>> {
    let deadline = clock.now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if clock.now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        clock.sleep_until_blocking(deadline.min(clock.now() + LOOK_EVERY));
    }
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("`{}` failed ({status})", show(command))))
    }
}

fn not_started(command: &Command, e: &std::io::Error) -> Failure {
    Failure::new(format!("`{}` could not be started: {e}", show(command)))
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=/.:,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

#[cfg(test)]
mod tests {
    use core_time::{ManualClock, secs};

    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/somewhere/bin/cargo");
        command.args(["doc", "--features", "a b"]).env("RUSTDOCFLAGS", "-Dwarnings");
        assert_eq!(show(&command), "RUSTDOCFLAGS=-Dwarnings cargo doc --features 'a b'");
    }

    #[test]
    fn a_process_that_hangs_is_killed_at_its_bound() {
        let time = ManualClock::new();
        // It reads a pipe that nobody writes to, and so would never end.
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let end = wait(&mut child, secs(60), &time.clock()).unwrap();
        assert_eq!(end, None);
        assert_eq!(time.elapsed(), secs(60));
    }

    #[test]
    fn a_process_that_ends_keeps_its_status() {
        let status = |code: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", code]);
            run_within(&mut command, secs(60), &Clock::system())
        };
        status("exit 0").unwrap();
        let failure = status("exit 3").unwrap_err().to_string();
        assert_eq!(failure, "`sh -c 'exit 3'` failed (exit status: 3)");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let failure = read(&mut Command::new("no-such-program")).unwrap_err().to_string();
        assert!(failure.starts_with("`no-such-program` could not be started: "), "{failure}");
    }
}
