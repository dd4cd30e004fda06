//! W3C Baggage (2025-06): what is read, what is kept, and what goes on.

use core_context::{Baggage, BaggageError};
use proptest::prelude::*;

fn parse(headers: &[&str]) -> Option<Baggage> {
    Baggage::parse(headers.iter().map(|header| header.as_bytes()))
}

#[track_caller]
fn kept(headers: &[&str], want: &str) {
    let text = parse(headers).map(|baggage| baggage.as_str().to_owned());
    assert_eq!(text.unwrap_or_default(), want, "{headers:?}");
}

fn members(baggage: &Baggage) -> Vec<(String, String, String)> {
    baggage.members().map(|(k, v, p)| (k.to_owned(), v.into_owned(), p.to_owned())).collect()
}

#[test]
fn the_examples_of_the_specification_are_read() {
    let baggage =
        parse(&["key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue"]);
    let baggage = baggage.unwrap();
    let read = members(&baggage);
    let of =
        |key: &str, value: &str, properties: &str| (key.to_owned(), value.to_owned(), properties.to_owned());
    assert_eq!(
        read,
        [
            of("key1", "value1", "property1;property2"),
            of("key2", "value2", ""),
            of("key3", "value3", " propertyKey=propertyValue"),
        ]
    );
    let user = parse(&["userId=alice,serverNode=DF%2028,isProduction=false"]).unwrap();
    assert_eq!(user.get("serverNode").unwrap(), "DF 28");
    let several = parse(&["userId=alice", "serverNode=DF%2028,isProduction=false"]).unwrap();
    assert_eq!(several, user, "several headers are one list");
    assert_eq!(parse(&["userId=Am%C3%A9lie"]).unwrap().get("userId").unwrap(), "Amélie");
}

#[test]
fn a_value_may_have_equals_signs_in_it_and_may_be_empty() {
    let baggage = parse(&["a=b=c==,empty="]).unwrap();
    assert_eq!((baggage.get("a").unwrap().as_ref(), baggage.get("empty").unwrap().as_ref()), ("b=c==", ""));
}

#[test]
fn bytes_that_are_no_text_read_as_u_fffd_and_go_on_as_they_came() {
    let baggage = parse(&["a=%C3%28,b=%FF"]).unwrap();
    assert_eq!(
        (baggage.get("a").unwrap().as_ref(), baggage.get("b").unwrap().as_ref()),
        ("\u{fffd}(", "\u{fffd}")
    );
    assert_eq!(baggage.as_str(), "a=%C3%28,b=%FF");
}

#[test]
fn a_percent_sign_that_encodes_nothing_stands_for_itself() {
    assert_eq!(parse(&["a=100%,b=%zz,c=%4"]).unwrap().as_str(), "a=100%,b=%zz,c=%4");
    assert_eq!(parse(&["a=100%,b=%zz,c=%41"]).unwrap().get("c").unwrap(), "A");
    assert_eq!(parse(&["b=%zz%4"]).unwrap().get("b").unwrap(), "%zz%4");
}

#[test]
fn g_25_malformed_members_are_skipped_and_the_others_stay() {
    kept(&["good=1,bad,also=2"], "good=1,also=2");
    kept(&["=1,ok=2"], "ok=2");
    kept(&["bad key=1,ok=2"], "ok=2");
    kept(&["quo\"te=1,ok=2"], "ok=2");
    kept(&["a=with space,ok=2"], "ok=2");
    kept(&["a=1;,ok=2"], "ok=2");
    kept(&["a=1;p q,ok=2"], "ok=2");
    kept(&["a=1;=x,ok=2"], "ok=2");
    kept(&["a=back\\slash,ok=2"], "ok=2");
    kept(&["ä=1,ok=2"], "ok=2");
    kept(&[",,, ,ok=2,"], "ok=2");
    kept(&["", "bad", " \t"], "");
    assert_eq!(Baggage::parse([&[0xff, b'=', 0xfe, b',', b'k', b'=', b'v'][..]]).unwrap().as_str(), "k=v");
}

#[test]
fn duplicates_keep_their_order_and_the_first_is_asked() {
    let baggage = parse(&["a=1,b=2", "a=3"]).unwrap();
    assert_eq!(baggage.as_str(), "a=1,b=2,a=3");
    assert_eq!(baggage.get("a").unwrap(), "1");
    assert_eq!(baggage.len(), 3);
}

#[test]
fn sixty_four_members_go_on_and_the_65th_does_not() {
    let all: Vec<_> = (0..65).map(|n| format!("k{n}=v")).collect();
    kept(&[&all[..64].join(",")], &all[..64].join(","));
    kept(&[&all.join(",")], &all[..64].join(","));
    kept(&[&all[..60].join(","), &all[60..].join(",")], &all[..64].join(","));
}

#[test]
fn exactly_8192_bytes_go_on() {
    let one = format!("k={}", "v".repeat(8_190));
    kept(&[&one], &one);
    let (left, right) = (format!("a={}", "v".repeat(4_000)), format!("b={}", "v".repeat(4_187)));
    assert_eq!(left.len() + 1 + right.len(), 8_192);
    kept(&[&left, &right], &format!("{left},{right}"));
}

