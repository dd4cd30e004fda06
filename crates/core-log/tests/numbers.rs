//! Numbers that a reader who knows doubles alone would take for others.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use core_log::{Format, Log, Sink};
use tracing_subscriber::layer::SubscriberExt;

/// The one line of a log, in which there are numbers up to where doubles hold them all, and beyond.
fn line(format: Format, exact: Option<bool>, lookup: fn(&str) -> Option<String>) -> String {
    let (sink, lines) = Sink::memory();
    let mut log = Log::builder().format(format).project("p").lookup(lookup).sink(sink);
    if let Some(exact) = exact {
        log = log.exact_numbers(exact);
    }
    let (layer, _handle) = log.layer().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let _span = tracing::info_span!("s", inside = 9_007_199_254_740_995_u64).entered();
        tracing::info!(
            fits = 9_007_199_254_740_992_u64,
            fits_too = -9_007_199_254_740_992_i64,
            most = u64::MAX,
            least = i64::MIN,
            fraction = 1e300,
            "m"
        );
    });
    lines.lines().remove(0)
}

const UNSAID: fn(&str) -> Option<String> = |_| None;

const TEXTS: [&str; 3] = ["\"18446744073709551615\"", "\"-9223372036854775808\"", "\"9007199254740995\""];

#[test]
fn whole_numbers_that_a_double_does_not_hold_are_text_where_that_is_wanted() {
    for format in [Format::Json, Format::Gcp, Format::StreamBus, Format::Ecs] {
        let exact = line(format, Some(true), UNSAID);
        assert!(TEXTS.iter().all(|text| exact.contains(text)), "{exact}");
        for number in [":9007199254740992,", ":-9007199254740992,"] {
            assert!(exact.contains(number), "what a double holds stays a number: {exact}");
        }
        assert!(exact.contains(":1e300") || exact.contains(":1e+300"), "{exact}");
        serde_json::from_str::<serde_json::Value>(&exact).unwrap();
        let as_they_are = line(format, None, UNSAID);
        assert!(!TEXTS.iter().any(|text| as_they_are.contains(text)), "{as_they_are}");
        assert!(as_they_are.contains(":18446744073709551615"), "{as_they_are}");
    }
}

#[test]
fn the_environment_may_ask_for_it_and_people_see_no_quotes() {
    let asked: fn(&str) -> Option<String> =
        |name| (name == "GENESIS_LOG_EXACT_NUMBERS").then(|| "true".to_owned());
    assert!(line(Format::Json, None, asked).contains(TEXTS[0]));
    assert!(!line(Format::Json, Some(false), asked).contains(TEXTS[0]), "the code has the last word");
    let for_people = line(Format::Console, Some(true), UNSAID);
    assert!(for_people.contains("most=18446744073709551615"), "{for_people}");
    let odd: fn(&str) -> Option<String> =
        |name| (name == "GENESIS_LOG_EXACT_NUMBERS").then(|| "perhaps".to_owned());
    assert!(Log::builder().lookup(odd).layer().unwrap_err().to_string().contains("perhaps"));
}
