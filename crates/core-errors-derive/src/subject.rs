use syn::{Fields, Ident};

use crate::attrs::{Attrs, Given};
use crate::complaints::Complaints;
use crate::field::{self, Field, Marked};
use crate::input::{Answer, Said};
use crate::values::{CATEGORIES, shown};

/// A struct or a variant whose answer is to be found.
pub(crate) struct Subject<'a> {
    name: &'a Ident,
    attrs: Attrs,
    fields: Vec<Marked<'a>>,
}

// === impl Subject ===

impl<'a> Subject<'a> {
    pub(crate) fn new(
        name: &'a Ident,
        attrs: Attrs,
        fields: &'a Fields,
        complaints: &mut Complaints,
    ) -> Self {
        Self { name, attrs, fields: field::read(fields, complaints) }
    }

    /// `None` if there was a complaint. `default` is what the enum says of all its variants.
    pub(crate) fn answer(self, default: Option<&Attrs>, complaints: &mut Complaints) -> Option<Answer<'a>> {
        if self.attrs.transparent.is_some() {
            self.ask(complaints).map(Answer::Ask)
        } else {
            self.say(default, complaints).map(Answer::Say)
        }
    }

    fn ask(mut self, complaints: &mut Complaints) -> Option<Field<'a>> {
        let Attrs { category, recovery, code, idempotent_only, .. } = &self.attrs;
        let keys = [
            category.as_ref().map(Given::key),
            recovery.as_ref().map(Given::key),
            code.as_ref().map(Given::key),
            idempotent_only.as_ref().map(Given::key),
        ];
        let hints = self.fields.iter().filter_map(|marked| marked.attrs.retry_after.as_ref()).map(Given::key);
        for key in keys.into_iter().flatten().chain(hints) {
            let name = shown(key);
            complaints.add(
                key,
                format_args!("`{name}` beside `transparent`, where a field gives every answer; keep one"),
            );
        }
        let fields_len = self.fields.len();
        if fields_len > 1 {
            self.fields.retain(|marked| marked.is_source);
        }
        let name = self.name;
        let wrong = match (fields_len, self.fields.len()) {
            (_, 1) => return self.fields.pop().map(|marked| marked.field),
            (0, _) => format!("`{name}` is transparent and has no field to ask"),
            (_, 0) => format!(
                "`{name}` is transparent and has {fields_len} fields: mark the one to ask with `#[from]`, `#[source]` \
                 or `#[classify(source)]`"
            ),
            (_, marked) => {
                format!("`{name}` is transparent and has {marked} fields marked as the source; mark one")
            }
        };
        if let Some(transparent) = &self.attrs.transparent {
            complaints.add(transparent.key(), wrong);
        }
        None
    }

    fn say(self, default: Option<&Attrs>, complaints: &mut Complaints) -> Option<Said<'a>> {
        for source in self.fields.iter().filter_map(|marked| marked.attrs.source.as_ref()) {
            complaints.add(source.key(), "`source` names the field to ask, and only `transparent` asks one");
        }
        let given = self.attrs.category.as_ref().or(default.and_then(|default| default.category.as_ref()));
        let may_be_there = self.attrs.is_broken || default.is_some_and(|default| default.is_broken);
        if given.is_none() && !may_be_there {
            complaints.add(self.name, no_category(self.name, default.is_some()));
        }
        let category = given.and_then(|given| given.value.clone());
        let mut hints = self.fields.into_iter().filter(|marked| marked.attrs.retry_after.is_some());
        let retry_after = hints.next().map(|marked| marked.field);
        for second in hints.filter_map(|marked| marked.attrs.retry_after) {
            complaints.add(second.key(), "a field before this one has `retry_after`; keep one");
        }
        let recovery = self.attrs.recovery.and_then(|given| given.value);
        let code = self.attrs.code.and_then(|given| given.value);
        let idempotent_only = self.attrs.idempotent_only.and_then(|given| given.value);
        Some(Said { category: category?, recovery, code, idempotent_only, retry_after })
    }
}

fn no_category(name: &Ident, is_variant: bool) -> String {
    let known = CATEGORIES.join(", ");
    let default = if is_variant { ", give the enum one for all its variants" } else { "" };
    format!(
        "`{name}` has no category: give it one with `#[classify(category = …)]`{default}, or let its field answer with \
         `#[classify(transparent)]`; the categories are: {known}"
    )
}
