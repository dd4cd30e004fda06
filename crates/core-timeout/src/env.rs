//! Limits from the environment: a pure function of pairs, and a thin shell that reads them.

use std::ffi::OsString;
use std::time::Duration;

use core_policy::near;

use crate::error::{ConfigError, Kind};
use crate::operation::Operation;
use crate::profile::Profile;
use crate::serving::Serving;
use crate::standard::Standard;

/// How the variables begin.
const PREFIX: &str = "GENESIS_TIMEOUT_";

/// No value is longer, and of one that is wrong no more is repeated.
const VALUE_MAX: usize = 40;

/// Of the name of a variable that is wrong no more is repeated: no prefix with an operation is longer.
const VARIABLE_MAX: usize = 128;

// === impl Profile ===

impl<K: Operation> Profile<K> {
    /// The profile that the environment of the process asks for.
    ///
    /// `GENESIS_TIMEOUT_PROFILE` chooses `default` (also if it is not set), `production` or `test`. `GENESIS_TIMEOUT_<OPERATION>`
    /// sets the limit of one operation, as in `GENESIS_TIMEOUT_HEALTH_CHECK=250ms`: a number with `ms`, `s`, `m` or `h`; without, in
    /// seconds.
    ///
    /// Whatever begins so and is none of these is refused, since a limit that is set and that nobody reads goes unnoticed until it is missed:
    /// a name that is misspelt or in small letters, and also the operation of a set that is not this one, as `GENESIS_TIMEOUT_LLM` of
    /// [`Serving`] for a service that has [`Standard`] operations only. A service that has both sets, or shares its variables with one that
    /// has the other, says so: [`from_env_beside`](Self::from_env_beside). Where variables begin so that are of no set that is known here, it
    /// reads another prefix: [`from_pairs`](Self::from_pairs).
    ///
    /// # Errors
    /// If a variable names no operation, a value is no time, or what comes of it [cannot be](Self::check).
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_env_beside::<K>()
    }

    /// The same in an environment in which variables of the operations `L` are as good: they are left to whoever reads those. One that is of
    /// both sets, as `GENESIS_TIMEOUT_REQUEST`, is read by both.
    ///
    /// ```
    /// use core_timeout::{Profile, Serving, Standard, Timeouts};
    ///
    /// let cluster = Timeouts::new(Profile::<Standard>::from_env_beside::<Serving>()?)?;
    /// let requests = Timeouts::new(Profile::<Serving>::from_env_beside::<Standard>()?)?;
    /// # Ok::<(), core_timeout::ConfigError>(())
    /// ```
    ///
    /// Whoever has a set of his own beside both gives it a prefix of its own, and [`from_pairs`](Self::from_pairs).
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_env_beside<L: Operation>() -> Result<Self, ConfigError> {
        let pairs = std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value)));
        Self::from_pairs_beside::<L, _, _>(PREFIX, pairs)
    }

    /// What [`from_env`](Self::from_env) makes of pairs of names and values, of which those count that begin with `prefix`: for a second set
    /// of operations, and for tests.
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
        Self::from_pairs_beside::<K, N, V>(prefix, pairs)
    }

    /// What [`from_env_beside`](Self::from_env_beside) makes of pairs.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_pairs_beside<L, N, V>(
        prefix: &str,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ConfigError>
    where
        L: Operation,
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let mut profile = None;
        let mut limits = Vec::new();
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.as_ref().trim());
            let Some((start, of)) = name.split_at_checked(prefix.len()) else { continue };
            if !start.eq_ignore_ascii_case(prefix) {
                continue;
            }
            // Who writes it otherwise means it all the same, and would wonder.
            let is_exact = start == prefix;
            if is_exact && of == "PROFILE" {
                let chosen = Self::by_name(value);
                profile =
                    Some(chosen.ok_or_else(|| ConfigError(Kind::NoProfile(shortened(value, VALUE_MAX))))?);
            } else if let Some(operation) = named::<K>(of).filter(|_| is_exact) {
                let limit = parse(value);
                limits.push((operation, limit.ok_or_else(|| ConfigError(no_time(name, value)))?));
            } else if !is_exact || named::<L>(of).is_none() {
                return Err(ConfigError(unread::<K, L>(prefix, name, of)));
            }
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

fn is_variable_of(name: &str, variable: &str) -> bool {
    name.len() == variable.len()
        && name.bytes().zip(variable.bytes()).all(|(a, b)| a.to_ascii_uppercase() == b)
}

/// A variable that begins as ours and that nobody reads here.
fn unread<K: Operation, L: Operation>(prefix: &str, variable: &str, of: &str) -> Kind {
    let others = [(named::<Standard>(of).is_some(), "Standard"), (named::<Serving>(of).is_some(), "Serving")];
    let shown = shortened(variable, VARIABLE_MAX);
    // Under another prefix nobody reads those.
    if prefix == PREFIX
        && variable.starts_with(prefix)
        && let Some((_, set)) = others.into_iter().find(|(has, _)| *has)
    {
        return Kind::OfOthers { variable: shown, set };
    }
    let is_short = variable.len() <= VARIABLE_MAX;
    let both: Vec<_> = variables::<K>().chain(variables::<L>()).chain(["PROFILE".to_owned()]).collect();
    let near = if is_short { near(of, both.iter().map(String::as_str)) } else { Vec::new() };
    let meant = near.first().map(|name| format!("{prefix}{name}"));
    Kind::NoOperation { variable: shown, meant, known: variables::<K>().collect::<Vec<_>>().join(", ") }
}

/// What the operations are called in the environment, without the prefix.
fn variables<K: Operation>() -> impl Iterator<Item = String> {
    K::ALL.iter().map(|operation| operation.spec().name.to_ascii_uppercase())
}

fn no_time(variable: &str, value: &str) -> Kind {
    Kind::NoTime { variable: shortened(variable, VARIABLE_MAX), value: shortened(value, VALUE_MAX) }
}

fn shortened(text: &str, max: usize) -> String {
    text.chars().take(max).flat_map(char::escape_debug).collect()
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
