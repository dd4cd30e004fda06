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
//! **Cost.** `Error` is 8 bytes; making one is one allocation and captures the source location, never a backtrace.
//! `Rejection` is 64 bytes and allocates nothing. Classifying matches on types and kinds, never on message text.

mod category;
mod classify;
mod code;
mod error;
mod foreign;
mod name;
mod problem;
mod recovery;
mod rejection;
mod verdict;

pub use category::{Category, Severity};
pub use classify::Classify;
pub use code::Code;
#[cfg(feature = "derive")]
pub use core_errors_derive::Classify;
pub use error::{Error, Metadata, Visibility};
pub use foreign::{Class, class_of};
pub use name::{Name, NameError};
pub use problem::Problem;
pub use recovery::Recovery;
pub use rejection::{Cause, PolicyKind, Reason, Rejection};
pub use verdict::Verdict;
