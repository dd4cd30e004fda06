//! `icount <row> <calls>` makes so many calls on a hot path and ends; `icount --list` names the rows.
//!
//! `cargo xtask icount` runs it under callgrind with two numbers of calls: the difference is what the calls took, and
//! whatever the process does once is in neither. Time stands still (a manual clock), because callgrind cannot run the
//! clock of the system, and because then the same instructions run each time.

mod rows;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["--list"] => {
            for (name, _) in rows::all() {
                say(name);
            }
            ExitCode::SUCCESS
        }
        [name, calls] => run(name, calls),
        _ => refuse("usage: icount <row> <calls>, or icount --list"),
    }
}

fn run(name: &str, calls: &str) -> ExitCode {
    let Some((_, make)) = rows::all().into_iter().find(|(row, _)| *row == name) else {
        return refuse(&format!("there is no row {name:?}; `icount --list` names them"));
    };
    let Ok(calls) = calls.parse() else {
        return refuse(&format!("{calls:?} is no number of calls: a whole number from 0 on would be"));
    };
    let mut op = make();
    for _ in 0..calls {
        op();
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "its output is what it is for")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "whoever runs it by hand wants to know")]
fn refuse(text: &str) -> ExitCode {
    eprintln!("error: {text}");
    ExitCode::from(2)
}
