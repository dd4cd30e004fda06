//! Databases that speak SQL: what a connection pool says, and the five characters of SQLSTATE (SQL:2023; `PostgreSQL`, appendix A).

use std::error::Error as StdError;

use super::Class;
use crate::{Category, Recovery};

#[cfg(feature = "tokio-postgres")]
pub(super) fn class_of_postgres(error: &(dyn StdError + 'static)) -> Option<Class> {
    let postgres = error.downcast_ref::<tokio_postgres::Error>()?;
    if let Some(state) = postgres.code() {
        return Some(of_sqlstate(state.code()));
    }
    if postgres.is_closed() {
        return Some(Category::Network.into());
    }
    // What it wraps knows: I/O, TLS, a conversion. What wraps nothing is about how the client was used.
    match postgres.source() {
        Some(_) => None,
        None => Some(Category::Internal.into()),
    }
}

#[cfg(feature = "sqlx")]
pub(super) fn class_of_sqlx(error: &(dyn StdError + 'static)) -> Option<Class> {
    use sqlx_core::Error;

    Some(match error.downcast_ref::<Error>()? {
        Error::Database(database) => match database.code() {
            Some(state) if state.len() == 5 => of_sqlstate(&state),
            _ => of_kind(&database.kind()),
        },
        Error::Io(io) => super::io_class(io),
        Error::Tls(_) => Category::Network.into(),
        // All connections are busy: nothing was sent.
        Error::PoolTimedOut => Class::from(Category::ResourceExhausted),
        Error::PoolClosed => Category::Unavailable.into(),
        // Before it took the statement, or while it was at it.
        Error::WorkerCrashed => Class { idempotent_only: true, ..Category::Unavailable.into() },
        Error::RowNotFound => Category::Resource.into(),
        Error::Configuration(_) => Category::Configuration.into(),
        Error::InvalidArgument(_) | Error::Encode(_) => Category::Validation.into(),
        Error::Decode(_) | Error::ColumnDecode { .. } => Category::Data.into(),
        Error::Protocol(_) => Category::ExternalService.into(),
        _ => Category::Internal.into(),
    })
}

#[cfg(feature = "sqlx")]
fn of_kind(kind: &sqlx_core::error::ErrorKind) -> Class {
    use sqlx_core::error::ErrorKind;

    Class::from(match kind {
        ErrorKind::UniqueViolation | ErrorKind::ExclusionViolation => Category::Conflict,
        ErrorKind::ForeignKeyViolation | ErrorKind::NotNullViolation | ErrorKind::CheckViolation => {
            Category::Validation
        }
        _ => Category::ExternalService,
    })
}

/// By its class, the first two characters, and by itself where its class is too wide.
fn of_sqlstate(state: &str) -> Class {
    let aborted = || Class::from(Category::Unavailable).with_recovery(Recovery::Retriable);
    match state {
        // Serialisation failure, deadlock: rolled back; the same transaction may work at once.
        "40001" | "40P01" => return aborted(),
        // A lock that was not to be had now.
        "55P03" => return Category::Unavailable.into(),
        // Whether the statement was completed is not known.
        "40003" => return Category::Network.into(),
        "23505" | "23P01" | "40002" => return Category::Conflict.into(),
        // A replica that only reads: another one writes.
        "25006" => return Class::from(Category::Unavailable).never_happened(),
        // Cancelled, by a time limit of the server or by an operator, and rolled back: a commit that waits for replicas is none that can be.
        "57014" => return Class::from(Category::Timeout).never_happened(),
        _ => {}
    }
    let class = state.get(..2).unwrap_or_default();
    let category = match class {
        "08" => Category::Network,
        "22" | "23" | "54" => Category::Validation,
        "28" | "3D" | "3F" => Category::Configuration,
        // Features, states of a transaction, and cardinalities: the statement is wrong.
        "0A" | "21" | "25" => Category::Internal,
        "40" => return aborted(),
        "42" => match state {
            // It is our role that lacks the grant, not our client.
            "42501" => Category::Configuration,
            _ => Category::Internal,
        },
        "53" => Category::ResourceExhausted,
        "57" => Category::Unavailable,
        "58" | "XX" => Category::Infrastructure,
        _ => Category::ExternalService,
    };
    let is_certain = match class {
        // No connection was to be had, or a limit of its settings was in the way.
        "53" => matches!(state, "53300" | "53400"),
        // Not yet ready, or idle for too long: there was no statement. Whoever is told that the server shuts down may have been
        // committed: waiting for replicas, the server says 57P01 after that, and a crash elsewhere (57P02) ends a session anywhere.
        "57" => matches!(state, "57P03" | "57P05"),
        // A system error or a bug may be a panic of the server in the middle of a commit.
        "58" | "XX" => false,
        _ => return Class::from(category),
    };
    Class { idempotent_only: !is_certain, ..category.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlstate_tells_who_must_change_what() {
        for (state, category, recovery) in [
            ("40001", Category::Unavailable, Recovery::Retriable),
            ("40P01", Category::Unavailable, Recovery::Retriable),
            ("40000", Category::Unavailable, Recovery::Retriable),
            ("58030", Category::Infrastructure, Recovery::Transient),
            ("XX000", Category::Infrastructure, Recovery::Transient),
            ("23505", Category::Conflict, Recovery::InvalidInput),
            ("23502", Category::Validation, Recovery::InvalidInput),
            ("08006", Category::Network, Recovery::Transient),
            ("53300", Category::ResourceExhausted, Recovery::Transient),
            ("57P01", Category::Unavailable, Recovery::Transient),
            ("57014", Category::Timeout, Recovery::Transient),
            ("42P01", Category::Internal, Recovery::Fatal),
            ("42501", Category::Configuration, Recovery::Fatal),
            ("40002", Category::Conflict, Recovery::InvalidInput),
            ("25006", Category::Unavailable, Recovery::Transient),
            ("25P02", Category::Internal, Recovery::Fatal),
            ("0A000", Category::Internal, Recovery::Fatal),
            ("28P01", Category::Configuration, Recovery::Fatal),
            ("", Category::ExternalService, Recovery::Transient),
            ("ä", Category::ExternalService, Recovery::Transient),
        ] {
            let class = of_sqlstate(state);
            assert_eq!((class.category, class.recovery), (category, recovery), "{state}");
        }
    }

    /// A statement that came to an end with one of these had no effect, or nobody knows.
    #[test]
    fn rt_11_a_sqlstate_tells_whether_what_must_not_be_done_twice_may_be_tried_again() {
        for state in ["40001", "40P01", "55P03", "25006", "57014", "57P03", "57P05", "53300", "53400"] {
            assert!(!of_sqlstate(state).idempotent_only, "{state}: it was rolled back, or never began");
        }
        for state in [
            "57P01", "57P02", "57P04", "57000", "40003", "08006", "08007", "53100", "53200", "58030", "XX000",
        ] {
            assert!(of_sqlstate(state).idempotent_only, "{state}: it may have been committed");
        }
    }
}
