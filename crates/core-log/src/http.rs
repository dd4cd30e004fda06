//! The levels over HTTP, without a web framework.

use std::fmt::Write;
use std::time::Duration;

use crate::handle::LogHandle;
use crate::text::{Escaped, Rule};

impl LogHandle {
    /// Answers a request about the levels with a status and a body of JSON. A server that has routes hands method and body on.
    ///
    /// * `GET` says what holds.
    /// * `PUT` with `info,hyper=warn` sets the levels; with `orders=debug for 10m` it sets them for so long over those that are there.
    ///   Times are whole seconds, minutes or hours: `30s`, `10m`, `2h`.
    /// * `DELETE` ends all that was set for a while.
    ///
    /// ```
    /// # let (_, handle) = core_log::Log::builder().levels("info").layer().unwrap();
    /// let (status, body) = handle.handle("PUT", "orders=debug for 10m");
    /// assert_eq!(status, 200);
    /// assert!(body.contains(r#"{"levels":"orders=debug","seconds_left":"#));
    /// ```
    #[must_use]
    pub fn handle(&self, method: &str, body: &str) -> (u16, String) {
        let done = match method {
            "GET" => Ok(()),
            "PUT" => self.put(body),
            "DELETE" => {
                self.revert();
                Ok(())
            }
            _ => return (405, error("GET, PUT and DELETE are understood")),
        };
        match done {
            Ok(()) => (200, self.shown()),
            Err(words) => (400, error(&words)),
        }
    }

    fn put(&self, body: &str) -> Result<(), String> {
        let (levels, time) = match body.trim().rsplit_once(" for ") {
            Some((levels, time)) => (levels, Some(duration(time).ok_or("a time is 30s, 10m or 2h")?)),
            None => (body.trim(), None),
        };
        let levels = levels.parse().map_err(|error: crate::ConfigError| error.to_string())?;
        if let Some(time) = time {
            return self.set_levels_for(levels, time).map_err(|error| error.to_string());
        }
        self.set_levels(levels);
        Ok(())
    }

    fn shown(&self) -> String {
        let mut out = String::from("{\"levels\":\"");
        push(&mut out, self.levels().as_str());
        out.push_str("\",\"overrides\":[");
        for (at, (levels, left)) in self.overrides().iter().enumerate() {
            out.push_str(if at == 0 { "{\"levels\":\"" } else { ",{\"levels\":\"" });
            push(&mut out, levels.as_str());
            // Writing to a string does not fail.
            let _ = write!(out, "\",\"seconds_left\":{}}}", left.as_secs());
        }
        let _ = write!(out, "],\"lost\":{}}}", self.lost());
        out
    }
}

fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        _ => return None,
    };
    let count: u64 = text[..text.len() - 1].parse().ok()?;
    count.checked_mul(unit).map(Duration::from_secs)
}

fn error(words: &str) -> String {
    let mut out = String::from("{\"error\":\"");
    push(&mut out, words);
    out.push_str("\"}");
    out
}

fn push(out: &mut String, text: &str) {
    Escaped::new(out, usize::MAX, Rule::Json).push(text);
}
