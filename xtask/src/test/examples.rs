//! The examples of the crates: all are built, and each is run to its end within [`LIMIT`].
//!
//! An example that serves until it is stopped says `//! xtask: build-only` among its first lines.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use cargo_metadata::{Message, TargetKind};
use core_time::{Clock, secs};

use crate::failure::Failure;
use crate::{out, process, workspace};

/// The longest an example may take. An example is for reading: one that needs a minute shows too much.
const LIMIT: Duration = secs(60);

/// How much of the output of a failed example is shown. The rest is in its log.
const LINES_MAX: usize = 40;

/// An example that was built.
#[derive(Debug, PartialEq, Eq)]
struct Example {
    name: String,
    source: PathBuf,
    program: PathBuf,
}

/// What its first lines ask us to do with an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Run,
    BuildOnly,
}

/// Builds all examples and runs them one after the other.
///
/// # Errors
/// One does not build, fails, takes too long, or shares its name with another.
pub(super) fn run() -> Result<(), Failure> {
    let examples = build()?;
    distinct(&examples)?;
    let logs = workspace::target().join("xtask").join("examples");
    fs::create_dir_all(&logs)
        .map_err(|e| Failure::new(format!("{} could not be made: {e}", logs.display())))?;
    let clock = Clock::system();
    let fails = |example: &&Example| !passes(example, &logs, &clock);
    let failed: Vec<_> = examples.iter().filter(fails).map(|example| example.name.as_str()).collect();
    if failed.is_empty() {
        out::line(format_args!("{} examples", examples.len()));
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} of {} examples failed: {}",
        failed.len(),
        examples.len(),
        failed.join(", ")
    )))
}

fn build() -> Result<Vec<Example>, Failure> {
    let mut command = process::cargo(&["build", "--workspace", "--all-features", "--examples"]);
    out::line(format_args!("$ {}", process::show(&command)));
    let messages = process::read(command.arg("--message-format=json-render-diagnostics"))?;
    let mut examples: Vec<_> = built(&messages).collect();
    examples.sort_by(|a, b| a.source.cmp(&b.source));
    Ok(examples)
}

/// The examples among what cargo says it has built.
fn built(messages: &str) -> impl Iterator<Item = Example> {
    let messages = Message::parse_stream(BufReader::new(messages.as_bytes()));
    messages.filter_map(|message| match message {
        Ok(Message::CompilerArtifact(artifact)) if artifact.target.is_kind(TargetKind::Example) => {
            Some(Example {
                name: artifact.target.name,
                source: artifact.target.src_path.into(),
                program: artifact.executable?.into(),
            })
        }
        _ => None,
    })
}

/// Cargo writes the examples of all crates to one folder: of two with the same name only one would be run, twice.
fn distinct(examples: &[Example]) -> Result<(), Failure> {
    for (i, one) in examples.iter().enumerate() {
        if let Some(other) = examples[..i].iter().find(|other| other.program == one.program) {
            let (a, b) = (other.source.display(), one.source.display());
            return Err(Failure::new(format!(
                "{a} and {b} have the same name: rename one, cargo keeps only one"
            )));
        }
    }
    Ok(())
}

fn passes(example: &Example, logs: &Path, clock: &Clock) -> bool {
    let start = clock.now();
    let log = logs.join(&example.name).with_extension("log");
    let result = wish_of(example).and_then(|wish| match wish {
        Wish::Run => run_one(example, &log, clock).map(|()| "ok"),
        Wish::BuildOnly => Ok("built"),
    });
    let took = (clock.now() - start).as_secs_f64();
    match result {
        Ok(word) => out::line(format_args!("{:<32}{word:<8}{took:>5.1} s", example.name)),
        Err(failure) => {
            out::line(format_args!("{:<32}FAILED  {took:>5.1} s  {failure}", example.name));
            out::line(format_args!("    all it said: {}\n{}", log.display(), tail(&log)));
            return false;
        }
    }
    true
}

fn run_one(example: &Example, log: &Path, clock: &Clock) -> Result<(), Failure> {
    let unwritten = |e| Failure::new(format!("{} could not be written: {e}", log.display()));
    let output = File::create(log).map_err(unwritten)?;
    let errors = output.try_clone().map_err(unwritten)?;
    let mut command = Command::new(&example.program);
    command.current_dir(workspace::root()).stdin(Stdio::null()).stdout(output).stderr(errors);
    process::run_within(&mut command, LIMIT, clock)
}

fn wish_of(example: &Example) -> Result<Wish, Failure> {
    let source = fs::read_to_string(&example.source);
    let source =
        source.map_err(|e| Failure::new(format!("{} could not be read: {e}", example.source.display())))?;
    wish(&source).map_err(|word| {
        let file = example.source.display();
        Failure::new(format!("{file}: `xtask: {word}` is not known; right would be `xtask: build-only`"))
    })
}

/// The wish in the `//!` lines that the source starts with, or the word that is none.
fn wish(source: &str) -> Result<Wish, &str> {
    let docs = source.lines().map_while(|line| line.trim().strip_prefix("//!"));
    match docs.filter_map(|line| line.trim().strip_prefix("xtask:")).map(str::trim).next() {
        None => Ok(Wish::Run),
        Some("build-only") => Ok(Wish::BuildOnly),
        Some(other) => Err(other),
    }
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().map(|line| format!("    {line}")).collect();
    lines[lines.len().saturating_sub(LINES_MAX)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(source: &str, program: &str) -> Example {
        Example { name: "shown".into(), source: source.into(), program: program.into() }
    }

    #[test]
    fn an_example_runs_unless_its_first_lines_say_otherwise() {
        assert_eq!(wish("//! Shows it.\nfn main() {}\n"), Ok(Wish::Run));
        assert_eq!(wish("//! Serves.\n//! xtask: build-only\n\nfn main() {}\n"), Ok(Wish::BuildOnly));
        assert_eq!(wish("fn main() {}\n//! xtask: build-only\n"), Ok(Wish::Run));
        assert_eq!(wish(""), Ok(Wish::Run));
    }

    #[test]
    fn a_wish_that_nobody_knows_is_refused() {
        assert_eq!(wish("//! xtask: built-only\n"), Err("built-only"));
    }

    #[test]
    fn two_examples_of_one_name_are_refused() {
        let examples = [example("a/examples/x.rs", "target/x"), example("b/examples/x.rs", "target/x")];
        let failure = distinct(&examples).unwrap_err().to_string();
        assert!(failure.starts_with("a/examples/x.rs and b/examples/x.rs have the same name"), "{failure}");
        distinct(&examples[..1]).unwrap();
    }

    #[test]
    fn only_examples_that_can_be_run_are_taken_from_what_was_built() {
        let artifact = |kind: &str, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"p","manifest_path":"/p/Cargo.toml","target":{{"kind":["{kind}"],"crate_types":["bin"],"name":"n","src_path":"/p/n.rs","edition":"2024","doc":false,"doctest":false,"test":false}},"profile":{{"opt_level":"0","debuginfo":0,"debug_assertions":true,"overflow_checks":true,"test":false}},"features":[],"filenames":[],"executable":{executable},"fresh":true}}"#
            )
        };
        let said =
            [artifact("bin", r#""/t/b""#), artifact("example", r#""/t/n""#), artifact("example", "null")];
        let found: Vec<_> = built(&said.join("\n")).collect();
        assert_eq!(found, [Example { name: "n".into(), source: "/p/n.rs".into(), program: "/t/n".into() }]);
    }
}
