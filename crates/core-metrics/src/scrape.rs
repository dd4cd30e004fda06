use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

use crate::labels::{self, LabelNames};
use crate::text::{self, Kind, Number, Writer};
use crate::{Counter, Desc, Gauge, Histogram, HistogramSnapshot};

/// Takes what a [collector](crate::Registry::collect) reads from elsewhere, at each scrape.
///
/// What could not stand in the text is left out and counted in `metrics_rejected_total`: a value that is not finite, a counter
/// below zero, the same labels twice, a family that is registered or was collected as another kind.
#[derive(Debug, Default)]
pub struct Scrape {
    blocks: BTreeMap<&'static str, Block>,
    rejected: u64,
    /// Which collector writes now.
    collector: usize,
    /// Families that were left out whole.
    left_out: BTreeSet<&'static str>,
    /// Families of others that were full, and how often.
    #[cfg(feature = "facade")]
    overflowed: Vec<(&'static str, u64)>,
}

/// Takes the samples of one family. Made by [`Scrape::counters`] and its like.
#[derive(Debug)]
pub struct Samples<'s, K, const N: usize> {
    /// `None` when the family does not fit to what is there.
    block: Option<&'s mut Block>,
    rejected: &'s mut u64,
    names: LabelNames<N>,
    kind: PhantomData<fn() -> K>,
}

#[derive(Debug)]
struct Block {
    /// How many there were before it.
    number: usize,
    kind: Kind,
    help: &'static str,
    labels: Vec<&'static str>,
    /// The collector that has it for itself, if its labels are not known beforehand.
    of: Option<usize>,
    series_max: usize,
    samples: BTreeMap<String, Sample>,
}

/// The family that a sample is for.
struct Asked<'a> {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    labels: &'a [&'static str],
    of: Option<usize>,
    series_max: usize,
}

/// What stands behind the labels.
#[derive(Debug)]
pub(crate) enum Sample {
    Number(Number),
    Histogram(HistogramSnapshot),
}

/// What a collector can write.
trait Collected {
    const KIND: Kind;
}

impl Collected for Counter {
    const KIND: Kind = Kind::Counter;
}

impl Collected for Gauge {
    const KIND: Kind = Kind::Gauge;
}

impl Collected for Histogram {
    const KIND: Kind = Kind::Histogram;
}

// === impl Scrape ===

impl Scrape {
    /// A family of counters.
    pub fn counters<const N: usize>(
        &mut self,
        desc: &Desc<Counter>,
        labels: LabelNames<N>,
    ) -> Samples<'_, Counter, N> {
        self.family(desc, labels)
    }

    /// A family of gauges.
    pub fn gauges<const N: usize>(
        &mut self,
        desc: &Desc<Gauge>,
        labels: LabelNames<N>,
    ) -> Samples<'_, Gauge, N> {
        self.family(desc, labels)
    }

    /// A family of histograms that were counted elsewhere.
    pub fn histograms<const N: usize>(
        &mut self,
        desc: &Desc<Histogram>,
        labels: LabelNames<N>,
    ) -> Samples<'_, Histogram, N> {
        self.family(desc, labels)
    }

    /// Something that is known of the process or what it runs on: a gauge that is 1, with what is known in its labels.
    ///
    /// `name` ends in `_info`.
    pub fn info<const N: usize>(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: LabelNames<N>,
        values: [&str; N],
    ) {
        let fits = crate::name::is_metric(name) && crate::name::ends_with(name, "_info");
        let asked = Asked { name, kind: Kind::Info, help, labels: &labels.0, of: None, series_max: 1 };
        if fits && let Some(block) = self.block(&asked) {
            let text = labels::pairs(labels.0.iter().copied().zip(values));
            if let Some(text) = text {
                block.samples.insert(text, Sample::Number(Number::Int(1)));
                return;
            }
        }
        self.rejected += 1;
    }

    fn family<K: Collected, const N: usize>(
        &mut self,
        desc: &Desc<K>,
        names: LabelNames<N>,
    ) -> Samples<'_, K, N> {
        let Desc { name, help, series_max, .. } = *desc;
        let asked = Asked { name, kind: K::KIND, help, labels: &names.0, of: None, series_max };
        // Borrowed apart from the count of what is refused.
        let Self { blocks, rejected, left_out, .. } = self;
        let block = find(blocks, left_out, &asked);
        Samples { block, rejected, names, kind: PhantomData }
    }

    fn block(&mut self, asked: &Asked<'_>) -> Option<&mut Block> {
        find(&mut self.blocks, &mut self.left_out, asked)
    }

    /// Another collector begins.
    pub(crate) fn next_collector(&mut self) {
        self.collector += 1;
    }

    /// One sample whose labels may differ from those of its neighbours, which are all of this collector.
    #[cfg(any(feature = "facade", feature = "prometheus"))]
    pub(crate) fn raw(
        &mut self,
        (name, kind, help): (&'static str, Kind, &'static str),
        text: &str,
        sample: Sample,
    ) {
        let of = Some(self.collector);
        match self.block(&Asked { name, kind, help, labels: &[], of, series_max: usize::MAX }) {
            Some(block) if !block.samples.contains_key(text) => {
                block.samples.insert(text.to_owned(), sample);
            }
            _ => self.rejected += 1,
        }
    }

    /// Counts samples that were left out.
    #[cfg(feature = "prometheus")]
    pub(crate) fn reject(&mut self, samples: u64) {
        self.rejected += samples;
    }

    /// How often there was no place for another series in a family of others.
    #[cfg(feature = "facade")]
    pub(crate) fn overflowed(&mut self, name: &'static str, times: u64) {
        self.overflowed.push((name, times));
    }

    #[cfg(feature = "facade")]
    pub(crate) fn take_overflowed(&mut self) -> Vec<(&'static str, u64)> {
        std::mem::take(&mut self.overflowed)
    }

    /// What was refused so far.
    pub(crate) fn take_rejected(&mut self) -> u64 {
        std::mem::take(&mut self.rejected)
    }

    /// The families that were left out whole, since another has the name.
    pub(crate) fn take_left_out(&mut self) -> BTreeSet<&'static str> {
        std::mem::take(&mut self.left_out)
    }

    /// Leaves out what would take a name that is taken, or that an earlier one has, and counts it.
    pub(crate) fn keep(&mut self, mut is_free: impl FnMut(&[String]) -> bool) {
        let before = self.blocks.len();
        let mut taken = BTreeSet::new();
        let mut in_turn: Vec<_> =
            self.blocks.iter().map(|(name, block)| (block.number, *name, block.kind)).collect();
        in_turn.sort_unstable_by_key(|(number, ..)| *number);
        for (_, name, kind) in in_turn {
            let claims = kind.claims(name);
            if is_free(&claims) && !claims.iter().any(|claim| taken.contains(claim)) {
                taken.extend(claims);
            } else {
                self.blocks.remove(name);
                self.left_out.insert(name);
            }
        }
        self.rejected += u64::try_from(before - self.blocks.len()).unwrap_or(u64::MAX);
    }

    pub(crate) fn first(&self) -> Option<&'static str> {
        self.blocks.keys().next().copied()
    }

    pub(crate) fn write_first(&mut self, writer: &mut Writer) {
        if let Some((name, block)) = self.blocks.pop_first() {
            block.write(name, writer);
        }
    }
}

