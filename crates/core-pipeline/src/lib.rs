//! All policies around one dependency, in the canonical order, checked when built.
