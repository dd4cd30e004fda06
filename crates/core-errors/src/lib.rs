//! The vocabulary of failure: what failed, whose fault it is, and whether trying again helps.
//!
//! Everything in Genesis Kit that judges a failure asks the same few questions, and this crate holds the answers:
//!
//! * [`Error`]: one word wide, says what failed in public and in internal words, where, and why.
//! * [`Category`]: the kind of failure. One table maps it to [`Recovery`], HTTP status, gRPC code, severity and title.
//! * [`Classify`]: what retry, breaker and health ask of any error. Implement it for your own error enums.
//! * [`Verdict`]: what one attempt came to, judged once and read by every policy.
//! * [`Rejection`]: a policy's refusal to run a call, or to go on with it: who, why, and when to come back.
//! * [`Problem`]: the answer for an HTTP client, as RFC 9457 shapes it. It holds public text only.
//!
//! ```
//! use core_errors::{Category, Classify, Code, Error, Recovery};
//!
//! const CARD_DECLINED: Code = Code::new("CARD_DECLINED");     // checked when compiled
//!
//! let cause = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
//! let error = Error::network("the payment service hung up").op("orders.charge").cause(cause);
//! assert_eq!(error.recovery(), Recovery::Transient);
//! assert_eq!(error.category().http_status(), 502);
//!
//! let refused = Error::validation("the card was declined").with_code(CARD_DECLINED);
//! assert_eq!(refused.recovery(), Recovery::InvalidInput);
//! assert_eq!(refused.to_problem().status, 400);
//! ```
//!
//! With the feature `derive`, `#[derive(Classify)]` writes the implementation for your own enums and structs: each
//! variant says its category (`#[classify(category = Timeout)]`), what it knows better, and which field to ask. Its
//! documentation is at the macro of that name.
//!
//! # Where a failure comes from
//! * `?` and [`ResultExt::op`], which names the operation on the way, take what converts into [`Error`]; [`Error::convert`] and
//!   [`ResultExt::or_convert`] take any error. Types and kinds decide the class ([`class_of`]), never text.
//!   Errors of std are known; those of tokio, `serde_json`, http, hyper, reqwest, tonic, redis,
//!   tokio-postgres and sqlx behind features of their names, and those of your own after [`register_classifier`]. What nobody knows is
//!   counted ([`unclassified()`]).
//! * [`Errors`] collects several into a [`MultiError`], which is bounded.
//! * [`RemoteError`] is what another service said: read from its problem document or report (feature `json`) or its gRPC
//!   status (feature `tonic`), with its own kind, code and hint.
//!
//! # Where it goes
//! Clients see `Display`, [`Error::to_problem`] and, over gRPC, `tonic::Status::from`: public text and public facts. Logs get
//! `Error::for_log` (feature `serde`): all of it, but for facts that are [`Sensitive`](Visibility::Sensitive).
//!
//! # What was cut off
//! [`cut_off`] is how whoever stops a future says so, and [`cut_off_depth`] how guards in it hear of it.
//!
//! # Cost
//! `Error` is 8 bytes; making one is one allocation and captures the source location and the ids of the current request, and a
//! backtrace only where [`BacktracePolicy`] asks for one. `Rejection` is 56 bytes and allocates nothing.

mod ambient;
mod backtrace;
mod category;
mod classify;
mod code;
mod criticality;
mod cut_off;
mod delivery;
mod error;
mod foreign;
mod metadata;
mod multi;
mod name;
mod problem;
mod recovery;
mod rejection;
mod remote;
#[cfg(feature = "serde")]
mod report;
mod result_ext;
mod several;
mod unclassified;
mod verdict;

pub use ambient::{Capture, ErrorContext, domain, set_capture, set_domain};
pub use backtrace::BacktracePolicy;
pub use category::{Category, CategorySet, Severity};
pub use classify::Classify;
pub use code::Code;
#[cfg(feature = "derive")]
pub use core_errors_derive::Classify;
pub use criticality::{Criticality, CriticalityError};
pub use cut_off::{cut_off, cut_off_depth};
pub use delivery::Delivery;
pub use error::Error;
pub use foreign::{Class, Classifier, class_of, register_classifier};
pub use metadata::{Metadata, Value, Visibility};
pub use multi::{Errors, MultiError};
pub use name::{Name, NameError};
pub(crate) use problem::POINTER;
pub use problem::{Problem, ProblemPart};
pub use recovery::Recovery;
pub use rejection::{Cause, PolicyKind, Reason, Rejection};
pub use remote::RemoteError;
#[cfg(feature = "json")]
pub use remote::RemoteErrorInvalid;
#[cfg(feature = "serde")]
pub use report::Report;
pub use result_ext::ResultExt;
pub use several::last_of_several;
pub use unclassified::unclassified;
pub use verdict::Verdict;
