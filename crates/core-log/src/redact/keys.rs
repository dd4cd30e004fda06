//! Names of fields that say that their value is a secret.

/// Without case and separators. A name is secret if it is one of these, or ends in one of them.
const SECRETS: [&str; 37] = [
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "secretkey",
    "clientsecret",
    "token",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "apikey",
    "apitoken",
    "authorization",
    "proxyauthorization",
    "cookie",
    "setcookie",
    "credentials",
    "credential",
    "privatekey",
    "accesskey",
    "signingkey",
    "encryptionkey",
    "sessionkey",
    "ssn",
    "socialsecuritynumber",
    "cardnumber",
    "creditcard",
    "cvv",
    "cvc",
    "iban",
    "passwords",
    "passcode",
    "secrets",
    "apikeys",
    "cookies",
    "connectionstring",
];

/// Whose shape says enough where they stand in a text.
const PERSONAL: [&str; 3] = ["email", "emailaddress", "phonenumber"];

/// Only as a whole name: as the end of a longer one they are something else.
const WHOLE: [&str; 7] = ["pin", "otp", "auth", "phone", "jwt", "pass", "bearer"];

/// What this crate calls what it brings itself: of a list of what is shown, these are always part.
pub(super) const OWN: [&str; 8] =
    ["severity", "logger", "component", "operation", "timer", "stage", "outcome", "duration_ms"];

/// How much of a name is looked at, from its end.
const NAME_MAX: usize = 48;

/// Whether a field of that name holds a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let mut buffer = [0; NAME_MAX];
    let plain = plain(name, &mut buffer);
    SECRETS.iter().chain(&PERSONAL).any(|end| plain.ends_with(end.as_bytes())) || is_whole(plain)
}

/// Whether what stands beside that name in a text is a secret.
pub(super) fn is_secret_in_text(name: &str) -> bool {
    let mut buffer = [0; NAME_MAX];
    let plain = plain(name, &mut buffer);
    SECRETS.iter().any(|end| plain.ends_with(end.as_bytes())) || (is_whole(plain) && plain != b"phone")
}

/// Whether a name is another one, or ends in it.
pub(crate) fn ends_in(name: &str, end: &str) -> bool {
    let (mut first, mut second) = ([0; NAME_MAX], [0; NAME_MAX]);
    let end = plain(end, &mut second);
    !end.is_empty() && plain(name, &mut first).ends_with(end)
}

/// Whether two names are one.
pub(super) fn is_same(name: &str, other: &str) -> bool {
    letters(name).eq(letters(other))
}

fn letters(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(|byte| !is_separator(*byte)).map(|byte| byte.to_ascii_lowercase())
}

/// Whether a name has nothing in it.
pub(super) fn is_blank(name: &str) -> bool {
    name.bytes().all(is_separator)
}

const fn is_separator(byte: u8) -> bool {
    matches!(byte, b'-' | b'_' | b'.' | b' ')
}

fn is_whole(plain: &[u8]) -> bool {
    WHOLE.iter().any(|whole| plain == whole.as_bytes())
}

/// A name without case and separators, in the buffer: its last bytes if it is longer.
fn plain<'a>(name: &str, buffer: &'a mut [u8; NAME_MAX]) -> &'a [u8] {
    let mut start = NAME_MAX;
    let letters = name.bytes().rev().filter(|byte| !is_separator(*byte));
    for byte in letters.take(NAME_MAX) {
        start -= 1;
        buffer[start] = byte.to_ascii_lowercase();
    }
    &buffer[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_separators_do_not_matter_and_neither_does_what_comes_before() {
        for name in [
            "password",
            "PASSWORD",
            "db.password",
            "X-Api-Key",
            "api_key",
            "userEmail",
            "Set-Cookie",
            "access_token",
            "pin",
            "phone",
        ] {
            assert!(is_secret(name), "{name}");
        }
        assert!(is_same("Order-Id", "order_id") && !is_same("order", "order_id") && !is_same("a", "b"));
        assert!(is_blank("") && is_blank("-_") && !is_blank("a"));
        for name in [
            "",
            "_",
            "order",
            "tokens",
            "token_count",
            "spin",
            "secretary",
            "phones",
            "email_sent",
            "keyboard",
            "author",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
