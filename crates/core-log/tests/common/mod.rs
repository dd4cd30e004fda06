//! A log in memory, and a parser that takes no key twice.
#![expect(clippy::unwrap_used, reason = "tests may panic")]
#![allow(dead_code, reason = "not every test file needs all of it")]

use std::collections::BTreeMap;
use std::fmt;

use core_log::{Format, Lines, Log, LogHandle, Sink};
use serde::Deserialize;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt;

/// An object, refused if it, or an object in it, has a key twice.
#[derive(Debug)]
pub(crate) struct Object(pub(crate) BTreeMap<String, Value>);

/// The same for any value.
struct Once(Value);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Once::deserialize(from)?.0 {
            Value::Object(members) => Ok(Self(members.into_iter().collect())),
            other => Err(D::Error::custom(format!("{other} is no object"))),
        }
    }
}

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut all = serde_json::Map::new();
                while let Some((key, value)) = map.next_entry::<String, Once>()? {
                    if all.insert(key.clone(), value.0).is_some() {
                        return Err(A::Error::custom(format!("{key} twice")));
                    }
                }
                Ok(Value::Object(all))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
                let mut all = Vec::new();
                while let Some(value) = list.next_element::<Once>()? {
                    all.push(value.0);
                }
                // A list of pairs is an object by another name.
                let keys = all.iter().filter_map(|pair: &Value| pair.get("key")?.as_str());
                let mut keys: Vec<&str> = keys.collect();
                keys.sort_unstable();
                if let Some([twice, ..]) = keys.windows(2).find(|keys| keys[0] == keys[1]) {
                    return Err(A::Error::custom(format!("{twice} twice")));
                }
                Ok(Value::Array(all))
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_unit<E: Error>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
        }
        from.deserialize_any(Any).map(Once)
    }
}

impl Object {
    pub(crate) fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_else(|| panic!("no text {key} in {self:?}"))
    }
}

/// The record of a line of OpenTelemetry, its attributes beside its members, each as the value that it has.
pub(crate) fn record(line: &str) -> Object {
    let line = parse(line);
    let mut record = line.0["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0].clone();
    let mut all = record.as_object_mut().unwrap_or_else(|| panic!("no record in {line:?}")).clone();
    for pair in all.remove("attributes").iter().flat_map(|pairs| pairs.as_array().into_iter().flatten()) {
        let value = pair["value"].as_object().unwrap_or_else(|| panic!("no value in {pair}"));
        let value = value.iter().next().map_or(&Value::Null, |(_, value)| value);
        assert!(all.insert(pair["key"].as_str().unwrap_or_default().to_owned(), value.clone()).is_none());
    }
    Object(all.into_iter().collect())
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
