use std::fmt;
use std::process::ExitCode;

/// Why a command did not do what was asked: one line that says what failed, where, and what would be right.
#[derive(Debug)]
pub(crate) struct Failure {
    line: String,
    code: u8,
}

// === impl Failure ===

impl Failure {
    /// The work was done, or tried, and did not succeed: exit code 1.
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self { line: line.into(), code: 1 }
    }

    /// What was asked makes no sense: exit code 2, as for an unknown option.
    pub(crate) fn usage(line: impl Into<String>) -> Self {
        Self { line: line.into(), code: 2 }
    }

    /// What the process ends with.
    pub(crate) fn exit_code(&self) -> ExitCode {
        self.code.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Errors of others may span lines; ours are one line, so that the last line of a log says it all.
        let mut words = self.line.split('\n').map(str::trim).filter(|line| !line.is_empty());
        f.write_str(words.next().unwrap_or("failed without a reason"))?;
        words.try_for_each(|line| write!(f, "; {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line() {
        let failure =
            Failure::new("`cargo metadata` failed: error: no such file\n\nCaused by:\n  not there\n");
        assert_eq!(
            failure.to_string(),
            "`cargo metadata` failed: error: no such file; Caused by:; not there"
        );
    }

    #[test]
    fn bad_usage_has_an_exit_code_of_its_own() {
        assert_eq!(Failure::new("x").exit_code(), ExitCode::from(1));
        assert_eq!(Failure::usage("x").exit_code(), ExitCode::from(2));
    }
}
