//! Values of a label from an enum.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Data, DataEnum, DeriveInput, Error, Fields, Ident, Variant};

use crate::attrs::{Attrs, Place};
use crate::case::Case;
use crate::complaints::Complaints;
use crate::names;

/// A variant and its text.
struct Value<'a> {
    variant: &'a Ident,
    text: String,
    /// Where the text was given.
    span: Span,
}

/// The implementation of `LabelValue`.
///
/// # Errors
/// Everything that is wrong, each at its place.
pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let data = variants(input)?;
    let mut complaints = Complaints::default();
    names::no_parameters(&input.generics, &mut complaints);
    let attrs = Attrs::read(&input.attrs, Place::Enum, &mut complaints);
    let case = attrs.rename_all.unwrap_or_default();
    let values: Vec<_> =
        data.variants.iter().map(|variant| Value::read(variant, case, &mut complaints)).collect();
    names::no_doubles(values.iter().map(|v| (v.text.as_str(), v.span)), "values", &mut complaints);
    complaints.none_or(())?;
    Ok(implement(&input.ident, &attrs.krate(), &values))
}

fn implement(ident: &Ident, krate: &TokenStream, values: &[Value<'_>]) -> TokenStream {
    let variants: Vec<_> = values.iter().map(|value| value.variant).collect();
    let texts = values.iter().map(|value| &value.text);
    let (numbers, count) = (0..values.len(), values.len());
    quote! {
        #[automatically_derived]
        impl #krate::LabelValue for #ident {
            fn text(&self) -> ::std::borrow::Cow<'_, str> {
                ::std::borrow::Cow::Borrowed(match self { #(Self::#variants => #texts),* })
            }

            const COUNT: usize = #count;

            #[inline]
            fn number(&self) -> usize {
                match self { #(Self::#variants => #numbers),* }
            }
        }
    }
}

fn variants(input: &DeriveInput) -> syn::Result<&DataEnum> {
    let wrong = |at: &dyn ToTokens, text: &str| Err(Error::new_spanned(at.to_token_stream(), text));
    match &input.data {
        Data::Enum(data) if !data.variants.is_empty() => Ok(data),
        Data::Enum(_) => wrong(&input.ident, "there is no value: an enum without variants has none"),
        Data::Struct(data) => wrong(
            &data.struct_token,
            "the values of a label are the variants of an enum; for labels that are the fields of a struct, derive `Labels`",
        ),
        Data::Union(data) => wrong(&data.union_token, "the values of a label are the variants of an enum"),
    }
}

// === impl Value ===

impl<'a> Value<'a> {
    fn read(variant: &'a Variant, case: Case, complaints: &mut Complaints) -> Self {
        let attrs = Attrs::read(&variant.attrs, Place::Variant, complaints);
        match &variant.fields {
            Fields::Unit => {}
            fields if fields.is_empty() => {
                complaints.add(fields, "a value is a variant alone: leave these out");
            }
            fields => complaints.add(
                fields,
                "a variant that holds something would be a series for each of that; write one without fields",
            ),
        }
        let (text, span) = attrs
            .rename
            .unwrap_or_else(|| (case.apply(&variant.ident.unraw().to_string()), variant.ident.span()));
        if let Some(why) = names::why_no_value(&text) {
            complaints.push(Error::new(span, format!("{text:?} cannot be a value: {why}")));
        }
        Self { variant: &variant.ident, text, span }
    }
}
