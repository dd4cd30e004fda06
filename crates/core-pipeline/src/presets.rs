//! Pipelines with names, as the originals have them.

use core_breaker::Breaker;
use core_time::secs;

use crate::builder::Builder;
use crate::pipeline::Pipeline;

/// A breaker's preset, and how many seconds a call of it has.
const PRESETS: [(&str, u64); 4] =
    [("default", 30), ("rag_api", 30), ("chainlit_ui", 10), ("llm_service", 30)];

// === impl Pipeline ===

impl Pipeline {
    /// The builder of a pipeline by its name, as configuration has it; `None` for any other: the breaker of the same name
    /// ([`Breaker::preset`]) around a limit for each call. Whatever it says can be changed before it is built.
    ///
    /// | name | failures in a row | open for | a call has |
    /// |---|---:|---:|---:|
    /// | `default` | 5 | 60 s | 30 s |
    /// | `rag_api` | 3 | 60 s | 30 s |
    /// | `chainlit_ui` | 2 | 30 s | 10 s |
    /// | `llm_service` | 5 | 60 s | 30 s |
    ///
    /// ```
    /// use core_pipeline::Pipeline;
    ///
    /// let answers = Pipeline::preset("llm_service").expect("a name of the table").name("answers").bulkhead(10).build()?;
    /// # assert_eq!(answers.name().as_str(), "answers");
    /// # Ok::<_, core_pipeline::ConfigError>(())
    /// ```
    #[must_use]
    pub fn preset(name: &str) -> Option<Builder> {
        let (name, seconds) = PRESETS.iter().find(|it| it.0 == name)?;
        Some(Self::named(name).breaker(Breaker::preset(name)?).attempt_timeout(secs(*seconds)))
    }
}
