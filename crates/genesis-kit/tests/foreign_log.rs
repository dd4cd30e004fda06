//! A process that has a subscriber of its own. One test: it changes the whole process.

use genesis_kit::Kit;
use genesis_kit::context::Identity;

#[test]
fn where_there_is_a_log_already_the_identity_is_not_set_either() {
    tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::default()).unwrap();
    let refused = Kit::builder("orders").version("1").build().unwrap_err();
    assert!(refused.to_string().contains("subscriber already"), "{refused}");
    assert_eq!(Identity::get(), None);
    let kit = Kit::builder("orders").version("2").without_log().build().unwrap();
    assert_eq!(kit.identity().version, "2");
}
