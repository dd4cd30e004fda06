//! Numbers with a fraction. Most have few digits, and need no search for the shortest text.

/// Appends a finite number, as short as it reads back: as `ryu` has it.
pub(crate) fn push(out: &mut String, value: f64) {
    match thousandths(value) {
        Some(count) => push_thousandths(out, count, value.is_sign_negative()),
        None => out.push_str(ryu::Buffer::new().format_finite(value)),
    }
}

/// How many thousandths it is, if that says it all: no other text with at most fifteen digits reads as the same number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "what is not the same number afterwards is not taken"
)]
fn thousandths(value: f64) -> Option<u64> {
    const MAX: f64 = 1e12;
    let size = value.abs();
    if !(0.001..MAX).contains(&size) {
        return None;
    }
    let count = (size * 1_000.0).round() as u64;
    (count as f64 / 1_000.0 == size).then_some(count)
}

fn push_thousandths(out: &mut String, count: u64, is_negative: bool) {
    if is_negative {
        out.push('-');
    }
    out.push_str(itoa::Buffer::new().format(count / 1_000));
    let rest = count % 1_000;
    let digit = |unit: u64| char::from(b'0' + u8::try_from(rest / unit % 10).unwrap_or_default());
    out.push('.');
    out.push(digit(100));
    if !rest.is_multiple_of(100) {
        out.push(digit(10));
    }
    if !rest.is_multiple_of(10) {
        out.push(digit(1));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    fn same(value: f64) {
        let mut text = String::new();
        super::push(&mut text, value);
        assert_eq!(text, ryu::Buffer::new().format_finite(value));
    }

    #[test]
    fn edges_are_as_ryu_has_them() {
        let edges = [
            0.0,
            0.001,
            0.01,
            0.1,
            0.25,
            0.999,
            0.9999,
            1.0,
            10.0,
            1_234.57,
            999_999_999_999.999,
            1e12,
            1e15,
            1e16,
            1e17,
            5e-324,
        ];
        edges.into_iter().chain([f64::MAX, f64::MIN_POSITIVE, f64::EPSILON]).for_each(|value| {
            same(value);
            same(-value);
            same(value.next_up());
            same(-value.next_down());
        });
    }

    proptest! {
        #[test]
        fn any_number_is_as_ryu_has_it(any in any::<f64>(), count in any::<u32>(), unit in 0_i32..6, large in 0_u64..1 << 53) {
            let mut numbers = vec![f64::from(count) / 10_f64.powi(unit), f64::from(count) * 1e-9];
            #[expect(clippy::cast_precision_loss, reason = "any number will do")]
            numbers.push(large as f64 / 1_000.0);
            numbers.extend(Some(any).filter(|any| any.is_finite()));
            for number in numbers {
                same(number);
                same(-number);
            }
        }
    }
}
