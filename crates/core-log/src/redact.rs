//! What must not be in a log, found and taken out: by the name of its field, and by its shape.

mod flag;
mod keys;
mod kind;
mod mark;
mod named;
mod numbers;
mod patterns;
mod scan;
mod tally;

use std::fmt;
use std::sync::Arc;

pub use kind::{Action, Kind};
pub use mark::Secret;
pub use tally::Redacted;
pub(crate) use tally::Tally;

use crate::error::ConfigError;
use crate::text::{MARK, VALUE_MAX};

/// What is taken out of lines, and what stands there instead.
///
/// Three tiers, of which two are here: fields whose name says that they hold a secret (`password`, `authorization`, `card_number` …) lose their
/// value whatever it is, decided once for each callsite; and texts (messages, fields, errors, `Debug` of structs) lose what has the shape of a
/// secret: e-mail addresses, phone numbers, card numbers, keys of the usual issuers, tokens, private keys, passwords in
/// URLs, in `key=value` and on command lines (`--token x`, `"--db-password" "x"`). The third tier is types: [`Sensitive`](crate::Sensitive).
///
/// Default: all of it, masked.
#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own that is answered by yes or no"
)]
pub struct Redaction {
    keys: Vec<String>,
    allowed: Vec<String>,
    /// If any are named, all other fields are secret.
    only: Option<Vec<String>>,
    is_on: bool,
    actions: [Action; Kind::ALL.len()],
    pub(crate) verify: bool,
    /// Whether errors bring their backtraces. The builder of a log says so; it is here because whatever writes a value has this.
    pub(crate) traces: bool,
    /// Whether whole numbers that a double does not hold are text. Here for the same reason.
    pub(crate) exact_numbers: bool,
    hasher: Option<Hasher>,
    pub(crate) tally: Arc<Tally>,
}

/// Takes the place of a keyed hash, wherever it comes from.
type Hasher = Arc<dyn Fn(&[u8]) -> u64 + Send + Sync>;

// === impl Redaction ===

impl Redaction {
    /// All kinds, masked.
    #[must_use]
    pub fn new() -> Self {
        Self {
            keys: Vec::new(),
            allowed: Vec::new(),
            only: None,
            is_on: true,
            actions: [Action::Mask; Kind::ALL.len()],
            verify: false,
            traces: false,
            exact_numbers: false,
            hasher: None,
            tally: Arc::default(),
        }
    }

    /// Nothing is taken out, except what types hide.
    #[must_use]
    pub fn off() -> Self {
        Self { is_on: false, ..Self::new() }
    }

    /// What becomes of one kind. Default: [`Action::Mask`].
    #[must_use]
    pub fn on(mut self, kind: Kind, action: Action) -> Self {
        self.actions[kind as usize] = action;
        self
    }

    /// What becomes of all kinds.
    #[must_use]
    pub fn all(mut self, action: Action) -> Self {
        self.actions = [action; Kind::ALL.len()];
        self
    }

    /// One more name of fields that are secret, also of what stands beside it in a text, or behind it as a flag. Case, `-`, `_` and `.` do not matter, and it
    /// may be the end of a longer name.
    #[must_use]
    pub fn key(mut self, name: impl Into<String>) -> Self {
        self.keys.push(name.into());
        self
    }

    /// A field that is not secret, whatever its name: exactly this one, in texts too.
    #[must_use]
    pub fn allow(mut self, name: impl Into<String>) -> Self {
        self.allowed.push(name.into());
        self
    }

