//! Health checks that run in the background and probes that only read.
