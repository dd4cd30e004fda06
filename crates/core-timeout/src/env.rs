//! Limits from the environment: a pure function of pairs, and a thin shell that reads them.

use std::ffi::OsString;
use std::time::Duration;

use crate::error::{ConfigError, Kind};
use crate::operation::Operation;
use crate::profile::Profile;
use crate::serving::Serving;
use crate::standard::Standard;

/// How the variables begin.
const PREFIX: &str = "GENESIS_TIMEOUT_";

/// No value is longer, and of one that is wrong no more is repeated.
const VALUE_MAX: usize = 40;

// === impl Profile ===

impl<K: Operation> Profile<K> {
    /// The profile that the environment of the process asks for.
    ///
    /// `GENESIS_TIMEOUT_PROFILE` chooses `default` (also if it is not set), `production` or `test`. `GENESIS_TIMEOUT_<OPERATION>`
    /// sets the limit of one operation, as in `GENESIS_TIMEOUT_HEALTH_CHECK=250ms`: a number with `ms`, `s`, `m` or `h`; without, in
    /// seconds.
    ///
    /// A service may have several sets: a variable that names an operation of [`Standard`] or of [`Serving`] is left to those, and one that
    /// names an operation of two sets, as `GENESIS_TIMEOUT_REQUEST`, is that of both. Whoever has a set of his own beside them gives it a prefix
    /// of its own, and [`from_pairs`](Self::from_pairs).
    ///
    /// # Errors
    /// If a variable names no operation, here or in those two sets, a value is no time, or what comes of it [cannot be](Self::check).
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_pairs(
            PREFIX,
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, lossy(value)))),
        )
    }

    /// The same from pairs of names and values, of which those count that begin with `prefix`: for a second set of operations, and for
    /// tests.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_pairs<N, V>(
        prefix: &str,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ConfigError>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let mut profile = None;
        let mut limits = Vec::new();
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.as_ref().trim());
            let Some(of) = name.strip_prefix(prefix) else { continue };
            if of == "PROFILE" {
                let chosen = Self::by_name(value);
                profile = Some(chosen.ok_or_else(|| ConfigError(Kind::NoProfile(shortened(value))))?);
                continue;
            }
            let operation = named::<K>(of);
            let Some(operation) = operation else {
                if is_one_of::<Standard>(of) || is_one_of::<Serving>(of) {
                    continue;
                }
                return Err(ConfigError(no_operation::<K>(name)));
            };
            let limit = parse(value);
            limits.push((operation, limit.ok_or_else(|| ConfigError(no_time(name, value)))?));
        }
        let profile = profile.unwrap_or_default();
        let profile =
            limits.into_iter().fold(profile, |profile, (operation, limit)| profile.with(operation, limit));
        profile.check()?;
        Ok(profile)
    }
}

/// What is no text is no time either, and is refused as such.
fn lossy(value: OsString) -> String {
    value.into_string().unwrap_or_else(|value| value.to_string_lossy().into_owned())
}

/// The operation that a variable without its prefix names.
fn named<K: Operation>(variable: &str) -> Option<K> {
    K::ALL.iter().copied().find(|operation| is_variable_of(operation.spec().name, variable))
}

fn is_one_of<K: Operation>(variable: &str) -> bool {
    named::<K>(variable).is_some()
}

fn is_variable_of(name: &str, variable: &str) -> bool {
    name.len() == variable.len()
        && name.bytes().zip(variable.bytes()).all(|(a, b)| a.to_ascii_uppercase() == b)
}

fn no_operation<K: Operation>(variable: &str) -> Kind {
    let names = K::ALL.iter().map(|operation| operation.spec().name.to_ascii_uppercase());
    Kind::NoOperation { variable: shortened(variable), known: names.collect::<Vec<_>>().join(", ") }
}

fn no_time(variable: &str, value: &str) -> Kind {
    Kind::NoTime { variable: shortened(variable), value: shortened(value) }
}

fn shortened(text: &str) -> String {
    text.chars().take(VALUE_MAX).flat_map(char::escape_debug).collect()
}

/// A number with `ms`, `s`, `m` or `h`; without, in seconds.
fn parse(text: &str) -> Option<Duration> {
    if text.len() > VALUE_MAX {
        return None;
    }
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit.trim_start() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    // To the nanosecond, as the text has it: 0.1 is no sum of halves.
    Duration::try_from_secs_f64((number * seconds * 1e9).round() / 1e9).ok()
}

#[cfg(test)]
mod tests;
