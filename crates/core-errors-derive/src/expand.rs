//! The code that answers.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{DeriveInput, Type};

use crate::field::Field;
use crate::input::{Answer, Body, Input, Said};

/// The implementations for `input`.
///
/// # Errors
/// Everything that is wrong with `input`.
pub(crate) fn classify(input: &DeriveInput) -> syn::Result<TokenStream> {
    let input = Input::read(input)?;
    let classify = input.classify();
    let from = input.into_error.then(|| input.from());
    Ok(quote! { #classify #from })
}

/// The answer of a struct or a variant to one question.
struct Reply {
    /// What stands before `..` in the pattern that it needs.
    bound: TokenStream,
    value: TokenStream,
}

// === impl Input ===

impl Input<'_> {
    fn classify(&self) -> TokenStream {
        let Self { name, generics, krate, .. } = self;
        let (parameters, arguments, _) = generics.split_for_impl();
        let bounds = self.bounds(None);
        let methods = [
            Some(self.recovery()),
            self.retry_after(),
            Some(self.category()),
            self.code(),
            self.idempotent_only(),
            self.delivery(),
            self.forbids_retry(),
            self.verdict(),
        ];
        quote! {
            #[automatically_derived]
            impl #parameters #krate::Classify for #name #arguments #bounds {
                #(#methods)*
            }
        }
    }

    fn from(&self) -> TokenStream {
        let Self { name, generics, krate, .. } = self;
        let (parameters, arguments, _) = generics.split_for_impl();
        // Of a type without parameters the compiler knows what it is, and warns of bounds that only repeat it.
        let is_error = (!generics.params.is_empty()).then(|| {
            quote!(#name #arguments: ::std::error::Error + ::core::marker::Send + ::core::marker::Sync + 'static)
        });
        let bounds = self.bounds(is_error);
        let error = Ident::new("error", Span::mixed_site());
        quote! {
            #[automatically_derived]
            impl #parameters ::core::convert::From<#name #arguments> for #krate::Error #bounds {
                #[track_caller]
                fn from(#error: #name #arguments) -> Self {
                    #krate::Error::classified(#error)
                }
            }
        }
    }

    fn recovery(&self) -> TokenStream {
        let krate = &self.krate;
        self.method("recovery", &quote!(#krate::Recovery), |said| {
            let category = &said.category;
            let of_category = || quote!(#krate::Category::recovery(#krate::Category::#category));
            let own = |recovery| quote!(#krate::Recovery::#recovery);
            Reply::plain(said.recovery.as_ref().map_or_else(of_category, own))
        })
    }

    fn category(&self) -> TokenStream {
        let krate = &self.krate;
        self.method("category", &quote!(#krate::Category), |Said { category, .. }| {
            Reply::plain(quote!(#krate::Category::#category))
        })
    }

    /// Nothing if the trait's own answer is right for all: none.
    fn code(&self) -> Option<TokenStream> {
        self.has(|said| said.code.is_some()).then(|| {
            let krate = &self.krate;
            self.method("code", &quote!(::core::option::Option<#krate::Code>), |said| {
                let none = || quote!(::core::option::Option::None);
                let some = |code| quote!(::core::option::Option::Some(const { #krate::Code::new(#code) }));
                Reply::plain(said.code.as_ref().map_or_else(none, some))
            })
        })
    }

    /// Nothing if the trait's own answer is right for all: none.
    fn retry_after(&self) -> Option<TokenStream> {
        let answer = quote!(::core::option::Option<::core::time::Duration>);
        self.has(|said| said.retry_after.is_some()).then(|| {
            self.method("retry_after", &answer, |said| match &said.retry_after {
                // A duration and an optional one both turn into an optional one.
                Some(field) => Reply::of(
                    field,
                    |ty, bound| quote!(<#ty as ::core::convert::Into<#answer>>::into(*#bound)),
                ),
                None => Reply::plain(quote!(::core::option::Option::None)),
            })
        })
    }

    /// Nothing if the trait's own answer is right for all: no field is asked.
    fn verdict(&self) -> Option<TokenStream> {
        let krate = &self.krate;
        // A method that overrides a default cannot call it: this is what the default does.
        let by_default = quote!(#krate::Verdict::of_class(
            #krate::Classify::recovery(self),
            #krate::Classify::category(self),
            #krate::Classify::retry_after(self),
        ));
        self.asks_a_field()
            .then(|| self.method("verdict", &quote!(#krate::Verdict), |_| Reply::plain(by_default.clone())))
    }

    /// Nothing if the trait's own answer is right for all: as the category says.
    fn idempotent_only(&self) -> Option<TokenStream> {
        let krate = &self.krate;
        self.has(|said| said.idempotent_only.is_some()).then(|| {
            self.method("idempotent_only", &quote!(::core::primitive::bool), |said| {
                let category = &said.category;
                let of_category = || quote!(#krate::Category::idempotent_only(#krate::Category::#category));
                Reply::plain(
                    said.idempotent_only.as_ref().map_or_else(of_category, ToTokens::to_token_stream),
                )
            })
        })
    }

    /// Nothing if the trait's own answer is right for all: no field is asked.
    fn delivery(&self) -> Option<TokenStream> {
        let krate = &self.krate;
        self.asks_a_field().then(|| {
            self.method("delivery", &quote!(#krate::Delivery), |_| {
                Reply::plain(quote!(#krate::Delivery::Unknown))
            })
        })
    }

    fn forbids_retry(&self) -> Option<TokenStream> {
        self.asks_a_field().then(|| {
            self.method("forbids_retry", &quote!(::core::primitive::bool), |_| Reply::plain(quote!(false)))
        })
    }

    fn asks_a_field(&self) -> bool {
        self.answers().any(|answer| matches!(answer, Answer::Ask(_)))
    }

    /// Whether one of the answers is of that kind, or a field is asked for it.
    fn has(&self, kind: impl Fn(&Said<'_>) -> bool) -> bool {
        self.answers().any(|answer| match answer {
            Answer::Ask(_) => true,
            Answer::Say(said) => kind(said),
        })
    }

    fn method(&self, name: &str, output: &TokenStream, say: impl Fn(&Said<'_>) -> Reply) -> TokenStream {
        let body = self.body(name, say);
        let name = format_ident!("{name}");
        quote!(fn #name(&self) -> #output { #body })
    }

    fn body(&self, method: &str, say: impl Fn(&Said<'_>) -> Reply) -> TokenStream {
        let krate = &self.krate;
        let method = format_ident!("{method}");
        let reply = |answer: &Answer<'_>| match answer {
            Answer::Ask(field) => {
                Reply::of(field, |ty, bound| quote!(<#ty as #krate::Classify>::#method(#bound)))
            }
            Answer::Say(said) => say(said),
        };
        match &self.body {
            Body::Struct(answer) => reply(answer).of_struct(),
            Body::Enum(variants) if variants.is_empty() => quote!(match *self {}),
            Body::Enum(variants) => {
                let arms = variants.iter().map(|(variant, answer)| reply(answer).arm(variant));
                quote!(match self { #(#arms)* })
            }
        }
    }

    /// The where-clause of the type, with what its transparent fields need and `more`.
    ///
    /// Only a field whose type depends on a parameter needs a bound; the compiler sees for itself what the others are.
    fn bounds(&self, more: Option<TokenStream>) -> Option<TokenStream> {
        let krate = &self.krate;
        let parameters: Vec<_> = self
            .generics
            .type_params()
            .map(|parameter| &parameter.ident)
            .chain(self.generics.const_params().map(|parameter| &parameter.ident))
            .collect();
        let asked = self.answers().filter_map(Answer::asked).map(|field| field.ty);
        let of_fields = asked
            .filter(|ty| mentions(ty.to_token_stream(), &parameters))
            .map(|ty: &Type| quote!(#ty: #krate::Classify));
        let given = self.generics.where_clause.iter().flat_map(|clause| &clause.predicates);
        let all: Vec<_> = given.map(ToTokens::to_token_stream).chain(of_fields).chain(more).collect();
        (!all.is_empty()).then(|| quote!(where #(#all),*))
    }
}

fn mentions(tokens: TokenStream, parameters: &[&Ident]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => parameters.contains(&&ident),
        TokenTree::Group(group) => mentions(group.stream(), parameters),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

// === impl Reply ===

impl Reply {
    fn plain(value: TokenStream) -> Self {
        Self { bound: TokenStream::new(), value }
    }

    /// An answer that is made of the type of a field and a reference to it.
    ///
    /// Where the field cannot answer, the compiler points at the type.
    fn of(field: &Field<'_>, value: impl FnOnce(&Type, &Ident) -> TokenStream) -> Self {
        let name = Ident::new("field", Span::mixed_site());
        let member = &field.member;
        Self { bound: quote!(#member: #name,), value: value(field.ty, &name) }
    }

    fn of_struct(&self) -> TokenStream {
        let Self { bound, value } = self;
        if bound.is_empty() {
            value.clone()
        } else {
            quote! { let Self { #bound .. } = self; #value }
        }
    }

    fn arm(&self, variant: &Ident) -> TokenStream {
        let Self { bound, value } = self;
        quote! { Self::#variant { #bound .. } => #value, }
    }
}

#[cfg(test)]
mod tests;
