//! What must not be in a log, and what must not be mistaken for it.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::error::Error as StdError;
use std::time::Duration;

use common::{logged, parse};
use core_log::{Action, Format, Kind, Log, Redaction, Sensitive, Sink};
use core_time::Clock;
use proptest::prelude::*;
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

/// Letters and digits that are the same in every run, and look like those of a key.
fn random(len: usize, seed: u64) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(ALPHABET[usize::try_from(state >> 33).unwrap_or_default() % ALPHABET.len()])
    };
    (0..len).map(|_| next()).collect()
}

/// Secrets of all kinds. Those of issuers are put together here: scanners of repositories would take them for real.
fn secrets() -> Vec<String> {
    let issued: [(&[&str], usize); 21] = [
        (&["AK", "IA"], 16),
        (&["AI", "za"], 35),
        (&["gh", "p_"], 36),
        (&["github", "_pat_"], 60),
        (&["gl", "pat-"], 20),
        (&["xo", "xb-"], 40),
        (&["sk_", "live_"], 24),
        (&["rk_", "test_"], 24),
        (&["sk", "-"], 48),
        (&["sk-", "proj-"], 60),
        (&["sk-", "ant-api03-"], 80),
        (&["hf", "_"], 34),
        (&["np", "m_"], 36),
        (&["py", "pi-"], 60),
        (&["SG", "."], 60),
        (&["dop", "_v1_"], 60),
        (&["shp", "at_"], 32),
        (&["hv", "s."], 28),
        (&["GOC", "SPX-"], 28),
        (&["ya", "29."], 60),
        (&["wh", "sec_"], 32),
    ];
    let mut all: Vec<String> = Vec::new();
    for seed in 1..=5 {
        all.extend(issued.iter().map(|(prefix, len)| prefix.concat() + &random(*len, seed)));
        all.push(format!("eyJ{}.eyJ{}.{}", random(20, seed), random(60, seed + 9), random(43, seed + 99)));
    }
    all.extend(
        [
            "bob@example.com",
            "a.b+c@mail.example.co.uk",
            "o'neil@x.io",
            "jürgen@bücher.example",
            "x_1%y@sub.domain.org",
        ]
        .map(String::from),
    );
    all.extend(
        [
            "123-456-7890",
            "123.456.7890",
            "1234567890",
            "(555) 123-4567",
            "1-555-123-4567",
            "+49 30 1234567",
            "+15551234567",
            "+44 20 7946 0958",
            "555 123 4567",
        ]
        .map(String::from),
    );
    all.extend(
        [
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "5555555555554444",
            "378282246310005",
            "3782 822463 10005",
            "6011111111111117",
            "30569309025904",
        ]
        .map(String::from),
    );
    all
}

/// What surrounds them.
const PLACES: [&str; 8] = [
    "{}",
    "for {} now",
    "user={}, next",
    "(\"{}\")",
    "a: {}\nb",
    "<{}>",
    "at 2026-11-21T07:10:28Z {} took 12 ms",
    "[{}]",
];

/// Command lines with a secret, which has a `7` in it.
fn command_lines() -> Vec<String> {
    let mut all = Vec::new();
    let flags =
        ["password", "passwd", "token", "secret", "api-key", "db-password", "access_token", "PASSWORD"];
    for flag in flags {
        for form in [
            "--{} hun7er",
            "--{}=hun7er",
            "--{}  hun7er",
            "--{} \"a hun7er b\"",
            "--{} 'a hun7er b'",
            "--{}='a hun7er b'",
            "[\"run\", \"--{}\", \"a hun7er\", \"x\"]",
            "[\"--{}\",\"hun7er\"]",
            "{\"args\":\"[\\\"--{}\\\", \\\"hun7er\\\"]\"}",
            "['--{}', 'hun7er']",
            "deploy --user ann --{} hun7er,x --dry-run",
            "deploy --{} hun7er\nnext",
            "\"run\" \"--{}\" \"a hun7er\" \"x\"",
            "run '--{}' 'a hun7er'",
            "[\n    \"--{}\",\n    \"a hun7er\",\n]",
            "\"[\\n  \\\"--{}\\\",\\n  \\\"a hun7er\\\"]\"",
            "[\"--{}=a hun7er b7\"]",
            "--{}=a7,b7;c7&d7)e7 --x",
            "--{}\thun7er",
            "--{}\nhun7er",
            "--{}\r\nhun7er",
            "--{}\0hun7er\0",
            "--{} \\\n    hun7er",
            "\"--{}\\thun7er\"",
            "--{} $Hun7er",
            "--{} hun\"7er",
        ] {
            all.push(form.replace("{}", flag));
        }
    }
    all.extend(["-token hun7er", "x -password hun7er"].map(String::from));
    let mut command = std::process::Command::new("psql");
    all.push(format!("{:?}", command.args(["--password", "a hun7er", "--dry-run"])));
    all
}

