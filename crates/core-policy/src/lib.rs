//! The contract of everything that wraps a call: verdicts, refusals, one driver, one tower adapter.