/// The family, unless another has the name.
fn find<'b>(
    blocks: &'b mut BTreeMap<&'static str, Block>,
    left_out: &mut BTreeSet<&'static str>,
    asked: &Asked<'_>,
) -> Option<&'b mut Block> {
    let Asked { name, kind, help, labels, of, series_max } = *asked;
    let number = blocks.len();
    let samples = BTreeMap::new();
    let new = || Block { number, kind, help, labels: labels.to_vec(), of, series_max, samples };
    let block = blocks.entry(name).or_insert_with(new);
    let fits = block.kind == kind && block.labels == labels && block.of == of;
    if !fits {
        left_out.insert(name);
    }
    fits.then_some(block)
}

// === impl Samples ===

impl<const N: usize> Samples<'_, Counter, N> {
    /// One sample.
    pub fn put(&mut self, values: [&str; N], value: u64) {
        self.insert(values, Some(Sample::Number(Number::Int(value))));
    }

    /// One sample of what is counted in fractions, as seconds are.
    pub fn put_float(&mut self, values: [&str; N], value: f64) {
        let fits = value.is_finite() && value >= 0.0;
        self.insert(values, fits.then_some(Sample::Number(Number::Float(value))));
    }
}

impl<const N: usize> Samples<'_, Gauge, N> {
    /// One sample.
    pub fn put(&mut self, values: [&str; N], value: f64) {
        self.insert(values, value.is_finite().then_some(Sample::Number(Number::Float(value))));
    }

    /// One sample that is 1 where it holds and 0 where not.
    pub fn put_bool(&mut self, values: [&str; N], holds: bool) {
        self.put(values, f64::from(u8::from(holds)));
    }
}

impl<const N: usize> Samples<'_, Histogram, N> {
    /// One histogram: ends of buckets that are finite and increasing, and one count more than there are ends, which come to no more
    /// than a `u64` holds.
    pub fn put(&mut self, values: [&str; N], value: HistogramSnapshot) {
        self.insert(values, value.is_sound().then_some(Sample::Histogram(value)));
    }
}

impl<K, const N: usize> Samples<'_, K, N> {
    fn insert(&mut self, values: [&str; N], sample: Option<Sample>) {
        let text = labels::pairs(self.names.0.iter().copied().zip(values));
        let (Some(block), Some(sample), Some(text)) = (self.block.as_deref_mut(), sample, text) else {
            *self.rejected += 1;
            return;
        };
        if block.samples.len() == block.series_max || block.samples.contains_key(&text) {
            *self.rejected += 1;
        } else {
            block.samples.insert(text, sample);
        }
    }
}

// === impl Block ===

impl Block {
    fn write(&self, name: &str, writer: &mut Writer) {
        writer.head(name, self.kind, self.help);
        for (labels, sample) in &self.samples {
            match sample {
                Sample::Number(number) => writer.sample(name, "", labels, *number),
                Sample::Histogram(of) => {
                    writer.histogram(name, labels, (&text::le(&of.bounds), &of.counts, of.sum), None);
                }
            }
        }
    }
}