/// What looks like one and is none.
fn harmless() -> Vec<String> {
    let lines = [
        "took 12.5 ms for 1234 rows",
        "at 2026-11-21T07:10:28.123456Z",
        "2026-11-21 07:10:28",
        "1763731245",
        "1763731245123",
        "1763731245123456789",
        "550e8400-e29b-41d4-a716-446655440000",
        "12345678-1234-1234-1234-123456789012",
        "0af7651916cd43dd8448eb211c80319c",
        "b7ad6b7169203331",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "10.0.0.123:8080",
        "192.168.100.200",
        "fe80::1ff:fe23:4567:890a",
        "v1.22.333-rc.4",
        "1,234,567.89 EUR",
        "1.234.567,89",
        "price 4111.11",
        "orders::payments::retry",
        "src/handlers/payment_gateway_client.rs:123:45",
        "sk-learn is a library",
        "skip-this-rather-long-option-name",
        "ask-for-more-information-please",
        "task_with_a_long_name_indeed",
        "GET /api/v1/orders/4839201845/items 200",
        "https://example.com/a/b?c=d",
        "http://localhost:8080/x@y",
        "@mention me",
        "a @ b",
        "foo@bar",
        "unexpected token: expected comma",
        "token: unexpected end of input",
        "tokens=512",
        "key=orders:7",
        "4111111111111112",
        "1234567812345678",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "9f86d081884c7d659a2feaa0c55ad015",
        "eyJust a word",
        "retry 1 of 3 in 250 ms",
        "0.1234567890",
        "3.14159265358979",
        "+00:00",
        "+12.5%",
        "x+1234567",
        "pid 12345 fd 678",
        "HTTP/1.1 503",
        "1 2 3 4 5 6 7 8 9 10 11",
        "00:11:22:33:44:55",
        "id=A-1",
        "password",
        "reset password for user",
        "Some(None)",
        "authorization: None",
        "secret: null",
        "AKIA",
        "cookies are fine",
        "auth::token::Token",
        "core_http::cookie::parse failed",
        "if token => next",
        "bypass=true",
        "https://example.com:8080/@team",
        "http://[::1]:8080/x@y",
        "50%400 of it",
        "the password (if any) was right",
        "order_id=4839201845",
        "--token",
        "the flag --token is required",
        "say --password or --token, and not both",
        "--password --user ann",
        "use --api-key instead",
        "--token $TOKEN",
        "--password <PASSWORD>",
        "--password [PASSWORD]",
        "[\"--token\"]",
        "[\"--token\", \"--user\"]",
        "--tokens 5",
        "--token-file x.txt",
        "--no-password now",
        "--ask-password now",
        "-secret is",
        "a secret-token x",
        "  --password\n  --user",
        "--password      Your password",
        "`--password`",
        "--token, and --user",
        "-p 8080",
        "one --- two -- three",
        "a password generator --length 12",
    ];
    lines.map(String::from).into()
}

#[test]
fn the_corpus_is_cleaned_and_what_is_harmless_stays() {
    let (secrets, harmless) = (secrets(), harmless());
    let mut missed = Vec::new();
    for secret in &secrets {
        for place in PLACES {
            let text = place.replace("{}", secret);
            if masked(&text).contains(secret.as_str()) {
                missed.push(text);
            }
        }
    }
    let mut wrong: Vec<String> = Vec::new();
    for text in &harmless {
        let after = masked(text);
        if after != *text {
            wrong.push(format!("{text} -> {after}"));
        }
    }
    let commands = command_lines();
    missed.extend(commands.iter().filter(|text| masked(text).contains('7')).cloned());
    let seeded = secrets.len() * PLACES.len() + commands.len();
    println!("recall {}/{seeded}, false alarms {}/{}", seeded - missed.len(), wrong.len(), harmless.len());
    assert_eq!((missed, wrong), (Vec::<String>::new(), Vec::<String>::new()));
}

#[test]
fn a_flag_is_secret_by_the_names_that_the_log_was_given() {
    let logged = |redaction: Redaction| {
        cleaned(redaction, "run --token a1 --token=a2 --tenant-pin b3 --tenant-pin=b4")
    };
    let allowed = logged(Redaction::new().allow("token"));
    assert_eq!(allowed, "run --token a1 --token=a2 --tenant-pin b3 --tenant-pin=b4");
    let more = logged(Redaction::new().key("tenant_pin"));
    assert_eq!(
        more,
        "run --token [REDACTED] --token=[REDACTED] --tenant-pin [REDACTED] --tenant-pin=[REDACTED]"
    );
}

