//! How the processes are told to start and to stop.

use core_time::{Clock, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::watch;

/// Where the run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Not begun.
    Waiting,
    /// Begun at this moment.
    Started(Instant),
    /// Ended early.
    Stopped,
    /// The process is to end.
    Closed,
}

/// Reads the standard input and says what it asks for. Ctrl-C is left to the process that started us: it says `stop`.
pub(crate) fn listen(clock: Clock) -> watch::Receiver<Signal> {
    let (tell, told) = watch::channel(Signal::Waiting);
    core_context::spawn(async move {
        // The terminal sends Ctrl-C to all processes at once; only the first of them may act on it.
        core_context::spawn(async { while tokio::signal::ctrl_c().await.is_ok() {} });
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            match line.trim() {
                "start" => tell.send_replace(Signal::Started(clock.now())),
                "stop" => tell.send_replace(Signal::Stopped),
                _ => continue,
            };
        }
        tell.send_replace(Signal::Closed);
    });
    told
}

/// Waits for the run to begin; `None` if it never does.
pub(crate) async fn started(told: &mut watch::Receiver<Signal>) -> Option<Instant> {
    let signal = *told.wait_for(|signal| *signal != Signal::Waiting).await.ok()?;
    if let Signal::Started(at) = signal { Some(at) } else { None }
}

/// Waits until the process is to end.
pub(crate) async fn closed(mut told: watch::Receiver<Signal>) {
    // An error means that the reader is gone: then the input has ended, too.
    let _ = told.wait_for(|signal| *signal == Signal::Closed).await;
}

/// A line for whoever started us.
#[expect(clippy::print_stdout, reason = "standard output is how the processes answer")]
pub(crate) fn say(line: &impl std::fmt::Display) {
    println!("{line}");
}

/// Why the process ends.
#[expect(clippy::print_stderr, reason = "standard error is where people look for it")]
pub(crate) fn complain(error: &str) {
    eprintln!("error: {error}");
}
