use core_time::secs;

use crate::operation::{Operation, Spec};

/// What a service waits for while it answers a request, with the numbers of the resiliency guide (F94, F96): the same in every profile.
///
/// | operation | limit | variable | in the guide |
/// |---|---|---|---|
/// | `request` | 60 s | `GENESIS_TIMEOUT_REQUEST` | `TOTAL_REQUEST_TIMEOUT` |
/// | `agent_default`, of the request | 30 s | `GENESIS_TIMEOUT_AGENT_DEFAULT` | `AGENT_DEFAULT_TIMEOUT` |
/// | `llm`, of the request | 60 s | `GENESIS_TIMEOUT_LLM` | `LLM_TIMEOUT` |
/// | `database`, of the request | 10 s | `GENESIS_TIMEOUT_DATABASE` | `DATABASE_TIMEOUT` |
/// | `redis`, of the database | 5 s | `GENESIS_TIMEOUT_REDIS` | `REDIS_TIMEOUT` |
///
/// A service that has [`Standard`](crate::Standard) operations as well reads each set
/// [beside](crate::Profile::from_env_beside) the other.
///
/// A request that asks for a time of its own gets it as a child of the whole, and so never more than that:
///
/// ```
/// use core_time::secs;
/// use core_timeout::{Profile, Serving, Timeouts};
///
/// let timeouts = Timeouts::new(Profile::<Serving>::from_env()?)?;
/// let asked_for = Some(secs(45));
/// let request = timeouts.deadline(Serving::Request);
/// let request = request.child(asked_for.unwrap_or(timeouts.get(Serving::Agent)));
/// assert!(request.remaining() <= secs(45));
///
/// // Each step takes its own limit, or what is left of the request.
/// let database = timeouts.within(&request, Serving::Database);
/// assert!(database.remaining() <= secs(10));
/// # Ok::<(), core_timeout::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Serving {
    /// The whole request.
    Request,
    /// A request that does not say how long it may take.
    Agent,
    /// An answer of a language model.
    Llm,
    /// A query of a database.
    Database,
    /// A command of Redis.
    Redis,
}

// === impl Serving ===

impl Operation for Serving {
    const ALL: &'static [Self] = &[Self::Request, Self::Agent, Self::Llm, Self::Database, Self::Redis];

    fn spec(self) -> Spec {
        match self {
            Self::Request => Spec::new("request", secs(60)),
            Self::Agent => Spec::new("agent_default", secs(30)),
            Self::Llm => Spec::new("llm", secs(60)),
            Self::Database => Spec::new("database", secs(10)),
            Self::Redis => Spec::new("redis", secs(5)),
        }
    }

    fn parent(self) -> Option<Self> {
        match self {
            Self::Request => None,
            Self::Agent | Self::Llm | Self::Database => Some(Self::Request),
            Self::Redis => Some(Self::Database),
        }
    }
}
