//! Labels from a struct.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, FieldsNamed, Ident, Type};

use crate::attrs::{Attrs, Place};
use crate::complaints::Complaints;
use crate::names;

/// A field and the label that it is.
struct Label<'a> {
    field: &'a Ident,
    ty: &'a Type,
    name: String,
    /// Where the name was given.
    span: Span,
}

/// The implementation of `Labels`.
///
/// # Errors
/// Everything that is wrong, each at its place.
pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let fields = fields(input)?;
    let mut complaints = Complaints::default();
    names::no_parameters(&input.generics, &mut complaints);
    let krate = Attrs::read(&input.attrs, Place::Struct, &mut complaints).krate();
    let labels: Vec<_> =
        fields.named.iter().filter_map(|field| Label::read(field, &mut complaints)).collect();
    names::no_doubles(labels.iter().map(|l| (l.name.as_str(), l.span)), "labels", &mut complaints);
    complaints.none_or(())?;
    Ok(implement(&input.ident, &krate, &labels))
}

fn implement(ident: &Ident, krate: &TokenStream, labels: &[Label<'_>]) -> TokenStream {
    let names = labels.iter().map(|label| &label.name);
    // What cannot be a value is said at the type of its field, and is no code of the user's to lints.
    let at = |label: &Label<'_>| Span::call_site().located_at(label.ty.span());
    let put = labels.iter().map(|label| {
        let field = label.field;
        quote_spanned!(at(label)=> values.put(&self.#field);)
    });
    let count = |label: &Label<'_>| {
        let ty = label.ty;
        quote_spanned!(at(label)=> <#ty as #krate::LabelValue>::COUNT)
    };
    let (counts, counts_again) = (labels.iter().map(count), labels.iter().map(count));
    let numbers = labels.iter().map(|label| {
        let field = label.field;
        quote_spanned!(at(label)=> #krate::LabelValue::number(&self.#field))
    });
    quote! {
        #[automatically_derived]
        impl #krate::Labels for #ident {
            const NAMES: &'static [&'static str] = &#krate::LabelNames::new([#(#names),*]).into_names();

            fn values(&self, values: &mut #krate::Values) {
                #(#put)*
            }

            const COUNT: usize = #krate::Values::count(&[#(#counts),*]);

            #[inline]
            fn number(&self) -> usize {
                #krate::Values::number([#((#counts_again, #numbers)),*])
            }
        }
    }
}

fn fields(input: &DeriveInput) -> syn::Result<&FieldsNamed> {
    let wrong = |at: &dyn ToTokens, text: &str| Err(Error::new_spanned(at.to_token_stream(), text));
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if !fields.named.is_empty() => Ok(fields),
            Fields::Unnamed(fields) => wrong(fields, "labels are named: give the fields names"),
            _ => wrong(&input.ident, "there is no label: for a metric without labels there is `()`"),
        },
        Data::Enum(data) => wrong(
            &data.enum_token,
            "an enum is the value of a label: derive `LabelValue`, and have it as the field of a struct",
        ),
        Data::Union(data) => wrong(&data.union_token, "labels are the fields of a struct"),
    }
}

// === impl Label ===

impl<'a> Label<'a> {
    fn read(field: &'a syn::Field, complaints: &mut Complaints) -> Option<Self> {
        let attrs = Attrs::read(&field.attrs, Place::Field, complaints);
        let ident = field.ident.as_ref()?;
        let (name, span) = attrs.rename.unwrap_or_else(|| (ident.unraw().to_string(), ident.span()));
        if let Some(why) = names::why_no_label(&name) {
            complaints.push(Error::new(span, format!("{name:?} cannot be the name of a label: {why}")));
        }
        Some(Self { field: ident, ty: &field.ty, name, span })
    }
}
