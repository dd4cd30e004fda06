use core_errors::{Category, Error};

use super::*;

#[test]
fn who_judges_by_class_remembers_what_failed() {
    let failed = Err::<(), _>(Error::timeout("slow"));
    let cause = Judge::cause(&ByClass, &failed);
    assert_eq!(cause.map(|cause| cause.category), Some(Category::Timeout));
    assert_eq!(Judge::cause(&ByClass, &Ok::<(), Error>(())), None);
}
