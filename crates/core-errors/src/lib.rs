//! The vocabulary of failure: what failed, whose fault it is, and whether trying again helps.
