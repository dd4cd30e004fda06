//! Lines, with a [`Logger`](crate::Logger) or without, at all levels.

/// Defines a macro of a level: `$` stands for itself, as macros in macros want it.
macro_rules! level {
    ($dollar:tt $name:ident, $tracing:ident, [$($severity:tt)*], $doc:literal, $example:literal) => {
        #[doc = $doc]
        ///
        /// Takes what the macros of `tracing` take, and before it, if at all, `logger: log` with a [`Logger`](crate::Logger).
        ///
        /// ```
        #[doc = $example]
        /// ```
        #[macro_export]
        macro_rules! $name {
            (logger: $dollar log:expr, target: $dollar target:expr, $dollar ($dollar arg:tt)+) => {
                $crate::__tracing::$tracing!(target: $dollar target, $($severity)* logger = $dollar log.bound(), $dollar ($dollar arg)+)
            };
            (logger: $dollar log:expr, $dollar ($dollar arg:tt)+) => {
                $crate::__tracing::$tracing!($($severity)* logger = $dollar log.bound(), $dollar ($dollar arg)+)
            };
            (target: $dollar target:expr, $dollar ($dollar arg:tt)+) => {
                $crate::__tracing::$tracing!(target: $dollar target, $($severity)* $dollar ($dollar arg)+)
            };
            ($dollar ($dollar arg:tt)+) => {
                $crate::__tracing::$tracing!($($severity)* $dollar ($dollar arg)+)
            };
        }
    };
}

level!($ debug, debug, [], "What happens inside.", "core_log::debug!(rows = 3, \"read\");");
level!($ info, info, [], "What the service does.", "core_log::info!(order = \"A-1\", \"charged\");");
level!($ notice, info, [severity = "NOTICE",], "What an operator wants to have seen.", "core_log::notice!(port = 8080, \"listening\");");
level!($ warn, warn, [], "Something is not as it should be, and the work goes on.", "core_log::warn!(tries = 3, \"slow\");");
level!($ error, error, [], "Something failed.", "core_log::error!(order = \"A-1\", \"not charged\");");
level!($ critical, error, [severity = "CRITICAL",], "The service, or a part of it, does not do its work.", "core_log::critical!(operator = \"ann\", reason = \"drill\", \"stopped\");");
level!($ alert, error, [severity = "ALERT",], "Somebody has to act now.", "core_log::alert!(disk = \"/var\", \"full\");");

/// Writes a last line at the level `FATAL`, flushes all logs, and ends the process with the code: the only macro that does.
///
/// It waits 5 s at most for a writer that stalls. Destructors do not run.
///
/// ```no_run
/// core_log::fatal!(code = 2, path = "/etc/orders.toml", "settings cannot be read");
/// ```
#[macro_export]
macro_rules! fatal {
    (code = $code:expr, logger: $log:expr, $($arg:tt)+) => {{
        $crate::__tracing::error!(severity = "FATAL", logger = $log.bound(), $($arg)+);
        $crate::exit($code)
    }};
    (code = $code:expr, $($arg:tt)+) => {{
        $crate::__tracing::error!(severity = "FATAL", $($arg)+);
        $crate::exit($code)
    }};
}
