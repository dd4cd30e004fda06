//! What stands in `#[classify(…)]`.

use proc_macro2::{Literal, TokenStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Ident, LitBool, Meta, Path, Token};

use crate::complaints::Complaints;
use crate::values;

/// Everything that the `#[classify(…)]` of one item say.
#[derive(Default)]
pub(crate) struct Attrs {
    pub(crate) category: Option<Given<Ident>>,
    pub(crate) recovery: Option<Given<Ident>>,
    pub(crate) code: Option<Given<Literal>>,
    pub(crate) idempotent_only: Option<Given<LitBool>>,
    pub(crate) transparent: Option<Given<()>>,
    pub(crate) into_error: Option<Given<()>>,
    pub(crate) krate: Option<Given<TokenStream>>,
    pub(crate) retry_after: Option<Given<()>>,
    pub(crate) source: Option<Given<()>>,
    /// Some of it could not be read or has a name that nobody knows: what seems to be missing may be there.
    pub(crate) is_broken: bool,
}

/// A key that was given.
pub(crate) struct Given<T> {
    entry: Meta,
    /// Absent if it was wrong, which is a complaint already.
    pub(crate) value: Option<T>,
}

/// What the attributes stand on.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Enum,
    Struct,
    Variant,
    Field,
}

// === impl Attrs ===

impl Attrs {
    pub(crate) fn read(attrs: &[Attribute], place: Place, complaints: &mut Complaints) -> Self {
        let mut read = Self::default();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("classify")) {
            match complaints.sift(entries(attr)) {
                Some(entries) => entries.into_iter().for_each(|entry| read.take(entry, place, complaints)),
                None => read.is_broken = true,
            }
        }
        read
    }

    fn take(&mut self, entry: Meta, place: Place, complaints: &mut Complaints) {
        let name = values::shown(entry.path());
        if !place.keys().contains(&name.as_str()) {
            self.is_broken |= Place::of(&name).next().is_none();
            return complaints.add(entry.path(), place.stranger(&name));
        }
        match name.as_str() {
            "category" => give(&mut self.category, values::category(&entry), entry, complaints),
            "recovery" => give(&mut self.recovery, values::recovery(&entry), entry, complaints),
            "code" => give(&mut self.code, values::code(&entry), entry, complaints),
            "idempotent_only" => give(&mut self.idempotent_only, values::truth(&entry), entry, complaints),
            "crate" => give(&mut self.krate, values::path(&entry), entry, complaints),
            "transparent" => give(&mut self.transparent, values::flag(&entry), entry, complaints),
            "into_error" => give(&mut self.into_error, values::flag(&entry), entry, complaints),
            "retry_after" => give(&mut self.retry_after, values::flag(&entry), entry, complaints),
            // The one that is left of `Place::keys`.
            _ => give(&mut self.source, values::flag(&entry), entry, complaints),
        }
    }
}

fn entries(attr: &Attribute) -> syn::Result<Punctuated<Meta, Token![,]>> {
    match &attr.meta {
        Meta::List(list) => list.parse_args_with(Punctuated::parse_terminated),
        other => Err(Error::new_spanned(other, "write `#[classify(…)]`, with at least one key in it")),
    }
}

fn give<T>(slot: &mut Option<Given<T>>, value: syn::Result<T>, entry: Meta, complaints: &mut Complaints) {
    let value = complaints.sift(value);
    if slot.is_some() {
        let key = entry.path();
        return complaints.add(key, format_args!("`{}` is given twice; keep one", values::shown(key)));
    }
    *slot = Some(Given { entry, value });
}

// === impl Given ===

impl<T> Given<T> {
    pub(crate) fn key(&self) -> &Path {
        self.entry.path()
    }
}

// === impl Place ===

impl Place {
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Enum => &["category", "into_error", "crate"],
            Self::Struct => {
                &["category", "recovery", "code", "idempotent_only", "transparent", "into_error", "crate"]
            }
            Self::Variant => &["category", "recovery", "code", "idempotent_only", "transparent"],
            Self::Field => &["retry_after", "source"],
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::Enum => "an enum",
            Self::Struct => "a struct",
            Self::Variant => "a variant",
            Self::Field => "a field",
        }
    }

    /// Where the key goes.
    fn of(name: &str) -> impl Iterator<Item = Self> {
        [Self::Enum, Self::Struct, Self::Variant, Self::Field]
            .into_iter()
            .filter(move |place| place.keys().contains(&name))
    }

    /// What to say of a key that does not go here.
    fn stranger(self, name: &str) -> String {
        let here = self.noun();
        let homes: Vec<_> = Self::of(name).map(Self::noun).collect();
        let why = match homes.as_slice() {
            [] => format!("there is no key `{name}`"),
            homes => format!("`{name}` does not go on {here}, but on {}", homes.join(" or ")),
        };
        format!("{why}; on {here} there are: {}", self.keys().join(", "))
    }
}
