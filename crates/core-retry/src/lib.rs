//! Retries with backoff, jitter, a budget and a deadline.
