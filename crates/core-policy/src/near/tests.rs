use super::*;

fn slips(one: &str, other: &str) -> usize {
    distance(&one.chars().collect::<Vec<_>>(), other)
}

#[test]
fn slips_are_counted_as_levenshtein_counts_them() {
    for (one, other, count) in [
        ("kitten", "sitting", 3),
        ("flaw", "lawn", 2),
        ("saturday", "sunday", 3),
        ("", "abc", 3),
        ("abc", "", 3),
        ("abc", "abc", 0),
        ("ab", "ba", 2),
        ("payments", "PAYMENTS", 0),
        ("ü", "u", 1),
    ] {
        assert_eq!(slips(one, other), count, "{one} {other}");
    }
}

#[test]
fn one_slip_in_three_characters_is_a_slip_and_three_are_the_most() {
    let meant = |name: &str, other: &'static str| !near(name, [other].into_iter()).is_empty();
    assert!(meant("abc", "abd") && !meant("abc", "xyc"));
    assert!(meant("abcdef", "abcdxy") && !meant("abcdef", "abczxy"));
    assert!(meant("abcdefghi", "abcdefxyz") && !meant("abcdefghi", "abcdewxyz"));
    assert!(meant("abcdefghijklmnop", "abcdefghijklmxyz") && !meant("abcdefghijklmnop", "abcdefghijklwxyz"));
    assert!(meant("x", "y"), "a name of one character too");
}

#[test]
fn a_name_that_begins_as_another_does_is_meant_from_three_characters_on() {
    assert_eq!(near("payments-eu", ["payments", "orders"].into_iter()), ["payments"]);
    assert_eq!(near("Pay", ["payments-of-old"].into_iter()), ["payments-of-old"]);
    assert!(near("pa", ["payments"].into_iter()).is_empty());
    assert!(
        near("payroll-service", ["payments-of-old"].into_iter()).is_empty(),
        "only the beginning is the same"
    );
}

#[test]
fn the_nearest_come_first_and_three_at_most() {
    let names = ["orders4", "orders-x", "orders", "ordera", "billing"];
    assert_eq!(near("orders", names.into_iter()), ["orders", "ordera", "orders4"]);
}
