use proc_macro2::Span;
use syn::Error;

/// How the name of a variant becomes a text.
#[derive(Clone, Copy, Default)]
pub(crate) enum Case {
    #[default]
    Snake,
    Kebab,
    ScreamingSnake,
    Lower,
    Upper,
    Pascal,
}

const NAMES: [(&str, Case); 6] = [
    ("snake_case", Case::Snake),
    ("kebab-case", Case::Kebab),
    ("SCREAMING_SNAKE_CASE", Case::ScreamingSnake),
    ("lowercase", Case::Lower),
    ("UPPERCASE", Case::Upper),
    ("PascalCase", Case::Pascal),
];

// === impl Case ===

impl Case {
    pub(crate) fn read(text: &str, span: Span) -> syn::Result<Self> {
        let found = NAMES.iter().find_map(|(name, case)| (*name == text).then_some(*case));
        found.ok_or_else(|| {
            let known = NAMES.map(|(name, _)| name).join(", ");
            Error::new(span, format!("{text:?} is no form; there are: {known}"))
        })
    }

    /// The name of a variant in this form.
    pub(crate) fn apply(self, name: &str) -> String {
        match self {
            Self::Snake => words(name, '_').to_lowercase(),
            Self::Kebab => words(name, '-').to_lowercase(),
            Self::ScreamingSnake => words(name, '_').to_uppercase(),
            Self::Lower => name.to_lowercase(),
            Self::Upper => name.to_uppercase(),
            Self::Pascal => name.to_owned(),
        }
    }
}

/// The words of a name, told apart as `InMemory` and `HTTPServer` tell them.
fn words(name: &str, between: char) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut words = String::new();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at)).filter(|before| **before != '_');
        let is_before_small = chars.get(at + 1).is_some_and(|after| after.is_lowercase());
        let begins =
            c.is_uppercase() && before.is_some_and(|before| !before.is_uppercase() || is_before_small);
        if begins {
            words.push(between);
        }
        words.push(if *c == '_' { between } else { *c });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_texts_word_by_word() {
        for (name, snake) in [
            ("Get", "get"),
            ("InMemory", "in_memory"),
            ("HTTPServer", "http_server"),
            ("Http2", "http2"),
            ("Already_Split", "already_split"),
            ("X", "x"),
        ] {
            assert_eq!(Case::Snake.apply(name), snake);
        }
        for (case, text) in [
            (Case::Kebab, "in-memory"),
            (Case::ScreamingSnake, "IN_MEMORY"),
            (Case::Lower, "inmemory"),
            (Case::Upper, "INMEMORY"),
            (Case::Pascal, "InMemory"),
        ] {
            assert_eq!(case.apply("InMemory"), text);
        }
    }
}