    /// Only the fields of these names are shown: all others are redacted as [`Kind::Key`] says, whatever they are. Said twice, both
    /// lists hold. What the schema and this crate bring of themselves stays: the message of an event, the ids of the context, and what
    /// timers, stages and loggers say under `component`, `operation`, `timer`, `stage`, `outcome`, `duration_ms` and `severity`, whoever
    /// writes it. An error is a field, and has to be named; so has the `message` of a span or a logger.
    ///
    /// Case, `-`, `_` and `.` do not matter, and the name has to be whole. It is decided once for each callsite. What is shown is looked
    /// through for the shapes of secrets as ever, and so is the message: what is formatted into that is no field.
    ///
    /// Setting up the log is refused if no name is there, if one is blank or that of a secret (which [`allow`](Self::allow) has to say too), if
    /// [`key`](Self::key) forbids one of them, or if redaction is off or keeps what is [`Kind::Key`]: nothing would be hidden.
    ///
    /// ```
    /// use core_log::{Format, Log, Redaction, Sink};
    /// use tracing_subscriber::layer::SubscriberExt;
    ///
    /// let (sink, lines) = Sink::memory();
    /// let redaction = Redaction::new().only(["order", "amount"]);
    /// let (layer, _) = Log::builder().format(Format::Json).sink(sink).redaction(redaction).layer()?;
    /// tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
    ///     tracing::info!(order = "A-1", shoe_size = 42, "charged");
    /// });
    /// assert!(lines.lines()[0].contains(r#""order":"A-1","shoe_size":"[REDACTED]""#));
    /// # Ok::<(), core_log::ConfigError>(())
    /// ```
    #[must_use]
    pub fn only<I: IntoIterator<Item: Into<String>>>(mut self, names: I) -> Self {
        self.only.get_or_insert_default().extend(names.into_iter().map(Into::into));
        self
    }

    /// The key of [`Action::Hash`]: 16 bytes at least, from a secret store. HMAC with SHA-256, of which 64 bits are shown.
    #[cfg(feature = "hash")]
    #[must_use]
    pub fn hash_key(mut self, key: &[u8]) -> Self {
        self.hasher = (key.len() >= 16).then(|| hasher(key)).flatten();
        self
    }

    /// Says where something was taken out, and never what: the first time for each place, field and kind as a warning in the log, and all
    /// of them in [`LogHandle::redacted`](crate::LogHandle::redacted). For tests and staging: what a place logs there can be mended there.
    /// It keeps 1024 of them at most. Default: off.
    #[must_use]
    pub fn verify(mut self) -> Self {
        self.verify = true;
        self
    }

    /// With counts of its own.
    pub(crate) fn checked(mut self) -> Result<Self, ConfigError> {
        self.tally = Arc::default();
        if self.actions.contains(&Action::Hash) && self.hasher.is_none() {
            return Err(ConfigError::hash());
        }
        self.check_only()?;
        Ok(self)
    }

    /// Whether the list of what is shown makes sense.
    fn check_only(&self) -> Result<(), ConfigError> {
        let Some(only) = &self.only else { return Ok(()) };
        if only.is_empty() {
            return Err(ConfigError::only(None, "it names no field: all would be hidden"));
        }
        if !self.is_on || self.action(Kind::Key) == Action::Keep {
            return Err(ConfigError::only(
                None,
                "nothing is taken out of other fields: leave the list out, or redact `Kind::Key`",
            ));
        }
        for name in only {
            if keys::is_blank(name) {
                return Err(ConfigError::only(Some(name), "is no name of a field"));
            }
            if self.keys.iter().any(|key| keys::ends_in(name, key)) {
                return Err(ConfigError::only(
                    Some(name),
                    "is forbidden by `Redaction::key` as well: say one of both",
                ));
            }
            if keys::is_secret(name) && !self.allowed.contains(name) {
                return Err(ConfigError::only(
                    Some(name),
                    "is the name of a secret: to show it, say `Redaction::allow` too",
                ));
            }
        }
        Ok(())
    }

    /// Whether a field may be shown, if there is a list of those.
    fn is_listed(&self, name: &str) -> bool {
        let Some(only) = &self.only else { return true };
        keys::OWN.contains(&name)
            || only.iter().chain(&self.allowed).any(|listed| keys::is_same(name, listed))
    }

    fn action(&self, kind: Kind) -> Action {
        self.actions[kind as usize]
    }

