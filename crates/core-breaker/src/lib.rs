//! A circuit breaker that cannot wedge: windows, generations and leased probes.
