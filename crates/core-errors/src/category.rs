use std::fmt;
use std::str::FromStr;

use crate::Recovery;

/// How loud a failure should be in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Expected in normal work.
    Info,
    /// Worth knowing: somebody was refused.
    Warning,
    /// Something failed that should not.
    Error,
    /// Somebody should be woken.
    Critical,
}

macro_rules! categories {
    ($($(#[doc = $doc:literal])+ $variant:ident => $name:literal, $recovery:ident $($repeat:ident)?, $http:literal, $grpc:literal, $severity:ident, $title:literal;)+) => {
        /// The kind of failure.
        ///
        /// One table gives each kind its [`Recovery`], HTTP status, gRPC code, [`Severity`] and title; the
        /// documentation of a variant is its row.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
        #[non_exhaustive]
        pub enum Category { $(
            $(#[doc = $doc])+
            #[doc = concat!("\n\n`", $name, "` · ", stringify!($recovery), " · HTTP ", $http, " · gRPC ", $grpc, " · ", stringify!($severity), " · \"", $title, "\"")]
            $variant,
        )+ }

        const TABLE: &[(Category, Row)] = &[$(
            (Category::$variant, Row { name: $name, recovery: Recovery::$recovery, idempotent_only: false $(|| stringify!($repeat).len() > 0)?, http: $http, grpc: $grpc, severity: Severity::$severity, title: $title }),
        )+];
    };
}

struct Row {
    name: &'static str,
    recovery: Recovery,
    idempotent_only: bool,
    http: u16,
    grpc: u8,
    severity: Severity,
    title: &'static str,
}

categories! {
    /// The ground under the service gave way: disk, scheduler, host.
    Infrastructure => "infrastructure", Transient idempotent_only, 503, 14, Error, "Infrastructure failure";
    /// A rule of the application was broken by the application itself.
    Application => "application", Fatal, 500, 13, Error, "Application error";
    /// The connection failed before an answer arrived.
    Network => "network", Transient idempotent_only, 502, 14, Error, "Network failure";
    /// No answer within the time allowed.
    Timeout => "timeout", Transient idempotent_only, 504, 4, Error, "Timeout";
    /// The request itself is wrong.
    Validation => "validation", InvalidInput, 400, 3, Info, "Invalid request";
    /// The caller is not known.
    Authentication => "authentication", InvalidInput, 401, 16, Warning, "Authentication required";
    /// The caller is known and may not do this.
    Authorization => "authorization", InvalidInput, 403, 7, Warning, "Permission denied";
    /// The service was set up wrongly.
    Configuration => "configuration", Fatal, 500, 9, Critical, "Configuration error";
    /// A service that we call answered with a failure of its own.
    ExternalService => "external_service", Transient idempotent_only, 502, 14, Error, "External service failure";
    /// The caller asked too often.
    RateLimit => "rate_limit", Transient, 429, 8, Warning, "Too many requests";
    /// What was asked for does not exist.
    Resource => "resource", InvalidInput, 404, 5, Info, "Not found";
    /// The request contradicts the present state.
    Conflict => "conflict", InvalidInput, 409, 10, Info, "Conflict";
    /// A pool, queue or quota of ours is used up.
    ResourceExhausted => "resource_exhausted", Transient, 503, 8, Error, "Resource exhausted";
    /// The service cannot answer now.
    Unavailable => "unavailable", Transient, 503, 14, Error, "Service unavailable";
    /// The caller went away.
    Cancelled => "cancelled", Fatal idempotent_only, 499, 1, Info, "Cancelled";
    /// Stored data is wrong or lost.
    Data => "data", Fatal, 500, 15, Critical, "Data error";
    /// A bug.
    Internal => "internal", Fatal idempotent_only, 500, 13, Critical, "Internal error";
    /// Nothing is known about it.
    Unknown => "unknown", Unknown idempotent_only, 500, 2, Error, "Unknown error";
}

/// A set of categories, in one word.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CategorySet(u32);

// === impl CategorySet ===

impl CategorySet {
    /// No category.
    pub const EMPTY: Self = Self(0);

    /// These categories.
    #[must_use]
    pub const fn of(categories: &[Category]) -> Self {
        let mut set = Self::EMPTY;
        let mut at = 0;
        while at < categories.len() {
            set = set.with(categories[at]);
            at += 1;
        }
        set
    }

    /// With one more.
    #[must_use]
    pub const fn with(self, category: Category) -> Self {
        Self(self.0 | 1 << category as u32)
    }

    /// Whether it is one of them.
    #[must_use]
    #[inline]
    pub const fn contains(self, category: Category) -> bool {
        self.0 & 1 << category as u32 != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

impl fmt::Debug for CategorySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Category::all().filter(|category| self.contains(*category))).finish()
    }
}

// Each category has its bit.
const _: () = assert!(Category::COUNT <= 32);

// === impl Category ===

impl Category {
    /// How many there are.
    pub const COUNT: usize = TABLE.len();

    /// Every category, in the order of the table.
    #[expect(clippy::must_use_candidate, reason = "iterators are must_use already")]
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        TABLE.iter().map(|(category, _)| *category)
    }

    /// The category in that place of [`all`](Self::all), counted from 0: for packing one into a number.
    #[must_use]
    #[inline]
    pub fn nth(index: usize) -> Option<Self> {
        TABLE.get(index).map(|(category, _)| *category)
    }

    /// The text used in logs, labels and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// What helps against it unless the error knows better.
    #[must_use]
    pub const fn recovery(self) -> Recovery {
        self.row().recovery
    }

    /// Whether the call may have taken effect although it failed: the answer was lost, or never came. Then only a call that may
    /// be made twice may be tried again.
    #[must_use]
    pub const fn idempotent_only(self) -> bool {
        self.row().idempotent_only
    }

    /// The HTTP status to answer with. 499 stands for a caller that went away.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        self.row().http
    }

    /// What RFC 9110 calls that status: the title of a problem document without a type of its own (RFC 9457, 4.2.1).
    #[must_use]
    pub const fn http_phrase(self) -> &'static str {
        match self.row().http {
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            409 => "Conflict",
            429 => "Too Many Requests",
            // Of no RFC: nginx has it so.
            499 => "Client Closed Request",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            _ => "Internal Server Error",
        }
    }

    /// The kind of failure that a status tells of, as seen by whoever called. What goes wrong inside the callee is
    /// [`ExternalService`](Self::ExternalService) to its caller; what is no failure is [`Unknown`](Self::Unknown).
    #[must_use]
    pub const fn of_http_status(status: u16) -> Self {
        match status {
            401 | 407 => Self::Authentication,
            403 => Self::Authorization,
            404 | 410 => Self::Resource,
            408 | 504 => Self::Timeout,
            409 | 412 => Self::Conflict,
            429 => Self::RateLimit,
            499 => Self::Cancelled,
            503 => Self::Unavailable,
            400..=499 => Self::Validation,
            500..=599 => Self::ExternalService,
            _ => Self::Unknown,
        }
    }

    /// The gRPC status code to answer with.
    #[must_use]
    pub const fn grpc_code(self) -> u8 {
        self.row().grpc
    }

    /// How loud it should be in a log.
    #[must_use]
    pub const fn severity(self) -> Severity {
        self.row().severity
    }

    /// What it is called: the public text of an error that has none of its own. Of problem documents the title is
    /// [`http_phrase`](Self::http_phrase).
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().title
    }

    /// Whether the caller caused it and must change something.
    #[must_use]
    pub const fn is_client_fault(self) -> bool {
        matches!(self.row().http, 400..=499) && !matches!(self, Self::Cancelled)
    }

    const fn row(self) -> &'static Row {
        // The table is written by the macro that writes the enum, in the same order; a test walks it.
        &TABLE[self as usize].1
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads the text of [`Category::as_str`]. A text from a newer peer reads as [`Category::Unknown`].
impl FromStr for Category {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(TABLE.iter().find(|(_, row)| row.name == text).map_or(Self::Unknown, |(category, _)| *category))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_finds_its_own_row() {
        for (index, (category, row)) in TABLE.iter().enumerate() {
            assert_eq!(*category as usize, index);
            assert_eq!(category.as_str(), row.name);
            assert_eq!(row.name.parse(), Ok(*category));
        }
    }
}
