//! The variables of the process itself. Each case is a process of its own: this binary again, with another environment.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use genesis_kit::Kit;

/// Says on standard output how a service comes out.
#[test]
#[ignore = "what the other test runs in a process of its own"]
fn child() {
    let said = match Kit::builder("orders").version("1").build() {
        Ok(kit) => format!("set up in {}", kit.identity().environment),
        Err(error) => format!("refused: {error}"),
    };
    println!("<{said}>");
}

fn with(variable: &str, value: &[u8]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child", "--exact", "--ignored", "--nocapture"]);
    let output = command.env(variable, OsStr::from_bytes(value)).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>')).unwrap().0.to_owned()
}

#[test]
fn a_variable_that_is_no_text_is_refused_unless_the_code_says_it() {
    for variable in [
        "GENESIS_ENV",
        "GENESIS_INSTANCE",
        "GENESIS_CORRELATION_ID_HEADER",
        "GENESIS_TRACE_ID_HEADER",
        "GENESIS_LOG_LEVEL",
    ] {
        let said = with(variable, b"a\xffb");
        assert!(said.starts_with("refused") && said.contains(variable), "{said}");
    }
    assert_eq!(with("GENESIS_ENV", b"production"), "set up in production");
    assert_eq!(with("GENESIS_VERSION", b"a\xffb"), "set up in development", "the version is set in code");
}
