use syn::{Fields, Index, Member, Type};

use crate::attrs::{Attrs, Place};
use crate::complaints::Complaints;

/// A field that an answer needs.
pub(crate) struct Field<'a> {
    pub(crate) member: Member,
    pub(crate) ty: &'a Type,
}

/// A field, and what its attributes say.
pub(crate) struct Marked<'a> {
    pub(crate) field: Field<'a>,
    pub(crate) attrs: Attrs,
    /// By `#[classify(source)]`, or thiserror's `#[from]` and `#[source]`.
    pub(crate) is_source: bool,
}

pub(crate) fn read<'a>(fields: &'a Fields, complaints: &mut Complaints) -> Vec<Marked<'a>> {
    let read = |(index, field): (u32, &'a syn::Field)| {
        let attrs = Attrs::read(&field.attrs, Place::Field, complaints);
        let is_marked = |name: &str| field.attrs.iter().any(|attr| attr.path().is_ident(name));
        let is_source = attrs.source.is_some() || is_marked("from") || is_marked("source");
        let member = match &field.ident {
            Some(name) => Member::Named(name.clone()),
            None => Member::Unnamed(Index::from(index as usize)),
        };
        Marked { field: Field { member, ty: &field.ty }, attrs, is_source }
    };
    (0..).zip(fields).map(read).collect()
}