#[test]
fn the_number_of_a_card_is_one_in_a_number_of_any_size() {
    for format in [Format::Json, Format::Gcp, Format::StreamBus, Format::Ecs, Format::Otel, Format::Console] {
        let lines = logged(format, |_| {
            tracing::info!(
                a = 4_111_111_111_111_111_u64,
                b = 4_111_111_111_111_111_i64,
                c = 4_111_111_111_111_111_u128,
                d = 4_111_111_111_111_111_i128,
                e = u128::MAX
            );
        });
        assert!(
            !lines[0].contains("4111") && lines[0].contains(&u128::MAX.to_string()),
            "{format}: {lines:?}"
        );
    }
}

#[test]
fn s_3_the_examples_of_the_originals_are_replaced_as_they_were() {
    let key = ["sk", "-"].concat() + &random(40, 3);
    let text =
        format!("mail a@b.com and c@d.org, call 123-456-7890 or 123.456.7890 or 1234567890, key {key}");
    assert_eq!(masked(&text), "mail [EMAIL] and [EMAIL], call [PHONE] or [PHONE] or [PHONE], key [REDACTED]");
}

#[test]
fn what_a_struct_shows_of_its_secrets_is_taken_out_and_the_rest_stays() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "its Debug is what is looked at")]
    struct Login {
        user: &'static str,
        password: &'static str,
        api_key: Option<&'static str>,
    }
    let login = Login { user: "ann", password: "correct horse", api_key: Some("x1") };
    for format in [Format::Json, Format::Console, Format::Ecs] {
        let line = &logged(format, |_| tracing::info!(?login, "m {login:?}"))[0];
        assert!(!line.contains("horse") && !line.contains("x1") && line.contains("ann"), "{line}");
    }
    let texts = [
        ("postgres://ann:hunter2@db/x", "postgres://[REDACTED]@db/x"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [REDACTED]"),
        ("{\"token\": \"a b\", \"n\": 1}", "{\"token\": \"[REDACTED]\", \"n\": 1}"),
        ("a?password=x&b=1", "a?password=[REDACTED]&b=1"),
        ("Cookie: a=b; c=d", "Cookie: [REDACTED]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- after", "[REDACTED] after"),
        ("x -----BEGIN PRIVATE KEY-----\nabc", "x [REDACTED]"),
    ];
    for (text, want) in texts {
        assert_eq!(masked(text), want);
    }
}

#[test]
fn a_field_is_a_secret_by_its_name_in_events_spans_and_loggers() {
    let log = core_log::Logger::empty().with("client_secret", "s3");
    for format in [Format::Json, Format::Gcp, Format::StreamBus, Format::Ecs, Format::Otel, Format::Console] {
        let line = &logged(format, |_| {
            let span = tracing::info_span!(
                "s",
                db_password = "s1",
                order = "A-1",
                late_token = tracing::field::Empty
            );
            span.record("late_token", 77_777);
            let _span = span.enter();
            core_log::info!(logger: log, pin = 4_321, "X-Api-Key" = ?Some("s2"), card_number = "4", "m");
        })[0];
        for secret in ["s1", "s2", "s3", "4321", "77777", "\"4\""] {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
        assert_eq!(line.matches("[REDACTED]").count(), 6, "{line}");
        assert!(line.contains("A-1"));
    }
}

#[test]
fn errors_and_messages_are_cleaned_and_ids_are_left_alone() {
    let error = core_errors::Error::network("no route for bob@example.com")
        .cause(std::io::Error::other("card 4111 1111 1111 1111"));
    let line = &logged(Format::Json, |_| {
        tracing::error!(
            error = &error as &dyn StdError,
            order_id = "4839201845",
            call = "4839201845",
            "mail {}",
            "ann@example.com"
        );
    })[0];
    let line = parse(line);
    assert_eq!(line.text("message"), "mail [EMAIL]");
    assert_eq!(line.0["error"]["message"], "no route for [EMAIL]");
    assert_eq!(line.0["error"]["causes"][0], "card [CARD]");
    assert_eq!([line.text("order_id"), line.text("call")], ["4839201845", "[PHONE]"]);
}

#[test]
fn each_action_does_what_it_says() {
    let card = "paid with 4111 1111 1111 1111 ok";
    assert_eq!(cleaned(Redaction::new().on(Kind::Card, Action::Partial), card), "paid with [CARD …1111] ok");
    assert_eq!(cleaned(Redaction::new().on(Kind::Card, Action::Drop), card), "paid with  ok");
    assert_eq!(cleaned(Redaction::new().on(Kind::Card, Action::Keep), card), card);
    assert_eq!(cleaned(Redaction::off(), card), card);
    let line = |redaction: Redaction| {
        let (sink, lines) = Sink::memory();
        let (layer, _) = Log::builder()
            .lookup(|_| None)
            .format(Format::Json)
            .sink(sink)
            .redaction(redaction)
            .layer()
            .unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::info!(password = "x", token = 1, shoe_size = 42, "m");
        });
        parse(&lines.lines()[0])
    };
    let dropped = line(Redaction::new().on(Kind::Key, Action::Drop).allow("token").key("shoe-size"));
    assert!(!dropped.0.contains_key("password") && !dropped.0.contains_key("shoe_size"));
    assert_eq!(dropped.0["token"], 1);
}

