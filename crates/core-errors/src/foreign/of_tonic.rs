//! gRPC: a status as an error, and an error as a status with the details of `google.rpc`.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::time::Duration;

use tonic::{Code as GrpcCode, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::Class;
use crate::problem::pointer;
use crate::remote::{LIST_MAX, bounded};
use crate::{Category, Delivery, Error, MultiError, POINTER, Recovery, RemoteError, Visibility, domain};

/// What a status tells: its code, and the details that services of ours put there.
pub(super) fn class(error: &(dyn StdError + 'static)) -> Option<Class> {
    if error.is::<tonic::TimeoutExpired>() {
        return Some(Category::Timeout.into());
    }
    let status = error.downcast_ref::<Status>()?;
    // A limit of our own client on time comes as `Cancelled`.
    if status.source().is_some_and(<dyn StdError>::is::<tonic::TimeoutExpired>) {
        return Some(Category::Timeout.into());
    }
    let delivery = status.source().map(Delivery::of_transport).unwrap_or_default();
    if delivery.had_no_effect() {
        // Not the callee's word, but how the client of ours put it, which is `Cancelled` where the connection closed too early.
        return Some(Class::from(Category::Unavailable).with_delivery(delivery));
    }
    #[cfg(feature = "h2")]
    if status.source().is_some_and(super::delivered::peer_goes) {
        // Tonic puts it as `Internal`, which would be of no use to try again.
        return Some(Class { idempotent_only: true, ..Category::Unavailable.into() });
    }
    Some(Class::of(&RemoteError::from_status(status)).of_callee())
}

/// Where a service of ours says more than the codes of gRPC can.
const CATEGORY: &str = "category";
const RECOVERY: &str = "recovery";
const IDEMPOTENT_ONLY: &str = "idempotent_only";

/// Where servers of gRPC say when to come back (gRPC A6).
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// The longest key that `ErrorInfo` allows, and the shortest.
const KEY_MAX: usize = 64;
const KEY_MIN: usize = 2;

/// A status travels in headers, of which many peers take 8 KiB and no more, and as text of which base64 makes a third more. So much of the
/// message, and of facts and violations each, is written; what has no room any more is left out.
const MESSAGE_MAX: usize = 512;
const LIST_BYTES_MAX: usize = 1_536;

// === impl RemoteError ===

impl RemoteError {
    /// Reads a gRPC status, with `ErrorInfo`, `RetryInfo` and `RequestInfo` where they are there.
    #[must_use]
    pub fn from_status(status: &Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info();
        let named = |key| info.and_then(|info| info.metadata.get(key)).map(String::as_str);
        // A kind that contradicts the code is not believed.
        let code = status.code();
        let agrees = |category: &Category| i32::from(category.grpc_code()) == i32::from(code);
        let of_house = named(CATEGORY).and_then(|name| name.parse().ok()).filter(agrees);
        let (of_code, recovery) = of_code(code);
        let mut error = Self::new(of_house.unwrap_or(of_code), bounded(status.message()));
        if of_house.is_none() {
            error.recovery = recovery.unwrap_or(error.recovery);
        }
        error.recovery = named(RECOVERY).and_then(Recovery::from_name).unwrap_or(error.recovery);
        error.idempotent_only =
            named(IDEMPOTENT_ONLY).and_then(|word| word.parse().ok()).unwrap_or(error.idempotent_only);
        error.service = info.map(|info| bounded(&info.domain)).filter(|domain| !domain.is_empty());
        // The kind in the place of a code stands for none.
        let is_code = |reason: &String| {
            !reason.is_empty() && of_house.is_none_or(|category| *reason != reason_of(category))
        };
        error.code = info.map(|info| bounded(&info.reason)).filter(is_code);
        let delay = details.retry_info().and_then(|info| info.retry_delay);
        error.retry_after = delay.map(|delay| delay.min(Self::RETRY_AFTER_MAX));
        if let Some(asked) = status.metadata().get(PUSHBACK) {
            if let Some(after) = asked.to_str().ok().and_then(millis) {
                error.retry_after = Some(after.min(Self::RETRY_AFTER_MAX));
            } else {
                // Not to be tried again: so says a negative number, and so is read what is none.
                error.recovery = Recovery::Fatal;
                error.forbids_retry = true;
            }
        }
        error.correlation_id = details.request_info().map(|info| bounded(&info.request_id));
        let facts = info.into_iter().flat_map(|info| &info.metadata);
        let facts = facts.filter(|(key, _)| ![CATEGORY, RECOVERY, IDEMPOTENT_ONLY].contains(&key.as_str()));
        error.metadata = facts.map(|(key, value)| (bounded(key), bounded(value))).take(LIST_MAX).collect();
        error.metadata.sort();
        error
    }
}

fn millis(text: &str) -> Option<Duration> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let millis = if is_number { text.parse::<u32>().ok() } else { None };
    millis.map(|millis| Duration::from_millis(millis.into()))
}

/// What a code means to whoever called, and what helps where it is not what helps against the category.
fn of_code(code: GrpcCode) -> (Category, Option<Recovery>) {
    match code {
        GrpcCode::Cancelled => (Category::Cancelled, None),
        GrpcCode::InvalidArgument | GrpcCode::OutOfRange => (Category::Validation, None),
        GrpcCode::DeadlineExceeded => (Category::Timeout, None),
        GrpcCode::NotFound => (Category::Resource, None),
        // Aborted asks to begin further out again, not to send the same once more.
        GrpcCode::AlreadyExists | GrpcCode::FailedPrecondition | GrpcCode::Aborted => {
            (Category::Conflict, None)
        }
        GrpcCode::PermissionDenied => (Category::Authorization, None),
        GrpcCode::ResourceExhausted => (Category::ResourceExhausted, None),
        GrpcCode::Unimplemented | GrpcCode::Internal => (Category::ExternalService, Some(Recovery::Fatal)),
        GrpcCode::Unavailable => (Category::Unavailable, None),
        GrpcCode::DataLoss => (Category::Data, None),
        GrpcCode::Unauthenticated => (Category::Authentication, None),
        GrpcCode::Ok | GrpcCode::Unknown => (Category::Unknown, None),
    }
}

// === impl Status ===

/// With public text and public facts only: `ErrorInfo` (reason = code, domain = [`domain`]), `RetryInfo`, `RequestInfo`, and
/// `BadRequest` for each part of a request that is wrong. What has no code has its category in the place of one: a reason there must be.
impl From<&Error> for Status {
    fn from(error: &Error) -> Self {
        let code = GrpcCode::from_i32(error.category().grpc_code().into());
        let message = error.message();
        let message = &message[..message.floor_char_boundary(MESSAGE_MAX)];
        Self::with_error_details(code, message, details(error))
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

fn details(error: &Error) -> ErrorDetails {
    let reason = error.code().map_or_else(|| reason_of(error.category()), |code| code.as_str().to_owned());
    let public = error.metadata().iter().filter(|fact| fact.visibility == Visibility::Public);
    let facts = public.filter_map(|fact| Some((key(fact.key)?, fact.shown().into_owned())));
    let mut facts: HashMap<_, _> = in_bounds(facts, |(key, value)| key.len() + value.len()).collect();
    facts.insert(CATEGORY.to_owned(), error.category().as_str().to_owned());
    facts.insert(RECOVERY.to_owned(), error.recovery().as_str().to_owned());
    facts.insert(IDEMPOTENT_ONLY.to_owned(), error.idempotent_only().to_string());
    let mut details = ErrorDetails::with_error_info(reason, domain().unwrap_or_default(), facts);
    if let Some(after) = error.retry_after() {
        details.set_retry_info(Some(after));
    }
    if let Some(context) = error.context() {
        details.set_request_info(context.correlation_id(), "");
    }
    let wrong = violations(error).into_iter();
    let wrong = wrong.map(|part| (pointer(part).unwrap_or_default(), part.message().to_owned()));
    for (field, text) in in_bounds(wrong, |(field, text)| field.len() + text.len()) {
        details.add_bad_request_violation(field, text);
    }
    details
}

/// As many as there is room for, in order.
fn in_bounds<T>(all: impl Iterator<Item = T>, len: impl Fn(&T) -> usize) -> impl Iterator<Item = T> {
    let mut room = LIST_BYTES_MAX;
    all.filter(move |one| {
        let rest = room.checked_sub(len(one));
        room = rest.unwrap_or(room);
        rest.is_some()
    })
}

/// The parts of a request that are wrong.
fn violations(error: &Error) -> Vec<&Error> {
    if error.category() != Category::Validation {
        return Vec::new();
    }
    match error.causes().find_map(|cause| cause.downcast_ref::<MultiError>()) {
        Some(several) => several.errors().filter(|e| e.category() == Category::Validation).collect(),
        None => [error].into_iter().filter(|e| e.fact(POINTER).is_some()).collect(),
    }
}

/// `external_service` as `EXTERNAL_SERVICE`: the reason of what has no code.
fn reason_of(category: Category) -> String {
    category.as_str().to_ascii_uppercase()
}

/// A key as `ErrorInfo` allows it; a dot becomes a dash. `None` for one that cannot be.
fn key(key: &str) -> Option<String> {
    let key = key.replace('.', "-");
    let is_rest = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let is_key = (KEY_MIN..=KEY_MAX).contains(&key.len())
        && key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.bytes().all(is_rest);
    is_key.then_some(key)
}
