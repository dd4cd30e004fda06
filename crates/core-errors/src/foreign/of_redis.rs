use std::error::Error as StdError;

use redis::{ErrorKind, RedisError, RetryMethod, ServerErrorKind};

use super::Class;
use crate::{Category, Recovery};

/// What the errors of `redis` tell.
pub(super) fn class(error: &(dyn StdError + 'static)) -> Option<Class> {
    let redis = error.downcast_ref::<RedisError>()?;
    let class = Class::from(category(redis));
    // To the client a timeout is worth an immediate retry; whether the command was done it does not know.
    if redis.is_io_error() {
        return Some(if redis.is_connection_refusal() { class.never_happened() } else { class });
    }
    Some(match redis.retry_method() {
        RetryMethod::NoRetry if class.recovery.is_retriable() => class.with_recovery(Recovery::Fatal),
        RetryMethod::RetryImmediately
        | RetryMethod::AskRedirect
        | RetryMethod::MovedRedirect
        | RetryMethod::RefreshSlotsAndRetry => class.with_recovery(Recovery::Retriable).never_happened(),
        _ => class,
    })
}

fn category(redis: &RedisError) -> Category {
    if redis.is_timeout() {
        return Category::Timeout;
    }
    match redis.kind() {
        ErrorKind::Io => Category::Network,
        ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm) => {
            Category::Configuration
        }
        ErrorKind::InvalidClientConfig | ErrorKind::EmptySentinelList => Category::Configuration,
        ErrorKind::Client | ErrorKind::UnexpectedReturnType => Category::Internal,
        ErrorKind::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::TryAgain
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::Moved
            | ServerErrorKind::Ask
            | ServerErrorKind::ReadOnly,
        )
        | ErrorKind::MasterNameNotFoundBySentinel
        | ErrorKind::NoValidReplicasFoundBySentinel
        | ErrorKind::ClusterConnectionNotFound => Category::Unavailable,
        _ => Category::ExternalService,
    }
}
