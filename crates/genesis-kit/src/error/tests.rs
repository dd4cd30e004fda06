use std::error::Error;

use super::*;

#[derive(Debug)]
struct Layer(&'static str, Option<Box<Layer>>);

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Layer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

struct Shown<'a>(&'a Layer);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for_people(self.0, f)
    }
}

#[test]
fn causes_stand_below_the_text_line_by_line() {
    let disk = Layer("the disk is full", None);
    assert_eq!(Shown(&disk).to_string(), "the disk is full");
    let log = Layer("no log", Some(Box::new(Layer("no file", Some(Box::new(disk))))));
    assert_eq!(Shown(&log).to_string(), "no log\n\nCaused by:\n    no file\n    the disk is full");
    let deep = (0..100).fold(None, |inner, _| Some(Box::new(Layer("again", inner)))).unwrap();
    assert_eq!(Shown(&deep).to_string().matches("again").count(), 1 + CAUSES_MAX);
}

#[test]
fn a_main_that_ends_with_one_says_what_would_be_right() {
    let shown = format!("{:?}", KitError::service("or ders"));
    assert_eq!(
        shown,
        "\"or ders\" cannot name a service: use 1 to 63 letters, digits, `_`, `.` and `-`, as in \"orders\""
    );
}
