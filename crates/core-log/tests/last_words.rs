//! The end of a process: what was logged before is in the file. Each case is a process of its own: this binary again.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::path::PathBuf;
use std::process::Command;

use common::{Object, parse};
use core_log::{Format, Log, Queue, Sink};

#[test]
#[ignore = "what the other tests run in a process of its own"]
fn child() {
    let file = std::env::var_os("LAST_WORDS").unwrap();
    let sink = Sink::file(file).unwrap();
    Log::builder().lookup(|_| None).format(Format::Json).sink(sink).queue(Queue::new()).install().unwrap();
    for n in 0..500 {
        tracing::info!(n, "before");
    }
    match std::env::var("LAST_WORDS_HOW").unwrap().as_str() {
        "fatal" => core_log::fatal!(code = 3, path = "/etc/orders.toml", "cannot go on"),
        "abort" => {
            let unwound = std::panic::catch_unwind(|| panic!("on purpose"));
            assert!(unwound.is_err());
            std::process::abort();
        }
        "append" => {
            for n in 0..5_000 {
                tracing::info!(n, pid = std::process::id(), "appended");
            }
            core_log::exit(0);
        }
        other => panic!("{other}"),
    }
}

fn command(how: &str, file: &PathBuf) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("LAST_WORDS", file).env("LAST_WORDS_HOW", how);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command
}

fn file(how: &str) -> PathBuf {
    let file = std::env::temp_dir().join(format!("core-log-{how}-{}", std::process::id()));
    let _ = std::fs::remove_file(&file);
    file
}

fn lines(file: &PathBuf) -> Vec<Object> {
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::remove_file(file).unwrap();
    text.lines().map(parse).collect()
}

#[test]
fn fatal_writes_flushes_and_ends_the_process_with_its_code() {
    let file = file("fatal");
    let status = command("fatal", &file).status().unwrap();
    assert_eq!(status.code(), Some(3));
    let lines = lines(&file);
    assert_eq!(lines.len(), 501);
    assert_eq!([lines[500].text("level"), lines[500].text("message")], ["CRITICAL", "cannot go on"]);
}

#[test]
fn a_panic_flushes_before_anything_else_can_happen() {
    let file = file("abort");
    assert!(!command("abort", &file).status().unwrap().success());
    assert_eq!(lines(&file).len(), 500, "nothing of the process was left to flush after the abort");
}

#[test]
fn processes_that_append_to_one_file_do_not_tear_each_other_s_lines() {
    let file = file("append");
    let children: Vec<_> = (0..4).map(|_| command("append", &file).spawn().unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(lines(&file).len(), 4 * 5_500);
}
