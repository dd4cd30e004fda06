//! An error as text.

use std::fmt;

use crate::Error;
use crate::foreign::Shown;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if f.alternate() {
            let mut said = self.0.message.to_string();
            for cause in self.causes() {
                let text = Shown(cause).to_string();
                // Many errors already print their cause; saying it twice helps nobody.
                if !said.ends_with(&text) {
                    write!(f, ": {text}")?;
                }
                said = text;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] ", self.0.category)?;
        if let Some(code) = self.0.code {
            write!(f, "{code} ")?;
        }
        if let Some(operation) = self.operation() {
            write!(f, "{operation}: ")?;
        }
        write!(f, "{self:#}")?;
        if let Some(internal) = self.internal_message() {
            write!(f, " ({internal})")?;
        }
        for fact in &self.0.metadata {
            write!(f, " {}={:?}", fact.key, fact.shown())?;
        }
        if let Some(context) = &self.0.context {
            write!(f, " correlation_id={}", context.correlation_id())?;
        }
        write!(f, " at {}", self.0.location)?;
        match self.backtrace() {
            // On lines of its own, and only where the long form is asked for: looking symbols up is slow.
            Some(backtrace) if f.alternate() => write!(f, "\n{backtrace}"),
            _ => Ok(()),
        }
    }
}
