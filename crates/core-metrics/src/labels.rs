use std::hash::Hash;

use crate::desc::SERIES_MAX;
use crate::name;
use crate::text;
use crate::value::LabelValue;

/// The labels of a family, as a type: [`labels!`](crate::labels) writes it, and so does `#[derive(Labels)]` of the feature `derive`,
/// which can also give a label another name than its field.
///
/// Two values that are equal are one series; so are two that differ and have the same text.
///
/// # Cost
/// Where the values of all fields are numbered (enums with `#[derive(LabelValue)]`, `bool`, `Category`, `PolicyKind` and options of
/// these) and make up no more sets than a family has series, up to 2000, a look-up is a few multiplications and one load. Otherwise it
/// hashes the labels and compares them.
pub trait Labels: Clone + Eq + Hash + Send + Sync + 'static {
    /// What the labels are called, in the order of the values.
    const NAMES: &'static [&'static str];

    /// Hands over one value for each name.
    fn values(&self, values: &mut Values);

    /// How many sets of labels there are, where each has a number; 0 otherwise.
    #[doc(hidden)]
    const COUNT: usize = 0;

    /// The number of this one, below [`COUNT`](Self::COUNT).
    #[doc(hidden)]
    fn number(&self) -> usize {
        0
    }
}

/// Takes the values of one series, in order.
#[derive(Debug, Default)]
pub struct Values(Vec<String>);

/// The names of labels that a [collector](crate::Registry::collect) uses, checked by the compiler when in a constant.
#[derive(Clone, Copy, Debug)]
pub struct LabelNames<const N: usize>(pub(crate) [&'static str; N]);

/// The longest value. A longer one is no value from a small set.
const VALUE_LEN_MAX: usize = 512;

/// Says that a series is what did not fit, as in `OpenTelemetry`.
pub(crate) const OVERFLOW: &str = "otel_metric_overflow=\"true\"";

/// Writes a struct whose fields are the labels of a family.
///
/// The names are checked by the compiler. Fields have the visibility of the struct.
///
/// ```
/// core_metrics::labels! {
///     /// Where a request went.
///     pub struct Route { method: &'static str, route: &'static str, status: u16 }
/// }
/// let route = Route { method: "GET", route: "/orders/{id}", status: 200 };
/// ```
///
/// ```compile_fail
/// core_metrics::labels! { struct Bucket { le: &'static str } }
/// # let _ = Bucket { le: "0.1" };
/// ```
#[macro_export]
macro_rules! labels {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$of_field:meta])* $field:ident: $value:ty),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        $vis struct $name {
            $(
                $(#[$of_field])*
                #[doc = concat!("The label `", stringify!($field), "`.")]
                $vis $field: $value
            ),+
        }

        impl $crate::Labels for $name {
            const NAMES: &'static [&'static str] =
                &$crate::LabelNames::new([$(stringify!($field)),+]).into_names();

            fn values(&self, values: &mut $crate::Values) {
                $(values.put(&self.$field);)+
            }

            const COUNT: usize = $crate::Values::count(&[$(<$value as $crate::LabelValue>::COUNT),+]);

            fn number(&self) -> usize {
                $crate::Values::number([
                    $((<$value as $crate::LabelValue>::COUNT, $crate::LabelValue::number(&self.$field))),+
                ])
            }
        }

        // Refuses a bad name also where the labels are never used.
        const _: &[&str] = <$name as $crate::Labels>::NAMES;
    };
}

// === impl Labels ===

impl Labels for () {
    const NAMES: &'static [&'static str] = &[];

    fn values(&self, _: &mut Values) {}

    const COUNT: usize = 1;
}

// === impl Values ===

impl Values {
    /// Takes the value of the next label.
    pub fn put(&mut self, value: &(impl LabelValue + ?Sized)) {
        self.0.push(value.text().into_owned());
    }

    /// How many sets there are of values of which each has so many; 0 where one has no number, or they are too many for a table.
    #[doc(hidden)]
    #[must_use]
    pub const fn count(counts: &[usize]) -> usize {
        let (mut sets, mut at) = (1_usize, 0);
        while at < counts.len() {
            sets = sets.saturating_mul(counts[at]);
            at += 1;
        }
        if sets <= SERIES_MAX { sets } else { 0 }
    }

    /// The number of a set of values, each with how many there are and which it is.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn number<const N: usize>(values: [(usize, usize); N]) -> usize {
        values
            .iter()
            .fold(0, |number: usize, (count, value)| number.wrapping_mul(*count).wrapping_add(*value))
    }

    /// What `labels` has to say.
    pub(crate) fn of(labels: &impl Labels) -> Self {
        let mut values = Self::default();
        labels.values(&mut values);
        values
    }

    pub(crate) fn get(&self, at: usize) -> Option<&str> {
        self.0.get(at).map(String::as_str)
    }

    /// The text between the braces. `None` where it would not do.
    pub(crate) fn text(&self, names: &[&str]) -> Option<String> {
        if self.0.len() != names.len() {
            return None;
        }
        pairs(names.iter().copied().zip(self.0.iter().map(String::as_str)))
    }
}

/// The text of pairs between braces. `None` where a value is too long.
pub(crate) fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let mut out = String::new();
    for (name, value) in pairs {
        if value.len() > VALUE_LEN_MAX {
            return None;
        }
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(name);
        out.push_str("=\"");
        text::escape_label(&mut out, value);
        out.push('"');
    }
    Some(out)
}

// === impl LabelNames ===

impl LabelNames<0> {
    /// For a family of one series.
    pub const NONE: Self = Self([]);
}

impl<const N: usize> LabelNames<N> {
    /// These names.
    ///
    /// # Panics
    /// If one could not be scraped, or two are the same; in a constant, this is an error of the compiler.
    #[must_use]
    pub const fn new(mut names: [&'static str; N]) -> Self {
        let mut at = 0;
        while at < N {
            names[at] = plain(names[at]);
            at += 1;
        }
        assert!(name::are_labels(&names), "labels are named by letters, digits and `_`, each once, not `le`");
        Self(names)
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn into_names(self) -> [&'static str; N] {
        self.0
    }
}

/// A field that is called `r#type` is the label `type`.
const fn plain(name: &'static str) -> &'static str {
    let bytes = name.as_bytes();
    if bytes.len() > 2 && bytes[0] == b'r' && bytes[1] == b'#' { name.split_at(2).1 } else { name }
}
