//! The three processes: started together, told what to do, and never left behind.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender};
use std::thread;

use core_time::{Clock, ms, secs};
use serde_json::Value;

use super::{Args, log_file};
use crate::failure::Failure;
use crate::{out, workspace};

/// What the processes, and the person at the keyboard, have to say.
pub(crate) enum Message {
    /// A process listens, or is ready to send.
    Ready(&'static str),
    /// The load generator printed an object.
    Line(Value),
    /// A process ended.
    Ended(&'static str),
    /// Ctrl-C.
    Interrupted,
}

/// The processes. Dropping it ends them.
pub(crate) struct Processes(Vec<(&'static str, Child)>);

// === impl Processes ===

impl Processes {
    pub(crate) fn start(
        args: &Args,
        scenario: &Path,
        orders: SocketAddr,
        payments: SocketAddr,
        tell: &Sender<Message>,
    ) -> Result<Self, Failure> {
        let (orders, payments) = (orders.to_string(), payments.to_string());
        let rate = args.rate.to_string();
        let mut processes = Self(Vec::new());
        for (name, own) in [
            ("payments", vec!["--listen", &payments]),
            ("orders", vec!["--listen", &orders, "--upstream", &payments]),
            ("load", vec!["--target", &orders, "--rate", &rate]),
        ] {
            let mut command = Command::new(workspace::target().join("release").join("demo"));
            command.arg(name).args(own).arg("--scenario").arg(scenario);
            command.arg("--seconds").arg(args.seconds.to_string());
            processes.0.push((name, spawn(name, &mut command, tell.clone())?));
        }
        Ok(processes)
    }

    pub(crate) fn wait_until_ready(&self, told: &Receiver<Message>) -> Result<(), Failure> {
        let mut missing: Vec<_> = self.0.iter().map(|(name, _)| *name).collect();
        while !missing.is_empty() {
            match told.recv_timeout(secs(20)) {
                Ok(Message::Ready(name)) => missing.retain(|m| *m != name),
                Ok(Message::Ended(name)) => return Err(ended_early(name)),
                Ok(Message::Interrupted) => return Err(Failure::new("interrupted before the start")),
                Ok(Message::Line(_)) => {}
                Err(_) => return Err(Failure::new(format!("not ready within 20 s: {}", missing.join(", ")))),
            }
        }
        Ok(())
    }

    pub(crate) fn say_to_all(&mut self, word: &str) {
        for (_, child) in &mut self.0 {
            say(child, word);
        }
    }

    /// Whether it was said now: the second time it has been said already.
    pub(crate) fn say_to_load(&mut self, word: &str) -> bool {
        let load = self.0.iter_mut().find(|(name, _)| *name == "load");
        let said = load.is_some_and(|(_, child)| say(child, word));
        if said && let Some((_, load)) = self.0.iter_mut().find(|(name, _)| *name == "load") {
            // Its input ends with that word, so it cannot be said twice.
            load.stdin = None;
        }
        said
    }

    /// Asks all of them to end, and insists after two seconds.
    pub(crate) fn stop(&mut self) {
        let clock = Clock::system();
        for (_, child) in &mut self.0 {
            child.stdin = None;
        }
        let deadline = clock.now() + secs(2);
        for (name, child) in &mut self.0 {
            while matches!(child.try_wait(), Ok(None)) {
                if clock.now() >= deadline {
                    out::note(format_args!("{name} did not end by itself and was killed"));
                    child.kill().ok();
                    child.wait().ok();
                    break;
                }
                clock.sleep_until_blocking(clock.now() + ms(10));
            }
        }
        self.0.clear();
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Why a run cannot go on, in the words of the process that ended.
pub(crate) fn ended_early(name: &str) -> Failure {
    let log = log_file(name);
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    let last = last.trim_start_matches("error: ");
    Failure::new(format!("{name} ended before the run did: {last} (its log is {})", log.display()))
}

fn spawn(name: &'static str, command: &mut Command, tell: Sender<Message>) -> Result<Child, Failure> {
    let log = log_file(name);
    let failed = |what: &str, e: std::io::Error| Failure::new(format!("{what} of {name}: {e}"));
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder).map_err(|e| failed("the folder for the log", e))?;
    }
    let file = File::create(&log).map_err(|e| failed("the log", e))?;
    // A group of its own: Ctrl-C in the terminal is ours, and the processes are told by their input.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file).process_group(0);
    let mut child = command.spawn().map_err(|e| failed("the process", e))?;
    if let Some(stdout) = child.stdout.take() {
        let listen = move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let message = match serde_json::from_str(&line) {
                    Ok(value) => Message::Line(value),
                    Err(_) => Message::Ready(name),
                };
                if tell.send(message).is_err() {
                    return;
                }
            }
            tell.send(Message::Ended(name)).ok();
        };
        let reader = thread::Builder::new().name(format!("{name}-output"));
        reader.spawn(listen).map_err(|e| failed("the reader", e))?;
    }
    Ok(child)
}

fn say(child: &mut Child, word: &str) -> bool {
    child.stdin.as_mut().is_some_and(|stdin| writeln!(stdin, "{word}").is_ok())
}
