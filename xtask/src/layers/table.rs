use std::fmt;

/// The table of ARCHITECTURE.md, "Who may lean on whom", lowest layer first: a crate leans only on layers below its own.
///
/// A new crate is added here and there; where the two differ, ARCHITECTURE.md is right.
const LAYERS: [&[&str]; 6] = [
    &["core-errors", "core-time"],
    &["core-context", "core-policy"],
    &[
        "core-retry",
        "core-breaker",
        "core-limit",
        "core-timeout",
        "core-degrade",
        "core-chaos",
        "core-log",
        "core-metrics",
        "core-track",
    ],
    &["core-pipeline", "core-health", "core-redis", "core-http", "core-config"],
    &["core-ops", "core-macros"],
    &["genesis-kit"],
];

/// A part, and the crate that it is a part of: cargo wants macros in a crate of their own.
///
/// A part stands where the whole stands, and only the whole leans on it.
const PARTS: [(&str, &str); 2] =
    [("core-errors-derive", "core-errors"), ("core-metrics-derive", "core-metrics")];

/// Tools of the repository: they lean on anything, nothing leans on them.
const TOOLS: [&str; 3] = ["demo", "icount", "xtask"];

/// The lowest layer that may open a socket or know a client of others.
pub(super) const CLIENTS_FROM: usize = 3;

/// Crates that open sockets or speak to something that does.
const CLIENTS: [&str; 45] = [
    "actix-web",
    "amqprs",
    "async-nats",
    "axum",
    "bb8",
    "curl",
    "deadpool",
    "deadpool-redis",
    "diesel",
    "elasticsearch",
    "fred",
    "h2",
    "hickory-resolver",
    "hyper",
    "hyper-rustls",
    "hyper-tls",
    "hyper-util",
    "isahc",
    "lapin",
    "mio",
    "mongodb",
    "mysql_async",
    "native-tls",
    "openssl",
    "opentelemetry-otlp",
    "postgres",
    "quinn",
    "r2d2",
    "rdkafka",
    "redis",
    "reqwest",
    "rumqttc",
    "rusqlite",
    "rustls",
    "socket2",
    "sqlx",
    "tiberius",
    "tokio-native-tls",
    "tokio-postgres",
    "tokio-rustls",
    "tokio-tungstenite",
    "tonic",
    "tungstenite",
    "ureq",
    "warp",
];

/// The one crate that may know clients from below, to classify their errors: each behind a feature, and without opening
/// anything.
const KNOWS_ERRORS: (&str, [&str; 8]) =
    ("core-errors", ["h2", "hyper", "hyper-util", "redis", "reqwest", "sqlx", "tokio-postgres", "tonic"]);

/// Features that open sockets in a crate that is welcome without them.
const SOCKET_FEATURES: [(&str, &str); 7] = [
    ("async-std", "default"),
    ("rustix", "net"),
    ("rustix", "all-apis"),
    ("tokio", "full"),
    ("tokio", "net"),
    ("tokio-util", "full"),
    ("tokio-util", "net"),
];

/// Crates that run futures. Layer 0 may know one only behind a feature.
const RUNTIMES: [&str; 4] = ["async-executor", "async-std", "smol", "tokio"];

/// Where a crate of the house stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The layer, counted from the ground.
    Layer(usize),
    /// Beside the house.
    Tool,
}

/// The place of a crate of ours; `None` for everybody else's.
pub(super) fn place(name: &str) -> Option<Place> {
    if TOOLS.contains(&name) {
        return Some(Place::Tool);
    }
    let name = whole_of(name).unwrap_or(name);
    LAYERS.iter().position(|layer| layer.contains(&name)).map(Place::Layer)
}

/// The crate that `name` is a part of; `None` for a crate that stands for itself.
pub(super) fn whole_of(name: &str) -> Option<&'static str> {
    PARTS.iter().find(|(part, _)| *part == name).map(|(_, whole)| *whole)
}

/// The crates of a layer, as one reads them.
pub(super) fn layer(number: usize) -> String {
    LAYERS.get(number).copied().unwrap_or_default().join(", ")
}

pub(super) fn is_client(name: &str) -> bool {
    CLIENTS.contains(&name)
}

/// Whether a crate may know the types of a client's errors.
pub(super) fn knows_errors(from: &str, client: &str) -> bool {
    from == KNOWS_ERRORS.0 && KNOWS_ERRORS.1.contains(&client)
}

pub(super) fn opens_sockets(name: &str, feature: &str) -> bool {
    SOCKET_FEATURES.contains(&(name, feature))
}

pub(super) fn is_runtime(name: &str) -> bool {
    RUNTIMES.contains(&name)
}

// === impl Place ===

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layer(number) => f.pad(&number.to_string()),
            Self::Tool => f.pad("tool"),
        }
    }
}
