//! W3C Baggage: what a request carries along for whoever wants to know, through all services.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write;
use std::sync::Arc;

use crate::w3c::trim_blanks;

/// Keys and values that go along with a request. Immutable; a clone is a reference count.
///
/// At most 64 members and 8192 bytes, as the specification has it. Nothing in it is a secret: every service sees it.
///
/// ```
/// use core_context::Baggage;
///
/// let baggage = Baggage::new().with("tier", "gold")?.with("campaign", "früh, jetzt")?;
/// assert_eq!(baggage.as_str(), "tier=gold,campaign=fr%C3%BCh%2C%20jetzt");
/// assert_eq!(baggage.get("campaign").as_deref(), Some("früh, jetzt"));
/// # Ok::<(), core_context::BaggageError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Baggage {
    /// The members as they are written in the header, each of them valid.
    text: Arc<str>,
}

/// Why something was not added to baggage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BaggageError {
    /// The key is empty, or has a character that is none of a token (RFC 9110, 5.6.2).
    Key,
    /// There are 64 members already.
    Members,
    /// It would have more than 8192 bytes.
    Length,
}

const MEMBERS_MAX: usize = 64;
const LENGTH_MAX: usize = 8_192;

/// What comes after so many bytes is not even looked at: nobody has that many blanks.
const INPUT_MAX: usize = 4 * LENGTH_MAX;

// === impl Baggage ===

impl Baggage {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { text: "".into() }
    }

    /// Reads the `baggage` headers of a request, in order. A member that is malformed is left out, and so are whole members
    /// from the right where there are more than 64, or more than 8192 bytes. `None` if nothing is left.
    #[must_use]
    pub fn parse<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut text = String::new();
        let (mut left, mut count) = (INPUT_MAX, 0);
        'all: for header in headers {
            let Some(looked_at) = beginning(header, left) else { break };
            text.reserve(looked_at.len().min(LENGTH_MAX - text.len()));
            for member in looked_at.split(|byte| *byte == b',') {
                let Some(member) = check_member(trim_blanks(member)) else { continue };
                let comma = usize::from(count > 0);
                if count == MEMBERS_MAX || text.len() + comma + member.len() > LENGTH_MAX {
                    break 'all;
                }
                push(&mut text, member);
                count += 1;
            }
            left = left.saturating_sub(header.len() + 1);
        }
        (count > 0).then(|| Self { text: text.into() })
    }

    /// With one more member at the end.
    ///
    /// # Errors
    /// If the key is none, or there is no room.
    pub fn with(&self, key: &str, value: &str) -> Result<Self, BaggageError> {
        if !is_token(key.as_bytes()) {
            return Err(BaggageError::Key);
        }
        if self.len() == MEMBERS_MAX {
            return Err(BaggageError::Members);
        }
        let mut text = self.text.to_string();
        push(&mut text, key);
        text.push('=');
        encode(&mut text, value);
        if text.len() > LENGTH_MAX { Err(BaggageError::Length) } else { Ok(Self { text: text.into() }) }
    }

    /// Only the members whose keys `keep` accepts. `None` if there are none.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Option<Self> {
        let mut text = String::new();
        for member in self.raw().filter(|member| keep(key_of(member))) {
            push(&mut text, member);
        }
        (!text.is_empty()).then(|| Self { text: text.into() })
    }

    /// The members as they are written in the header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Keys, values and properties, in order. Values are decoded; what is no UTF-8 then reads as U+FFFD. A key may be there twice.
    pub fn members(&self) -> impl Iterator<Item = (&str, Cow<'_, str>, &str)> {
        self.raw().map(|member| {
            let (pair, properties) = member.split_once(';').unwrap_or((member, ""));
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key.trim_end_matches(BLANKS), decode(value.trim_matches(BLANKS)), properties)
        })
    }

    /// The value of a key; of the first, if it is there twice.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        self.members().find(|(known, ..)| *known == key).map(|(_, value, _)| value)
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.raw().count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    fn raw(&self) -> impl Iterator<Item = &str> {
        self.text.split(',').filter(|member| !member.is_empty())
    }
}

const BLANKS: [char; 2] = [' ', '\t'];

/// So much of a header, without the member that would be cut in two.
fn beginning(header: &[u8], len_max: usize) -> Option<&[u8]> {
    let Some(beginning) = header.get(..len_max) else { return Some(header) };
    let end = beginning.iter().rposition(|byte| *byte == b',')?;
    Some(&beginning[..end])
}

fn push(text: &mut String, member: &str) {
    if !text.is_empty() {
        text.push(',');
    }
    text.push_str(member);
}

fn key_of(member: &str) -> &str {
    let end = member.find(['=', ';']).unwrap_or(member.len());
    member[..end].trim_end_matches(BLANKS)
}

/// `key = value *( ; property )`, with blanks around each part.
fn check_member(member: &[u8]) -> Option<&str> {
    let mut parts = member.split(|byte| *byte == b';');
    let pair = parts.next()?;
    let at = pair.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (trim_blanks(&pair[..at]), trim_blanks(&pair[at + 1..]));
    let is_pair = is_token(key) && value.iter().copied().all(is_octet);
    let is_property = |property: &[u8]| match property.iter().position(|byte| *byte == b'=') {
        None => is_token(trim_blanks(property)),
        Some(at) => {
            is_token(trim_blanks(&property[..at]))
                && trim_blanks(&property[at + 1..]).iter().copied().all(is_octet)
        }
    };
    if !is_pair || !parts.all(is_property) {
        return None;
    }
    std::str::from_utf8(member).ok()
}

/// What a value may have in it as it is: `baggage-octet` of the specification, in which `%` and `=` are.
fn is_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b))
}

fn encode(text: &mut String, value: &str) {
    for byte in value.bytes() {
        if is_octet(byte) && byte != b'%' {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

fn decode(value: &str) -> Cow<'_, str> {
    if !value.contains('%') {
        return Cow::Borrowed(value);
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, more @ ..] = rest {
        match more {
            [high, low, after @ ..]
                if *first == b'%' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                bytes.push(digit(*high) << 4 | digit(*low));
                rest = after;
            }
            // A percent sign that encodes nothing stands for itself.
            _ => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn digit(hex: u8) -> u8 {
    char::from(hex).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0)
}

impl Default for Baggage {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}

// === impl BaggageError ===

impl fmt::Display for BaggageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "a key of baggage has letters, digits and !#$%&'*+-.^_`|~ only, and one at least",
            Self::Members => "baggage has at most 64 members",
            Self::Length => "baggage has at most 8192 bytes",
        })
    }
}

impl std::error::Error for BaggageError {}