#[cfg(feature = "hash")]
#[test]
fn a_hash_is_the_same_for_the_same_text_and_key_and_another_for_another() {
    let hashed = |key: &[u8], text| cleaned(Redaction::new().all(Action::Hash).hash_key(key), text);
    let (a, b) =
        (hashed(b"0123456789abcdef", "bob@example.com"), hashed(b"0123456789abcdeg", "bob@example.com"));
    assert!(a.starts_with("h:") && a.len() == 18, "{a}");
    assert_eq!(a, hashed(b"0123456789abcdef", "bob@example.com"));
    assert!(a != b && a != hashed(b"0123456789abcdef", "ann@example.com"));
    assert!(Log::builder().redaction(Redaction::new().all(Action::Hash).hash_key(b"short")).layer().is_err());
}

#[test]
fn hashing_without_a_key_is_refused() {
    let error = Log::builder()
        .lookup(|_| None)
        .redaction(Redaction::new().on(Kind::Email, Action::Hash))
        .layer()
        .unwrap_err();
    assert!(error.to_string().contains("16 bytes"), "{error}");
}

#[test]
fn what_a_type_hides_is_hidden_also_where_nothing_is_redacted() {
    let secret = Sensitive::new("hunter2");
    assert_eq!(cleaned(Redaction::off(), &format!("{secret:?}")), "[REDACTED]");
}

#[test]
fn the_worst_text_costs_a_fixed_amount_a_byte() {
    let clock = Clock::system();
    let worst = [
        "@",
        "a@a.",
        "1-",
        "1 ",
        "4111 ",
        "token=[",
        "password=",
        "sk-aaaaaaaaaaaaaaaaaaaaaaaa.",
        "eyJaaaaaaaaaaaaaaaaaaaaa.",
        "-----BEGIN ",
        "://a:",
        "((((",
        "+1",
        "\\",
        "aaaaaaaaaaaaaaaaaaaaaaaa.",
        "password=(",
        "token=([REDACTED",
        "token: x(",
        "token: aaaaaa ",
        "token=\\'",
        "token=\\\\\"",
        "token='a",
        "<token>",
        "a%40a.",
        "\x1b[31m",
        "\\u{1b}[3",
        "Authorization: Digest ",
        "id=1234567890 ",
        "--token ",
        "--token x ",
        "--token \"",
        "--token 'a",
        "--token\",\"",
        "--token [REDACTED",
        "--token\n",
        "--token \\\n        ",
        "--token\" \\n\\n",
        "\"--token=a ",
        "'--token=a",
        "\\'--token=a ",
        "\\\\\\'--token=a '",
        "--token=[REDACTED",
        "----",
    ];
    for piece in worst {
        // Eight short texts take as long as one that is eight times as long: whatever disturbs the machine disturbs both.
        let time = |len: usize, times: usize| {
            let text = piece.repeat(len / piece.len());
            let once = || {
                let start = clock.now();
                (0..times).for_each(|_| {
                    std::hint::black_box(masked(&text));
                });
                clock.now() - start
            };
            (0..7).map(|_| once()).min().unwrap_or(Duration::MAX)
        };
        let (short, long) = (time(2_000, 8), time(16_000, 1));
        // A square would be eight times as long.
        assert!(long < short * 4 + Duration::from_millis(1), "{piece:?}: {short:?} and {long:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_logged_stays_json_and_cleaning_twice_changes_nothing(text in "[a-zA-Z0-9@:=+(). \\\\\"\n\u{e9}-]{0,120}|.{0,80}") {
        let once = masked(&text);
        prop_assert_eq!(&masked(&once), &once);
    }

    #[test]
    fn command_lines_of_any_pieces_are_cleaned_once(
        pieces in proptest::collection::vec(0..FLAG_PIECES.len(), 0..24)
    ) {
        let text: String = pieces.iter().map(|piece| FLAG_PIECES[*piece]).collect();
        let once = masked(&text);
        prop_assert_eq!(&masked(&once), &once, "{:?}", text);
    }
}

/// What flags, their arguments, and lists of them are made of.
const FLAG_PIECES: [&str; 20] = [
    "--token",
    "--db-password",
    "-secret",
    "=",
    " ",
    "\t",
    "\n",
    "\0",
    "\\",
    "\\n",
    "\"",
    "'",
    ",",
    "$A",
    "hun7er",
    "--x",
    "[",
    "]",
    "\u{e9}",
    "[REDACTED]",
];