    /// The text without what has the shape of a secret; `spare` is room to work in, and the kinds that were found are added to `found`.
    /// `numbers` says whether phones and cards are looked for. Of a text that is the beginning of a longer one, the end is only
    /// looked at: what begins before is seen whole, and nothing of what begins there is shown.
    pub(crate) fn clean<'a>(
        &self,
        text: &'a str,
        is_cut: bool,
        numbers: bool,
        spare: &'a mut String,
        seen: &mut u8,
    ) -> &'a str {
        // A line cuts after so many bytes, and says so; some more, so that it has to.
        let shown = if is_cut { text.floor_char_boundary(VALUE_MAX + 4) } else { text.len() };
        if !self.is_on || scan::is_harmless(text) {
            return &text[..shown];
        }
        let next = |from| scan::next(text, from, numbers, self).filter(|found| found.start < shown);
        let Some(mut found) = next(0) else { return &text[..shown] };
        spare.clear();
        let mut from = 0;
        loop {
            spare.push_str(&text[from..found.start]);
            self.replace(found.kind, &text[found.start..found.end], spare);
            *seen |= found.kind.bit();
            from = found.end;
            match next(from) {
                Some(next) => found = next,
                None => break,
            }
        }
        spare.push_str(text.get(from..shown).unwrap_or_default());
        if is_cut {
            spare.push(MARK);
        }
        spare
    }

    /// An id as it may be written. Numbers in it are those of the id.
    pub(crate) fn clean_id<'a>(&self, id: &'a str, spare: &'a mut String, seen: &mut u8) -> &'a str {
        if self.may_clean_id(id) { self.clean(id, false, false, spare, seen) } else { id }
    }

    /// Whether something in an id may have to be taken out: it looks like an address.
    pub(crate) fn may_clean_id(&self, id: &str) -> bool {
        self.is_on && id.bytes().any(|byte| matches!(byte, b'@' | b'%'))
    }

    /// Whether a number is that of a card, and has to be taken out.
    pub(crate) fn is_card(&self, number: u64) -> bool {
        self.is_on && numbers::is_card(number) && self.wants(Kind::Card)
    }

    fn wants(&self, kind: Kind) -> bool {
        self.action(kind) != Action::Keep
    }

    /// Whether what stands beside that name in a text is a secret.
    fn is_secret_in_text(&self, name: &str) -> bool {
        let is_named = keys::is_secret_in_text(name) || self.keys.iter().any(|key| keys::ends_in(name, key));
        is_named && !self.allowed.iter().any(|allowed| allowed == name)
    }

    /// What becomes of the values of a field of that name, if it is a secret.
    pub(crate) fn of_field(&self, name: &str) -> Action {
        if self.is_on && !self.is_listed(name) { self.action(Kind::Key) } else { self.of_name(name) }
    }

    /// The same, whether there is a list of what is shown or not: that of an event is no field.
    pub(crate) fn of_message(&self) -> Action {
        self.of_name("message")
    }

    fn of_name(&self, name: &str) -> Action {
        let is_named = || keys::is_secret(name) || self.keys.iter().any(|key| keys::ends_in(name, key));
        let is_secret = self.is_on && is_named() && !self.allowed.iter().any(|allowed| allowed == name);
        if is_secret { self.action(Kind::Key) } else { Action::Keep }
    }

    /// Counts a field that is left out.
    pub(crate) fn dropped(&self) {
        self.tally.count(Kind::Key);
    }

    /// Appends what stands instead of a text.
    pub(crate) fn replace(&self, kind: Kind, text: &str, out: &mut String) {
        self.tally.count(kind);
        self.put(self.action(kind), kind, text, out);
    }

    fn put(&self, action: Action, kind: Kind, text: &str, out: &mut String) {
        match action {
            Action::Keep => out.push_str(text),
            Action::Drop => {}
            Action::Mask => out.push_str(kind.mask()),
            Action::Partial => {
                let mask = kind.mask();
                out.push_str(&mask[..mask.len() - 1]);
                if text.chars().count() >= 12 {
                    let start = text.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
                    out.push_str(" …");
                    out.push_str(&text[start..]);
                }
                out.push(']');
            }
            Action::Hash => {
                let hash = self.hasher.as_ref().map_or(0, |hasher| hasher(text.as_bytes()));
                // Writing to a string does not fail.
                let _ = fmt::Write::write_fmt(out, format_args!("h:{hash:016x}"));
            }
        }
    }
}

impl Default for Redaction {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction")
            .field("is_on", &self.is_on)
            .field("actions", &self.actions)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "hash")]
fn hasher(key: &[u8]) -> Option<Hasher> {
    use hmac::{Hmac, KeyInit, Mac};

    let keyed = Hmac::<sha2::Sha256>::new_from_slice(key).ok()?;
    Some(Arc::new(move |text| {
        let mut mac = keyed.clone();
        mac.update(text);
        let bytes = mac.finalize().into_bytes();
        bytes.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    }))
}
