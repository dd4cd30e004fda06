//! What is made of the class of an error that somebody else knows more about.

use core_errors::{Category, Class, Delivery};

/// Not the callee's kind, which would have a 401 of a dependency tell our own client to log in.
#[test]
fn what_a_callee_told_of_is_a_failure_of_it_and_three_kinds_say_more() {
    for category in Category::all() {
        let class = Class::from(category);
        let ours = class.of_callee();
        let expected = match category {
            Category::Timeout => Category::Timeout,
            Category::Unavailable | Category::RateLimit | Category::ResourceExhausted => {
                Category::Unavailable
            }
            _ => Category::ExternalService,
        };
        assert_eq!(ours.category, expected, "{category}");
        assert_eq!(
            (ours.recovery, ours.verdict),
            (class.recovery, class.verdict),
            "what helps stays: {category}"
        );
    }
}

#[test]
fn what_certainly_had_no_effect_may_be_made_again_and_nothing_else_may_that_could_not() {
    for category in Category::all() {
        let class = Class::from(category);
        for delivery in [Delivery::Unknown, Delivery::NotProcessed, Delivery::NeverSent] {
            let told = class.with_delivery(delivery);
            assert_eq!(told.delivery, delivery);
            let is_doubtful = class.idempotent_only && delivery == Delivery::Unknown;
            assert_eq!(told.idempotent_only, is_doubtful, "{category} {delivery:?}");
        }
    }
    assert!(Class::from(Category::Timeout).idempotent_only, "or nothing was shown");
}
