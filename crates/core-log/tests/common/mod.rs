//! A log in memory, and a parser that takes no key twice.
#![expect(clippy::unwrap_used, reason = "tests may panic")]
#![allow(dead_code, reason = "not every test file needs all of it")]

use std::collections::BTreeMap;
use std::fmt;

use core_log::{Format, Lines, Log, LogHandle, Sink};
use serde::Deserialize;
use serde::de::{Error, MapAccess, Visitor};
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt;

/// An object, refused if it has a key twice.
#[derive(Debug)]
pub(crate) struct Object(pub(crate) BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut all = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    if all.insert(key.clone(), value).is_some() {
                        return Err(A::Error::custom(format!("{key} twice")));
                    }
                }
                Ok(Object(all))
            }
        }
        from.deserialize_map(Members)
    }
}

impl Object {
    pub(crate) fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_else(|| panic!("no text {key} in {self:?}"))
    }
}

pub(crate) fn parse(line: &str) -> Object {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// What `run` logs, at trace and up.
pub(crate) fn logged(format: Format, run: impl FnOnce(&LogHandle)) -> Vec<String> {
    let (lines, handle, subscriber) = memory(format);
    tracing::subscriber::with_default(subscriber, || run(&handle));
    lines.lines()
}

pub(crate) fn memory(format: Format) -> (Lines, LogHandle, impl tracing::Subscriber + Send + Sync) {
    let (sink, lines) = Sink::memory();
    let (layer, handle) = Log::builder()
        .lookup(|_| None)
        .service("orders")
        .project("shop-1")
        .levels("trace")
        .format(format)
        .sink(sink)
        .layer()
        .unwrap();
    (lines, handle, tracing_subscriber::registry().with(layer))
}

pub(crate) fn json(run: impl FnOnce(&LogHandle)) -> Vec<Object> {
    logged(Format::Json, run).iter().map(|line| parse(line)).collect()
}
