use std::fmt;

/// A stable machine-readable name for one kind of error, such as `DB_TIMEOUT`.
///
/// It is checked when it is compiled: upper-case letters, digits and underscores, first a letter, last no underscore,
/// 3 to 63 characters, as `google.rpc.ErrorInfo.reason` has it. It can only be a constant of the program, so it is safe
/// as a metric label.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(&'static str);

// === impl Code ===

impl Code {
    /// Checks `text` and keeps it.
    ///
    /// # Panics
    /// If `text` is not of the form above. In a `const` that is a compile error:
    ///
    /// ```compile_fail
    /// const BAD: core_errors::Code = core_errors::Code::new("db timeout");
    /// ```
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        let bytes = text.as_bytes();
        assert!(bytes.len() >= 3 && bytes.len() <= 63, "a code has 3 to 63 characters");
        assert!(bytes[0].is_ascii_uppercase(), "a code starts with a letter A-Z");
        assert!(bytes[bytes.len() - 1] != b'_', "a code does not end with an underscore");
        let mut at = 0;
        while at < bytes.len() {
            let ok = bytes[at].is_ascii_uppercase() || bytes[at].is_ascii_digit() || bytes[at] == b'_';
            assert!(ok, "a code has only A-Z, 0-9 and underscores");
            at += 1;
        }
        Self(text)
    }

    /// The text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
