use std::fmt::Write;
use std::time::Duration;

use core_time::Clock;

use crate::failure::Failure;
use crate::out;

/// One named part of a command.
pub(crate) struct Step<'a> {
    /// What `--only` calls it.
    pub(crate) name: &'static str,
    /// What it makes sure of.
    pub(crate) about: &'static str,
    /// Does it.
    pub(crate) run: Box<dyn FnOnce() -> Result<(), Failure> + 'a>,
}

#[derive(Debug)]
struct Done {
    name: &'static str,
    took: Duration,
    failure: Option<Failure>,
}

/// Runs all steps in order, also after one has failed, and says at the end how each came out.
///
/// # Errors
/// One line that names every step that failed.
pub(crate) fn run<'a>(command: &str, steps: impl IntoIterator<Item = Step<'a>>) -> Result<(), Failure> {
    let clock = Clock::system();
    let done: Vec<_> = steps.into_iter().map(|step| run_one(command, step, &clock)).collect();
    out::line(summary(command, &done));
    verdict(command, &done)
}

fn run_one(command: &str, step: Step<'_>, clock: &Clock) -> Done {
    out::line(format_args!("\n=== {command} {}: {} ===", step.name, step.about));
    let start = clock.now();
    let failure = (step.run)().err();
    if let Some(failure) = &failure {
        out::line(format_args!("--- {} failed: {failure}", step.name));
    }
    Done { name: step.name, took: clock.now() - start, failure }
}

fn summary(command: &str, done: &[Done]) -> String {
    let mut text = format!("\n=== {command}: summary ===");
    for Done { name, took, failure } in done {
        let word = if failure.is_some() { "FAILED" } else { "ok" };
        let why = failure.as_ref().map(|why| format!("  {why}")).unwrap_or_default();
        write!(text, "\n{name:<16}{word:<8}{:>7.1} s{why}", took.as_secs_f64()).ok();
    }
    text
}

fn verdict(command: &str, done: &[Done]) -> Result<(), Failure> {
    let failed: Vec<_> = done.iter().filter(|step| step.failure.is_some()).map(|step| step.name).collect();
    match failed.len() {
        0 => Ok(()),
        n => Err(Failure::new(format!("{command}: {n} of {} failed: {}", done.len(), failed.join(", ")))),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn every_step_runs_after_one_has_failed_and_all_failures_are_named() {
        let ran = RefCell::new(Vec::new());
        let step = |name, fails: bool| Step {
            name,
            about: "made up",
            run: Box::new({
                let ran = &ran;
                move || {
                    ran.borrow_mut().push(name);
                    if fails { Err(Failure::new("broken")) } else { Ok(()) }
                }
            }),
        };
        let failure = run("lint", [step("fmt", true), step("docs", false), step("deny", true)]).unwrap_err();
        assert_eq!(*ran.borrow(), ["fmt", "docs", "deny"]);
        assert_eq!(failure.to_string(), "lint: 2 of 3 failed: fmt, deny");
    }

    #[test]
    fn steps_that_pass_make_a_command_that_passes() {
        let step = Step { name: "fmt", about: "made up", run: Box::new(|| Ok(())) };
        run("lint", [step]).unwrap();
    }

    #[test]
    fn the_summary_says_how_long_each_took_and_why_it_failed() {
        let done = [
            Done { name: "fmt", took: Duration::from_millis(400), failure: None },
            Done { name: "clippy", took: Duration::from_secs(12), failure: Some(Failure::new("two lints")) },
        ];
        let expected = "\n=== lint: summary ===\n\
                        fmt             ok          0.4 s\n\
                        clippy          FAILED     12.0 s  two lints";
        assert_eq!(summary("lint", &done), expected);
    }
}
