//! Policies with names, as the originals have them, for those who would rather not choose numbers.

use std::time::Duration;

use core_errors::Category;
use core_time::{ms, secs};

use crate::budget::Budget;
use crate::config::Builder;
use crate::policy::Retry;

/// The connection failed, or no answer came: the request itself was right.
const CONNECTION: [Category; 2] = [Category::Network, Category::Timeout];

macro_rules! presets {
    ($($(#[doc = $doc:literal])+ $name:ident => $builder:expr;)+) => {
        /// Policies with names. Each is a builder: whatever it says can be changed before it is built.
        ///
        /// Each has a full [`Budget::default`] of its own, which all clones of the builder and of what it makes share: where most calls fail,
        /// retries end soon. Whoever asks for the policy again gets another one, so make it once for a service, and not for each call.
        /// [`Builder::budget`] puts that of the service in its place, [`Builder::no_budget`] none.
        impl Retry { $(
            $(#[doc = $doc])+
            pub fn $name() -> Builder {
                $builder.budget(&Budget::default()).name(stringify!($name))
            }
        )+

            /// The builder of a policy by its name, as configuration has it: `default`, `aggressive`, `conservative`, `network`,
            /// `database`, `api`, `critical` or `fast_fail`. `None` for any other.
            pub fn preset(name: &str) -> Option<Builder> {
                match name {
                    "default" => Some(Self::standard().name("default")),
                    $(stringify!($name) => Some(Self::$name()),)+
                    _ => None,
                }
            }
        }
    };
}

fn exponential(attempts: u32, first: Duration, max: Duration) -> Builder {
    Retry::exponential(first..max).full_jitter().attempts(attempts)
}

presets! {
    /// For most calls, called `default` in configuration: 3 attempts, 1 s doubling up to 60 s, full jitter.
    standard => exponential(3, secs(1), secs(60));
    /// For calls that matter more than the load they make: 5 attempts, 500 ms doubling up to 30 s, full jitter.
    aggressive => exponential(5, ms(500), secs(30));
    /// For calls that are expensive: 2 attempts, 2 s growing linearly up to 120 s, full jitter.
    conservative => Retry::linear(secs(2)..secs(120)).full_jitter().attempts(2);
    /// For connections: 4 attempts, 200 ms doubling up to 10 s, full jitter; only failures of the connection and timeouts.
    network => exponential(4, ms(200), secs(10)).only_on(&CONNECTION);
    /// For databases: 5 attempts, 100 ms doubling up to 5 s, full jitter.
    database => exponential(5, ms(100), secs(5));
    /// For the interfaces of others: 3 attempts, 1 s doubling up to 10 s, full jitter; only failures of the connection and timeouts.
    api => exponential(3, secs(1), secs(10)).only_on(&CONNECTION);
    /// For what must get through: 10 attempts, 500 ms growing by half up to 30 s, full jitter.
    critical => exponential(10, ms(500), secs(30)).factor(1.5);
    /// For callers who wait: 2 attempts, 100 ms, up to 500 ms, exact.
    fast_fail => exponential(2, ms(100), ms(500)).no_jitter();
}
