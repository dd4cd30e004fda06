//! Breakers with names, as the originals have them, for those who would rather not choose numbers.

use std::time::Duration;

use core_time::secs;

use crate::breaker::Breaker;
use crate::config::Builder;

/// What the originals say of a breaker.
struct Preset {
    name: &'static str,
    failures: u32,
    open_for: Duration,
    probes: u32,
    successes: u32,
}

const fn preset(name: &'static str, failures: u32, open_for: u64, probes: u32, successes: u32) -> Preset {
    Preset { name, failures, open_for: secs(open_for), probes, successes }
}

const PRESETS: [Preset; 14] = [
    preset("default", 5, 60, 3, 2),
    preset("aggressive", 3, 30, 2, 1),
    preset("conservative", 10, 180, 5, 3),
    preset("strict", 5, 30, 3, 3),
    preset("rag_api", 3, 60, 3, 2),
    preset("chainlit_ui", 2, 30, 3, 2),
    preset("llm_service", 5, 60, 3, 2),
    preset("vertex_ai", 5, 60, 3, 3),
    preset("supabase", 3, 30, 2, 2),
    preset("external_api", 5, 120, 3, 3),
    preset("database", 10, 30, 3, 2),
    preset("redis_cache", 5, 30, 3, 2),
    preset("voice_stt", 5, 120, 3, 2),
    preset("voice_tts", 3, 60, 3, 2),
];

// === impl Breaker ===

impl Breaker {
    /// The builder of a breaker by its name, as configuration has it; `None` for any other. Whatever it says can be changed
    /// before it is built. All of them trip on failures in a row; the open time grows as
    /// [`open_max`](Builder::open_max) says.
    ///
    /// | name | failures in a row | open for | probes | of which succeed |
    /// |---|---:|---:|---:|---:|
    /// | `default`, `llm_service` | 5 | 60 s | 3 | 2 |
    /// | `aggressive` | 3 | 30 s | 2 | 1 |
    /// | `conservative` | 10 | 180 s | 5 | 3 |
    /// | `strict` | 5 | 30 s | 3 | 3 |
    /// | `rag_api`, `voice_tts` | 3 | 60 s | 3 | 2 |
    /// | `chainlit_ui` | 2 | 30 s | 3 | 2 |
    /// | `vertex_ai` | 5 | 60 s | 3 | 3 |
    /// | `supabase` | 3 | 30 s | 2 | 2 |
    /// | `external_api` | 5 | 120 s | 3 | 3 |
    /// | `database` | 10 | 30 s | 3 | 2 |
    /// | `redis_cache` | 5 | 30 s | 3 | 2 |
    /// | `voice_stt` | 5 | 120 s | 3 | 2 |
    ///
    /// A breaker stops no call: the limits on time that some of these have are those of `Pipeline::preset` in
    /// `core-pipeline`.
    ///
    /// ```
    /// use core_breaker::Breaker;
    ///
    /// let database = Breaker::preset("database").expect("a name of the table").name("orders_db").build()?;
    /// assert!(Breaker::preset("databse").is_none());
    /// # assert_eq!(database.name().as_str(), "orders_db");
    /// # Ok::<_, core_breaker::ConfigError>(())
    /// ```
    #[must_use]
    pub fn preset(name: &str) -> Option<Builder> {
        let Preset { name, failures, open_for, probes, successes } =
            PRESETS.iter().find(|it| it.name == name)?;
        let breaker = Self::consecutive(*failures).open_for(*open_for);
        Some(breaker.probes(*probes).successes(*successes).name(name))
    }

    /// The names that [`preset`](Self::preset) knows.
    pub fn presets() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|preset| preset.name)
    }
}
