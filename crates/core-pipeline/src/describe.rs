use std::fmt;

use core_errors::{Name, PolicyKind};

/// What a pipeline consists of, outermost first: for tests and for the operator's surface (rule PL-4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Description {
    /// The name of the pipeline.
    pub name: Name,
    /// Its policies, outermost first.
    pub layers: Vec<Layer>,
}

/// One policy of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Layer {
    /// Which.
    pub kind: PolicyKind,
    /// How it is set, for people.
    pub text: String,
}

// === impl Description ===

impl Description {
    /// The kinds of its policies, outermost first.
    #[must_use]
    pub fn order(&self) -> Vec<PolicyKind> {
        self.layers.iter().map(|layer| layer.kind).collect()
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.name)?;
        for layer in &self.layers {
            write!(f, " {} ({}) →", layer.kind, layer.text)?;
        }
        f.write_str(" call")
    }
}
