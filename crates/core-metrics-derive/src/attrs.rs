//! What stands in `#[label(…)]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Expr, ExprLit, Lit, Meta, Token};

use crate::case::Case;
use crate::complaints::Complaints;

/// Everything that the `#[label(…)]` of one item say.
#[derive(Default)]
pub(crate) struct Attrs {
    /// The text, and where it stands.
    pub(crate) rename: Option<(String, Span)>,
    pub(crate) rename_all: Option<Case>,
    krate: Option<TokenStream>,
}

/// What the attributes stand on.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Struct,
    Field,
    Enum,
    Variant,
}

// === impl Attrs ===

impl Attrs {
    pub(crate) fn read(attrs: &[Attribute], place: Place, complaints: &mut Complaints) -> Self {
        let mut read = Self::default();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("label")) {
            for entry in complaints.sift(entries(attr)).into_iter().flatten() {
                read.take(&entry, place, complaints);
            }
        }
        read
    }

    /// Where core-metrics is.
    pub(crate) fn krate(&self) -> TokenStream {
        self.krate.clone().unwrap_or_else(|| quote!(::core_metrics))
    }

    fn take(&mut self, entry: &Meta, place: Place, complaints: &mut Complaints) {
        let key = entry.path().to_token_stream().to_string().replace(' ', "");
        if !place.keys().contains(&key.as_str()) {
            let known = place.keys().join(", ");
            let text = format_args!("`{key}` does not go on {}; there are: {known}", place.noun());
            return complaints.add(entry.path(), text);
        }
        let is_new = match key.as_str() {
            "rename" => give(&mut self.rename, text(entry), complaints),
            "rename_all" => give(
                &mut self.rename_all,
                text(entry).and_then(|(text, span)| Case::read(&text, span)),
                complaints,
            ),
            // The one that is left of `Place::keys`.
            _ => give(&mut self.krate, path(entry), complaints),
        };
        if !is_new {
            complaints.add(entry.path(), format_args!("`{key}` is given twice; keep one"));
        }
    }
}

fn entries(attr: &Attribute) -> syn::Result<Punctuated<Meta, Token![,]>> {
    match &attr.meta {
        Meta::List(list) => list.parse_args_with(Punctuated::parse_terminated),
        other => Err(Error::new_spanned(other, "write `#[label(…)]`, with at least one key in it")),
    }
}

/// Whether nothing was given yet.
fn give<T>(slot: &mut Option<T>, value: syn::Result<T>, complaints: &mut Complaints) -> bool {
    let is_new = slot.is_none();
    if let Some(value) = complaints.sift(value) {
        *slot = Some(value);
    }
    is_new
}

fn text(entry: &Meta) -> syn::Result<(String, Span)> {
    match value(entry)? {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok((text.value(), text.span())),
        other => Err(Error::new_spanned(other, "this is a text in quotes, as in `rename = \"method\"`")),
    }
}

/// A path to a crate or module.
fn path(entry: &Meta) -> syn::Result<TokenStream> {
    match value(entry)? {
        Expr::Path(path) if path.qself.is_none() => Ok(path.path.to_token_stream()),
        other => Err(Error::new_spanned(
            other,
            "this is a path without quotes, as in `crate = my_facade::metrics`",
        )),
    }
}

fn value(entry: &Meta) -> syn::Result<&Expr> {
    match entry {
        Meta::NameValue(pair) => Ok(&pair.value),
        other => Err(Error::new_spanned(other, "this needs a value, as in `rename = \"method\"`")),
    }
}

// === impl Place ===

impl Place {
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Struct => &["crate"],
            Self::Field | Self::Variant => &["rename"],
            Self::Enum => &["rename_all", "crate"],
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::Struct => "a struct",
            Self::Field => "a field",
            Self::Enum => "an enum",
            Self::Variant => "a variant",
        }
    }
}
