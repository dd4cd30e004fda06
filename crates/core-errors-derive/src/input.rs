//! What is to be classified, read and checked.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::{Data, DataEnum, DeriveInput, Error, Generics, Ident, LitBool};

use crate::attrs::{Attrs, Place};
use crate::complaints::Complaints;
use crate::field::Field;
use crate::subject::Subject;

/// A type that is to be classified.
pub(crate) struct Input<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) generics: &'a Generics,
    /// Where core-errors is.
    pub(crate) krate: TokenStream,
    /// Whether a conversion into `Error` was asked for.
    pub(crate) into_error: bool,
    pub(crate) body: Body<'a>,
}

pub(crate) enum Body<'a> {
    Struct(Answer<'a>),
    Enum(Vec<(&'a Ident, Answer<'a>)>),
}

/// How a struct or a variant answers.
pub(crate) enum Answer<'a> {
    /// It asks a field.
    Ask(Field<'a>),
    /// It says so itself.
    Say(Said<'a>),
}

pub(crate) struct Said<'a> {
    pub(crate) category: Ident,
    pub(crate) recovery: Option<Ident>,
    pub(crate) code: Option<Literal>,
    pub(crate) idempotent_only: Option<LitBool>,
    pub(crate) retry_after: Option<Field<'a>>,
}

// === impl Input ===

impl<'a> Input<'a> {
    /// # Errors
    /// Everything that is wrong, each at its place.
    pub(crate) fn read(input: &'a DeriveInput) -> syn::Result<Self> {
        let mut complaints = Complaints::default();
        let place = match &input.data {
            Data::Struct(_) => Place::Struct,
            Data::Enum(_) => Place::Enum,
            Data::Union(data) => {
                let text = "a union cannot be classified: nobody knows which of its fields is there";
                return Err(Error::new(data.union_token.span, text));
            }
        };
        let mut attrs = Attrs::read(&input.attrs, place, &mut complaints);
        let krate = attrs.krate.take().and_then(|given| given.value).unwrap_or_else(|| quote!(::core_errors));
        let into_error = attrs.into_error.is_some();
        let body = match &input.data {
            Data::Enum(data) => variants(data, &attrs, &mut complaints).map(Body::Enum),
            Data::Struct(data) => {
                let subject = Subject::new(&input.ident, attrs, &data.fields, &mut complaints);
                subject.answer(None, &mut complaints).map(Body::Struct)
            }
            Data::Union(_) => None,
        };
        // Without a complaint there is a body.
        let body = complaints.none_or(body)?;
        let body = body.ok_or_else(|| Error::new_spanned(&input.ident, "this cannot be classified"))?;
        Ok(Self { name: &input.ident, generics: &input.generics, krate, into_error, body })
    }

    /// Every answer of the type.
    pub(crate) fn answers(&self) -> impl Iterator<Item = &Answer<'a>> {
        let (one, many) = match &self.body {
            Body::Struct(answer) => (Some(answer), &[][..]),
            Body::Enum(variants) => (None, variants.as_slice()),
        };
        one.into_iter().chain(many.iter().map(|(_, answer)| answer))
    }
}

/// `None` if there was a complaint about one of them.
fn variants<'a>(
    data: &'a DataEnum,
    default: &Attrs,
    complaints: &mut Complaints,
) -> Option<Vec<(&'a Ident, Answer<'a>)>> {
    let answers = data.variants.iter().map(|variant| {
        let attrs = Attrs::read(&variant.attrs, Place::Variant, complaints);
        let subject = Subject::new(&variant.ident, attrs, &variant.fields, complaints);
        Some((&variant.ident, subject.answer(Some(default), complaints)?))
    });
    // All are looked at, whatever came of those before.
    answers.collect::<Vec<_>>().into_iter().collect()
}

// === impl Answer ===

impl<'a> Answer<'a> {
    /// The field that is asked for everything.
    pub(crate) fn asked(&self) -> Option<&Field<'a>> {
        match self {
            Self::Ask(field) => Some(field),
            Self::Say(_) => None,
        }
    }
}
