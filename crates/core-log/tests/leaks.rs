//! Where secrets hide: in what `Debug` shows of types, behind escapes, in headers, at the end of long texts, in ids.
#![expect(clippy::unwrap_used, reason = "tests may panic")]
#![expect(dead_code, reason = "what `Debug` shows of a struct is what is looked at")]

mod common;

use common::{logged, parse};
use core_context::Context;
use core_log::{Action, Format, Kind, Log, Redaction, Sink};
use tracing_subscriber::layer::SubscriberExt;

fn cleaned(redaction: Redaction, text: &str) -> String {
    let (sink, lines) = Sink::memory();
    let log = Log::builder().lookup(|_| None).format(Format::Json).sink(sink).redaction(redaction);
    let (layer, _) = log.layer().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::info!(text, "m");
    });
    parse(&lines.lines()[0]).text("text").to_owned()
}

fn masked(text: &str) -> String {
    cleaned(Redaction::new(), text)
}

#[derive(Debug)]
struct Secret(&'static str);

#[derive(Debug)]
struct Pair {
    left: &'static str,
    right: Option<&'static str>,
}

#[derive(Debug)]
struct Login {
    user: &'static str,
    password: Secret,
    api_key: Option<Secret>,
    token: Vec<u8>,
    client_secret: Pair,
    passphrase: &'static str,
    cookie: [&'static str; 2],
    after: &'static str,
}

fn login() -> Login {
    Login {
        user: "ann",
        password: Secret("hunter2-a"),
        api_key: Some(Secret("hunter2-b")),
        token: b"hunter2".to_vec(),
        client_secret: Pair { left: "hunter2-c", right: Some("hunter2-d}") },
        passphrase: "quoted \"hunter2-e\" \\",
        cookie: ["hunter2-f", "hunter2-g"],
        after: "stays",
    }
}

#[test]
fn what_debug_shows_of_a_secret_is_taken_out_whatever_is_around_it() {
    for text in [format!("{:?}", login()), format!("{:#?}", login())] {
        // As it is, as text in a text, and as text in a text in a text.
        let once = format!("{text:?}");
        let twice = format!("{once:?}");
        for text in [text, once, twice] {
            let after = masked(&text);
            assert!(!after.contains("hunter2") && !after.contains("104"), "{after}");
            assert!(after.contains("ann") && after.contains("stays"), "{text}\n{after}");
        }
    }
}

#[test]
fn a_secret_is_found_in_the_shapes_of_settings_headers_and_addresses() {
    let cases = [
        ("password = \"hunter2\" # toml", "password = \"[REDACTED]\" # toml"),
        ("password : hunter2", "password : [REDACTED]"),
        (r#"{"password":"a\"b","n":1}"#, r#"{"password":"[REDACTED]","n":1}"#),
        (r#"{\"password\":\"a\\\"b\",\"n\":1}"#, r#"{\"password\":\"[REDACTED]\",\"n\":1}"#),
        ("Authorization: ApiKey hunter2", "Authorization: ApiKey [REDACTED]"),
        ("Authorization: NEGOTIATE YIIhunter2==", "Authorization: NEGOTIATE [REDACTED]"),
        ("Authorization: Digest username=\"a\", response=\"hunter2\"", "Authorization: Digest [REDACTED]"),
        ("postgres://ann:hun/ter2@db/x", "postgres://[REDACTED]@db/x"),
        ("redis://:hunter2#x@cache:6379", "redis://[REDACTED]@cache:6379"),
        ("/reset?email=ann%40example.com&x=1", "/reset?email=[EMAIL]&x=1"),
        ("token: b\"hunter2\"", "token: b\"[REDACTED]\""),
        ("password=\"hunter2\nmore\" x", "password=\"[REDACTED]\" x"),
        ("<password>hunter2</password>", "<password>[REDACTED]</password>"),
    ];
    for (text, want) in cases {
        assert_eq!(masked(text), want, "{text}");
    }
}

#[test]
fn a_secret_is_found_behind_colours_and_escapes() {
    let key = ["ghp", "_"].concat() + "A1b2C3d4E5f6G7h8I9j0A1b2C3d4E5f6G7h8";
    for before in ["\x1b[31m", "\\u{1b}[31m", "\\u001b[31m", "\\x1b[31m", "\\u000a", "\\n", "\\t", "\t"] {
        let text = format!("{before}{key}\x1b[0m");
        assert!(!masked(&text).contains(&key), "{before:?}");
    }
}

#[test]
fn nothing_of_a_secret_is_left_where_a_long_text_is_cut() {
    for (piece, sign) in
        [("ann@example.com ", "ann"), ("4111 1111 1111 1111, ", "4111"), ("password=abcdefgh ", "abcd")]
    {
        for shift in 0..piece.len() {
            let text = "x".repeat(shift) + " " + &piece.repeat(40_000 / piece.len());
            let after = masked(&text);
            assert!(!after.contains(sign), "{piece} {shift}: {}", &after[after.len() - 40..]);
        }
    }
}

#[test]
fn a_name_that_was_added_or_allowed_is_so_in_texts_too() {
    let redaction = || Redaction::new().key("shoe-size").allow("token");
    assert_eq!(
        cleaned(redaction(), "Order { shoe_size: 42, n: 1 }"),
        "Order { shoe_size: [REDACTED], n: 1 }"
    );
    assert_eq!(cleaned(redaction(), "token=abc password=abc"), "token=abc password=[REDACTED]");
}

#[test]
fn a_card_that_is_a_number_is_found_and_other_numbers_stay_numbers() {
    let line = &logged(Format::Json, |_| {
        tracing::info!(
            paid_with = 4_111_111_111_111_111_u64,
            also = 378_282_246_310_005_i64,
            order_id = 4_111_111_111_111_111_u64,
            at = 1_763_731_245_123_456_789_u64
        );
    })[0];
    let line = parse(line);
    assert_eq!([line.text("paid_with"), line.text("also")], ["[CARD]", "[CARD]"]);
    assert_eq!(line.0["order_id"], 4_111_111_111_111_111_u64);
    assert_eq!(line.0["at"], 1_763_731_245_123_456_789_u64);
}

#[test]
fn an_id_of_the_context_that_is_an_address_is_taken_out_too() {
    for format in [Format::Json, Format::Gcp, Format::StreamBus, Format::Ecs, Format::Otel, Format::Console] {
        let line = &logged(format, |_| {
            Context::builder().user("ann@example.com").build().sync_scope(|| tracing::info!("m"));
        })[0];
        assert!(!line.contains("ann@"), "{line}");
        let shown = [r#""user_id":"[EMAIL]""#, r#""user_id","value":{"stringValue":"[EMAIL]""#];
        assert!(format == Format::Console || shown.iter().any(|shown| line.contains(shown)), "{line}");
    }
}

#[test]
fn a_number_with_the_name_of_an_id_is_no_phone() {
    for text in ["order_id=4839201845", "Order { id: 4839201845 }", "{\"user_id\":4839201845}"] {
        assert_eq!(masked(text), text);
    }
    assert_eq!(masked("call=4839201845"), "call=[PHONE]");
}

#[test]
fn names_of_secrets_in_the_plural_and_other_usual_ones_are_known() {
    for (name, secret) in [
        ("passwords", true),
        ("api_keys", true),
        ("pass", true),
        ("passcode", true),
        ("bypass", false),
        ("tokens", false),
    ] {
        let text = format!("{name}=x7");
        assert_eq!(masked(&text) != text, secret, "{name}");
    }
}

#[test]
fn only_what_is_wanted_is_taken_out() {
    let redaction = Redaction::new().on(Kind::Secret, Action::Keep);
    assert_eq!(cleaned(redaction, "password=x to ann@example.com"), "password=x to [EMAIL]");
}
