//! What keys and tokens of the usual issuers look like. The prefixes are those that the issuers document, and that secret scanners
//! such as gitleaks look for.

/// A word that begins like this, and has as many characters in all at least, is a key.
const PREFIXES: [(&str, usize); 46] = [
    // Amazon: access keys.
    ("AKIA", 20),
    ("ASIA", 20),
    ("ABIA", 20),
    ("ACCA", 20),
    // Google: API keys, OAuth secrets and tokens.
    ("AIza", 35),
    ("GOCSPX-", 24),
    ("ya29.", 24),
    // GitHub and GitLab.
    ("ghp_", 36),
    ("gho_", 36),
    ("ghu_", 36),
    ("ghs_", 36),
    ("ghr_", 36),
    ("github_pat_", 40),
    ("glpat-", 20),
    ("gldt-", 20),
    ("glrt-", 20),
    // Slack.
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("xoxa-", 20),
    ("xoxr-", 20),
    ("xoxs-", 20),
    ("xoxe-", 20),
    ("xapp-", 20),
    // Stripe.
    ("sk_live_", 20),
    ("sk_test_", 20),
    ("rk_live_", 20),
    ("rk_test_", 20),
    ("whsec_", 24),
    // OpenAI, Anthropic, OpenRouter and others that follow them.
    ("sk-", 20),
    // Hugging Face, npm, PyPI, crates.io.
    ("hf_", 30),
    ("npm_", 36),
    ("pypi-", 24),
    ("cio", 35),
    // SendGrid, Mailgun, Twilio, Telegram-like.
    ("SG.", 40),
    ("key-", 36),
    // DigitalOcean, Shopify, Databricks, Linear, Notion, Vault, Doppler, age.
    ("dop_v1_", 40),
    ("shpat_", 32),
    ("shpss_", 32),
    ("dapi", 36),
    ("lin_api_", 36),
    ("secret_", 40),
    ("hvs.", 24),
    ("hvb.", 24),
    ("dp.pt.", 40),
    ("AGE-SECRET-KEY-1", 40),
    ("sq0", 24),
];

/// How many bytes of a key are looked at to know it.
const LOOK_MAX: usize = 512;

/// Whether a key of a known issuer, or a JSON web token, begins the text.
pub(super) fn is_key(text: &[u8]) -> bool {
    if !text.first().is_some_and(|first| FIRST[usize::from(*first)]) {
        return false;
    }
    if text.starts_with(b"eyJ") {
        return is_jwt(&text[..token_end(text, LOOK_MAX)]);
    }
    let Some((prefix, len)) = PREFIXES.iter().find(|(prefix, _)| text.starts_with(prefix.as_bytes())) else {
        return false;
    };
    let end = token_end(text, LOOK_MAX);
    // Names in code begin so as well: a key has a digit, or is in both cases.
    end >= *len && is_random(&text[prefix.len()..end])
}

/// Where a key ends: it may have dots in it, and not at its end.
pub(super) fn token_end(text: &[u8], max: usize) -> usize {
    let part =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'+' | b'/' | b'=');
    let end = text.iter().take(max).position(|byte| !part(byte)).unwrap_or(text.len().min(max));
    text[..end].iter().rposition(|byte| !matches!(byte, b'.' | b'/')).map_or(0, |last| last + 1)
}

/// Parts of base64url with dots between them, the first two of them objects: what they begin with says so.
fn is_jwt(word: &[u8]) -> bool {
    let mut parts = word.split(|byte| *byte == b'.');
    let is_object =
        |part: Option<&[u8]>| part.is_some_and(|part| part.len() >= 8 && part.starts_with(b"eyJ"));
    is_object(parts.next()) && (is_object(parts.next()) || word.len() >= LOOK_MAX)
}

fn is_random(rest: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| rest.iter().any(kind);
    has(u8::is_ascii_digit)
        || has(u8::is_ascii_lowercase) == has(u8::is_ascii_uppercase)
        || rest.iter().all(u8::is_ascii_uppercase)
}

/// The characters that keys begin with.
const FIRST: [bool; 256] = {
    let mut first = [false; 256];
    let mut at = 0;
    while at < PREFIXES.len() {
        first[PREFIXES[at].0.as_bytes()[0] as usize] = true;
        at += 1;
    }
    first[b'e' as usize] = true;
    first
};