#[test]
fn of_more_whole_members_go_from_the_right() {
    let one = format!("k={}", "v".repeat(8_191));
    kept(&[&one], "");
    let half = |key: &str| format!("{key}={}", "v".repeat(4_000));
    let (a, b, c) = (half("a"), half("b"), half("c"));
    kept(&[&format!("{a},{b},{c}")], &format!("{a},{b}"));
    kept(&[&a, &b, &c, "small=1"], &format!("{a},{b}"));
    kept(&[&format!("{a},{b},{c},small=1"), "other=1"], &format!("{a},{b}"));
}

#[test]
fn of_far_too_much_the_beginning_goes_on_all_the_same() {
    let all: Vec<_> = (0..5_000).map(|n| format!("k{n}=0123456789")).collect();
    kept(&[&all.join(",")], &all[..64].join(","));
    let megabyte = format!("first=1,{}", "x".repeat(1_000_000));
    kept(&[&megabyte], "first=1");
    kept(&[&format!("a={}", "v".repeat(100_000))], "");
}

#[test]
fn with_adds_at_the_end_and_says_why_it_does_not() {
    let baggage = Baggage::new().with("a", "1").unwrap().with("a", "2, %;\"\\ é").unwrap();
    assert_eq!(baggage.as_str(), "a=1,a=2%2C%20%25%3B%22%5C%20%C3%A9");
    assert_eq!(members(&baggage)[1].1, "2, %;\"\\ é");
    for key in ["", "a b", "a,b", "a=b", "ä", "a;b", "a\n"] {
        assert_eq!(Baggage::new().with(key, "1"), Err(BaggageError::Key), "{key:?}");
    }
    let full = (0..64).try_fold(Baggage::new(), |all, n| all.with(&format!("k{n}"), "v")).unwrap();
    assert_eq!(full.with("more", ""), Err(BaggageError::Members));
    assert!(Baggage::new().with("k", &"v".repeat(8_190)).is_ok());
    assert_eq!(Baggage::new().with("k", &"v".repeat(8_191)), Err(BaggageError::Length));
}

#[test]
fn filtering_keeps_what_is_asked_for_with_its_properties() {
    let baggage = parse(&["a=1;p=q,b=2,A=3,a=4"]).unwrap();
    assert_eq!(baggage.filtered(|key| key == "a").unwrap().as_str(), "a=1;p=q,a=4");
    assert_eq!(baggage.filtered(|_| false), None);
    let blank = parse(&["a =1"]).unwrap();
    assert!(blank.filtered(|key| key == "a").is_some(), "blanks are no part of a key");
}

fn token() -> impl Strategy<Value = String> {
    "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}"
}

proptest! {
    #[test]
    fn what_was_put_in_comes_out(all in prop::collection::vec((token(), ".{0,40}"), 1..20)) {
        let baggage = all.iter().try_fold(Baggage::new(), |baggage, (key, value)| baggage.with(key, value));
        let Ok(baggage) = baggage else { return Ok(()) };
        let again = Baggage::parse([baggage.as_str().as_bytes()]).unwrap();
        prop_assert_eq!(&again, &baggage);
        let read: Vec<_> = again.members().map(|(key, value, _)| (key.to_owned(), value.into_owned())).collect();
        prop_assert_eq!(read, all);
    }

    #[test]
    fn what_is_accepted_is_a_header_within_the_limits_that_reads_the_same_again(
        headers in prop::collection::vec("[a-c=;,% \t\"é0-9A-F]{0,80}", 0..4),
    ) {
        let Some(baggage) = Baggage::parse(headers.iter().map(String::as_bytes)) else { return Ok(()) };
        prop_assert!(baggage.as_str().bytes().all(|b| matches!(b, b'\t' | b' '..=b'~')));
        prop_assert!((1..=64).contains(&baggage.len()) && baggage.as_str().len() <= 8_192);
        prop_assert_eq!(Baggage::parse([baggage.as_str().as_bytes()]), Some(baggage));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Some(baggage) = Baggage::parse([bytes.as_slice()]) {
            prop_assert!(baggage.members().count() == baggage.len());
        }
    }

    #[test]
    fn whole_members_from_the_left_go_on_and_no_part_of_one(
        lens in prop::collection::vec(0_usize..3_000, 1..90), headers in 1_usize..5,
    ) {
        let all: Vec<_> = lens.iter().enumerate().map(|(n, len)| format!("k{n}={}", "v".repeat(*len))).collect();
        let chunks: Vec<_> = all.chunks(all.len().div_ceil(headers)).map(|some| some.join(",")).collect();
        let baggage = Baggage::parse(chunks.iter().map(String::as_bytes));
        let fits = (0..=all.len().min(64)).rev().find(|n| all[..*n].join(",").len() <= 8_192).unwrap();
        prop_assert_eq!(baggage.map_or(String::new(), |baggage| baggage.as_str().to_owned()), all[..fits].join(","));
    }
}
