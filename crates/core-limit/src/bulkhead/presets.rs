//! Bulkheads with names, as the originals size their pools.

use std::time::Duration;

use core_time::secs;

use super::config::Builder;
use super::policy::Bulkhead;

/// Name, slots, and how long a call may wait for one.
const PRESETS: [(&str, u32, Duration); 5] = [
    ("database", 25, secs(30)),
    ("redis", 50, secs(5)),
    ("agent", 10, Duration::ZERO),
    ("agent_database", 5, secs(30)),
    ("agent_redis", 10, secs(5)),
];

// === impl Bulkhead ===

impl Bulkhead {
    /// The builder of a bulkhead by its name, as configuration has it; `None` for any other. Whatever it says can be changed
    /// before it is built.
    ///
    /// | name | slots | a call waits | for |
    /// |---|---:|---:|---|
    /// | `database` | 25 | 30 s | a database: 20 connections and 5 in excess |
    /// | `redis` | 50 | 5 s | a Redis |
    /// | `agent` | 10 | not at all | the requests of one tenant or agent at once |
    /// | `agent_database` | 5 | 30 s | what one agent has of the database |
    /// | `agent_redis` | 10 | 5 s | what one agent has of the Redis |
    ///
    /// As many calls may wait as there are slots. A bulkhead keeps no connections: how many stay open, and for how long, is
    /// told to the pool of the client.
    ///
    /// ```
    /// use core_limit::Bulkhead;
    ///
    /// let database = Bulkhead::preset("database").expect("a name of the table").queue(100).build()?;
    /// # assert_eq!(database.snapshot().max, 25);
    /// # Ok::<_, core_limit::ConfigError>(())
    /// ```
    #[must_use]
    pub fn preset(name: &str) -> Option<Builder> {
        let (name, slots, wait) = PRESETS.iter().find(|it| it.0 == name)?;
        Some(Self::max(*slots).max_wait(*wait).name(name))
    }
}
