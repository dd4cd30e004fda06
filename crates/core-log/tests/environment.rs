//! The variables of the process itself. Each case is a process of its own: this binary again, with another environment.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use core_log::Log;

/// Says on standard output how a log comes out.
#[test]
#[ignore = "what the other tests run in a process of its own"]
fn child() {
    let said = match Log::builder().layer() {
        Ok((_, handle)) => format!("levels {}", handle.levels()),
        Err(error) => format!("refused: {error}"),
    };
    println!("<{said}>");
}

fn with(variable: &str, value: &[u8]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child", "--exact", "--ignored", "--nocapture"]);
    for known in
        ["GENESIS_LOG_LEVEL", "GENESIS_LOG_FORMAT", "GENESIS_SERVICE", "GENESIS_ENV", "GENESIS_VERSION"]
    {
        command.env_remove(known);
    }
    let output = command.env(variable, OsStr::from_bytes(value)).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = text.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>')).unwrap().0;
    said.to_owned()
}

#[test]
fn a_variable_that_is_no_text_is_refused_as_one_that_makes_no_sense_is() {
    for variable in
        ["GENESIS_LOG_LEVEL", "GENESIS_LOG_FORMAT", "GENESIS_SERVICE", "GENESIS_ENV", "GENESIS_VERSION"]
    {
        let said = with(variable, b"deb\xffug");
        assert!(said.starts_with("refused") && said.contains(&format!("{variable} is not UTF-8")), "{said}");
    }
    assert!(with("GENESIS_LOG_LEVEL", b"loud").starts_with("refused"));
}

#[test]
fn a_variable_that_makes_sense_is_taken_and_a_blank_one_is_none() {
    assert_eq!(with("GENESIS_LOG_LEVEL", b"debug"), "levels debug");
    assert_eq!(with("GENESIS_LOG_LEVEL", b"  "), "levels info");
}
