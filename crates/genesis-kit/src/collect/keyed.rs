//! What there is one of for each key. No key is a label: there may be many, and their names are not ours.

use core_metrics::{Counter, Desc, Gauge, LabelNames, Scrape};
use core_policy::KeyedStats;

use super::watch::count;

const KEYS: Desc<Gauge> = Desc::gauge("keyed_keys", "Keys there are.");
const KEYS_MAX: Desc<Gauge> = Desc::gauge("keyed_keys_max", "Keys there may be.");
const INSERTED: Desc<Counter> = Desc::counter("keyed_keys_inserted_total", "Keys that were new.");
const FORGOTTEN: Desc<Counter> = Desc::counter(
    "keyed_keys_forgotten_total",
    "Keys that were forgotten, because nobody asked for them or to make room.",
);
const REFUSED: Desc<Counter> =
    Desc::counter("keyed_keys_refused_total", "New keys that were refused, since all others were in use.");

const NAME: LabelNames<2> = LabelNames::new(["kind", "name"]);
const NAME_WHY: LabelNames<3> = LabelNames::new(["kind", "name", "why"]);

/// How many keys there are, may be, came and went.
pub(super) fn put(scrape: &mut Scrape, kind: &str, name: &str, keys: &KeyedStats) {
    scrape.gauges(&KEYS, NAME).put([kind, name], count(keys.len));
    scrape.gauges(&KEYS_MAX, NAME).put([kind, name], count(keys.max));
    scrape.counters(&INSERTED, NAME).put([kind, name], keys.inserted);
    let mut forgotten = scrape.counters(&FORGOTTEN, NAME_WHY);
    forgotten.put([kind, name, "idle"], keys.idle);
    forgotten.put([kind, name, "displaced"], keys.displaced);
    scrape.counters(&REFUSED, NAME).put([kind, name], keys.refused);
}
