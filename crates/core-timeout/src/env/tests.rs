use core_time::{ms, secs};
use proptest::prelude::*;

use super::*;

#[test]
fn f_94_a_time_is_a_number_with_a_unit_or_in_seconds() {
    for (text, expected) in [
        ("30", secs(30)),
        ("30s", secs(30)),
        ("30 s", secs(30)),
        ("250ms", ms(250)),
        ("0.1", ms(100)),
        ("2.5s", ms(2_500)),
        ("2m", secs(120)),
        ("1h", secs(3_600)),
        ("0", Duration::ZERO),
    ] {
        assert_eq!(parse(text), Some(expected), "{text}");
    }
    for text in ["", "s", "-1", "+1", "1e3", "1d", "1 0", "1,5", "inf", "NaN", ".", "1.2.3", "١s", "1S"] {
        assert_eq!(parse(text), None, "{text}");
    }
    let padded = |len: usize| format!("{}5s", "0".repeat(len - 2));
    assert_eq!((parse(&padded(40)), parse(&padded(41))), (Some(secs(5)), None));
    assert_eq!(parse(&"9".repeat(40)), None, "longer than any duration");
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn what_is_written_in_milliseconds_is_read_exactly(millis in 0_u64..1_000_000_000) {
        prop_assert_eq!(parse(&format!("{millis}ms")), Some(ms(millis)));
    }
}
