//! What is shown of a secret by whoever has it.

use core_log::{Action, Kind, Redaction, Sensitive};

const SECRET: &str = "correct horse battery";

#[test]
fn a_mark_never_has_the_secret_in_it_whatever_is_kept() {
    let masked = [
        Redaction::new(),
        Redaction::off(),
        Redaction::off().on(Kind::Key, Action::Partial),
        Redaction::new().on(Kind::Key, Action::Keep),
        Redaction::new().on(Kind::Key, Action::Drop),
        // There is no key to hash it with.
        Redaction::new().on(Kind::Key, Action::Hash),
    ];
    for redaction in masked {
        assert_eq!(redaction.mark(&Sensitive::new(SECRET)), "[REDACTED]", "{redaction:?}");
    }
    let partial = Redaction::new().on(Kind::Key, Action::Partial);
    assert_eq!(partial.mark(&Sensitive::new(SECRET.to_owned())), "[REDACTED …tery]");
    assert_eq!(partial.mark(&Sensitive::new("short")), "[REDACTED]", "four of five would be most of it");
}

#[cfg(feature = "hash")]
#[test]
fn a_hash_is_the_mark_of_one_secret_and_is_what_stands_for_a_field_of_that_value() {
    use core_log::{Format, Log, Sink};
    use tracing_subscriber::layer::SubscriberExt;

    let redaction = Redaction::new().on(Kind::Key, Action::Hash).hash_key(b"0123456789abcdef");
    let mark = redaction.mark(&Sensitive::new(SECRET));
    assert!(mark.starts_with("h:") && mark.len() == 18 && mark != redaction.mark(&Sensitive::new("other")));
    let (sink, lines) = Sink::memory();
    let log = Log::builder().lookup(|_| None).format(Format::Json).sink(sink).redaction(redaction);
    let (layer, _) = log.layer().expect("it is right");
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::info!(token = SECRET, used = %mark, "m");
    });
    let line = lines.lines().remove(0);
    assert_eq!(line.matches(&mark).count(), 2, "{line}");
}

#[cfg(feature = "secrecy")]
#[test]
fn what_secrecy_holds_is_hidden_by_itself_and_has_a_mark() {
    use core_log::{Format, Log, Sink};
    use secrecy::{SecretBox, SecretString};
    use tracing_subscriber::layer::SubscriberExt;

    let secret = SecretString::from(SECRET);
    let boxed: SecretBox<String> = SecretBox::new(Box::new(SECRET.to_owned()));
    let redaction = Redaction::new().on(Kind::Key, Action::Partial);
    assert_eq!([redaction.mark(&secret), redaction.mark(&boxed)], ["[REDACTED …tery]", "[REDACTED …tery]"]);
    let (sink, lines) = Sink::memory();
    let log = Log::builder().lookup(|_| None).format(Format::Json).sink(sink).redaction(Redaction::off());
    let (layer, _) = log.layer().expect("it is right");
    let hidden = Sensitive::new(secret.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::info!(?secret, ?boxed, %hidden, "m");
    });
    let line = lines.lines().remove(0);
    assert!(!line.contains("horse") && line.matches("[REDACTED]").count() == 3, "{line}");
}
