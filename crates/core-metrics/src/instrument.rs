use crate::text::{Kind, Number, Writer};
use crate::{Counter, Desc, FloatCounter, Gauge, Histogram, RangeGauge};

/// What a registry keeps: [`Counter`], [`FloatCounter`], [`Gauge`], [`RangeGauge`], [`Histogram`]. Nobody else implements it.
pub trait Instrument: Clone + Send + Sync + sealed::Encode + 'static {}

pub(crate) mod sealed {
    use super::{Counter, Desc, Kind, Writer};

    /// How an instrument is made and written.
    pub trait Encode: Sized {
        #[doc(hidden)]
        const FAMILIES: &'static [(Kind, &'static str)];

        #[doc(hidden)]
        fn make(desc: &Desc<Self>, rejected: &Counter) -> Self;

        #[doc(hidden)]
        fn encode(writer: &mut Writer, desc: &Desc<Self>, series: &[(std::sync::Arc<str>, Self)]);
    }
}

type Series<K> = [(std::sync::Arc<str>, K)];

// === impl Instrument ===

impl Instrument for Counter {}
impl Instrument for FloatCounter {}
impl Instrument for Gauge {}
impl Instrument for RangeGauge {}
impl Instrument for Histogram {}

impl sealed::Encode for Counter {
    const FAMILIES: &'static [(Kind, &'static str)] = &[(Kind::Counter, "")];

    fn make(_: &Desc<Self>, _: &Counter) -> Self {
        Self::new()
    }

    fn encode(writer: &mut Writer, desc: &Desc<Self>, series: &Series<Self>) {
        writer.head(desc.name, Kind::Counter, desc.help);
        for (labels, counter) in series {
            writer.sample(desc.name, "", labels, Number::Int(counter.get()));
        }
    }
}

impl sealed::Encode for FloatCounter {
    const FAMILIES: &'static [(Kind, &'static str)] = &[(Kind::Counter, "")];

    fn make(_: &Desc<Self>, rejected: &Counter) -> Self {
        Self::new(rejected)
    }

    fn encode(writer: &mut Writer, desc: &Desc<Self>, series: &Series<Self>) {
        writer.head(desc.name, Kind::Counter, desc.help);
        for (labels, counter) in series {
            writer.sample(desc.name, "", labels, Number::Float(counter.get()));
        }
    }
}

impl sealed::Encode for Gauge {
    const FAMILIES: &'static [(Kind, &'static str)] = &[(Kind::Gauge, "")];

    fn make(_: &Desc<Self>, rejected: &Counter) -> Self {
        Self::new(rejected)
    }

    fn encode(writer: &mut Writer, desc: &Desc<Self>, series: &Series<Self>) {
        writer.head(desc.name, Kind::Gauge, desc.help);
        for (labels, gauge) in series {
            writer.sample(desc.name, "", labels, Number::Float(gauge.get()));
        }
    }
}

impl sealed::Encode for RangeGauge {
    const FAMILIES: &'static [(Kind, &'static str)] =
        &[(Kind::Gauge, ""), (Kind::Gauge, "_max"), (Kind::Gauge, "_min")];

    fn make(_: &Desc<Self>, _: &Counter) -> Self {
        Self::new()
    }

    fn encode(writer: &mut Writer, desc: &Desc<Self>, series: &Series<Self>) {
        let taken: Vec<_> = series.iter().map(|(labels, range)| (labels, range.take())).collect();
        for (family, (kind, suffix)) in Self::FAMILIES.iter().enumerate() {
            writer.head(&format!("{}{suffix}", desc.name), *kind, desc.help);
            for (labels, taken) in &taken {
                writer.sample(desc.name, suffix, labels, Number::Signed(taken[family]));
            }
        }
    }
}

impl sealed::Encode for Histogram {
    const FAMILIES: &'static [(Kind, &'static str)] = &[(Kind::Histogram, "")];

    fn make(desc: &Desc<Self>, rejected: &Counter) -> Self {
        Self::new(desc, rejected)
    }

    fn encode(writer: &mut Writer, desc: &Desc<Self>, series: &Series<Self>) {
        writer.head(desc.name, Kind::Histogram, desc.help);
        for (labels, histogram) in series {
            let snapshot = histogram.snapshot();
            let counted = (histogram.le(), snapshot.counts.as_slice(), snapshot.sum);
            writer.histogram(desc.name, labels, counted, histogram.exemplars());
        }
    }
}
