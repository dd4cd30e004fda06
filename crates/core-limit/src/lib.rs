//! Rate limits and bulkheads that decide in nanoseconds.
