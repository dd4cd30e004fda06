//! Phone numbers and numbers of payment cards, among all the numbers that are neither.

use super::Kind;

/// A group of digits, and what stands before it.
#[derive(Clone, Copy, Default)]
struct Group {
    start: usize,
    end: usize,
    before: u8,
}

/// No number that is looked for has more groups.
const GROUPS: usize = 8;

/// The most digits of a card, and of a phone.
const DIGITS_MAX: usize = 19;

/// The number that begins at `at`, where a digit, `+` or `(` stands: where it ends, and what it is.
pub(super) fn at(bytes: &[u8], at: usize) -> Option<(usize, Kind)> {
    if bytes[at] == b'(' {
        return in_parentheses(bytes, at).map(|end| (end, Kind::Phone));
    }
    let plus = bytes[at] == b'+';
    let mut groups = [Group::default(); GROUPS];
    let mut count = 0;
    let mut next = at + usize::from(plus);
    let mut before = bytes[at];
    while count < GROUPS {
        let digits = run(bytes, next);
        if digits == 0 {
            break;
        }
        groups[count] = Group { start: next, end: next + digits, before };
        count += 1;
        next += digits;
        match bytes.get(next) {
            Some(separator @ (b' ' | b'-' | b'.')) => before = *separator,
            _ => break,
        }
        next += 1;
    }
    let groups = &groups[..count];
    if groups.is_empty() {
        return None;
    }
    if plus {
        return international(bytes, groups).map(|end| (end, Kind::Phone));
    }
    if let Some(end) = card(bytes, groups) {
        return Some((end, Kind::Card));
    }
    phone(bytes, groups).map(|end| (end, Kind::Phone))
}

/// Whether a number is that of a card.
pub(super) fn is_card(number: u64) -> bool {
    // The shortest has thirteen digits.
    if number < 1_000_000_000_000 {
        return false;
    }
    let mut buffer = itoa::Buffer::new();
    let text = buffer.format(number).as_bytes();
    let group = Group { start: 0, end: text.len(), before: 0 };
    text.len() <= DIGITS_MAX && card(text, &[group]).is_some()
}

fn run(bytes: &[u8], at: usize) -> usize {
    // One more than is looked for, so that what is longer is seen to be.
    bytes[at.min(bytes.len())..].iter().take(DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_digit()).count()
}

/// Whether no more of a number, a name or an id follows.
fn ends(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        None => true,
        Some(b'-' | b'.' | b':' | b'/') => !bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric),
        Some(byte) => !(byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80),
    }
}

/// `+49 30 1234567`: eight to fifteen digits.
fn international(bytes: &[u8], groups: &[Group]) -> Option<usize> {
    let mut digits = 0;
    let mut end = None;
    for group in groups {
        digits += group.end - group.start;
        if digits > 15 {
            break;
        }
        if digits >= 8 && ends(bytes, group.end) {
            end = Some(group.end);
        }
    }
    end
}

/// `(555) 123-4567`.
fn in_parentheses(bytes: &[u8], at: usize) -> Option<usize> {
    if run(bytes, at + 1) != 3 || bytes.get(at + 4) != Some(&b')') {
        return None;
    }
    let second = at + 5 + usize::from(matches!(bytes.get(at + 5), Some(b' ' | b'-')));
    if run(bytes, second) != 3 || !matches!(bytes.get(second + 3), Some(b' ' | b'-' | b'.')) {
        return None;
    }
    (run(bytes, second + 4) == 4 && ends(bytes, second + 8)).then_some(second + 8)
}

/// `555-123-4567`, `1-555-123-4567`, or ten digits that are no time of these years.
fn phone(bytes: &[u8], groups: &[Group]) -> Option<usize> {
    let lens = |from: usize| groups[from..].iter().map(|group| group.end - group.start);
    let national = usize::from(lens(0).next() == Some(1) && bytes[groups[0].start] == b'1');
    if lens(national).take(3).eq([3, 3, 4]) {
        let same = groups[national + 1].before == groups[national + 2].before;
        let end = groups[national + 2].end;
        return (same && ends_group(bytes, groups, national + 2)).then_some(end);
    }
    let first = groups[0];
    if first.end - first.start != 10 || !ends_group(bytes, groups, 0) {
        return None;
    }
    let number =
        bytes[first.start..first.end].iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    // Seconds since 1970 from 2014 to 2033 are no phone, and neither is what begins with zero.
    (number >= 1_000_000_000 && !(1_400_000_000..2_000_000_000).contains(&number)).then_some(first.end)
}

/// Whether a number may end with this group: another one may only follow after a space.
fn ends_group(bytes: &[u8], groups: &[Group], at: usize) -> bool {
    groups.get(at + 1).is_none_or(|next| next.before == b' ') && ends(bytes, groups[at].end)
}

/// In one piece, or in the groups that are printed on cards.
fn card(bytes: &[u8], groups: &[Group]) -> Option<usize> {
    const SHAPES: [&[usize]; 4] = [&[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 4, 3]];
    let len = |group: &Group| group.end - group.start;
    let single = (13..=DIGITS_MAX).contains(&len(&groups[0])).then_some(1);
    let grouped = SHAPES.iter().rev().find(|shape| {
        groups.len() >= shape.len()
            && groups.iter().zip(shape.iter()).all(|(group, want)| len(group) == *want)
            && groups[1..shape.len()].iter().all(|group| group.before == groups[1].before)
    });
    let count = single.or(grouped.map(|shape| shape.len()))?;
    let (digits, total) = digits_of(bytes, &groups[..count]);
    let is_card =
        ends_group(bytes, groups, count - 1) && is_issued(&digits[..total]) && luhn(&digits[..total]);
    is_card.then(|| groups[count - 1].end)
}

fn digits_of(bytes: &[u8], groups: &[Group]) -> ([u8; DIGITS_MAX], usize) {
    let mut digits = [0; DIGITS_MAX];
    let mut total = 0;
    for byte in groups.iter().flat_map(|group| &bytes[group.start..group.end]).take(DIGITS_MAX) {
        digits[total] = byte - b'0';
        total += 1;
    }
    (digits, total)
}

/// Whether cards begin so: Visa, Mastercard, American Express, Discover, Diners, JCB, Union Pay, Maestro.
fn is_issued(digits: &[u8]) -> bool {
    let prefix = digits.iter().take(4).fold(0_u16, |sum, digit| sum * 10 + u16::from(*digit));
    match prefix {
        4000..=4999 => matches!(digits.len(), 13 | 16 | 19),
        5100..=5599 | 2221..=2720 | 6011 | 6440..=6599 | 3528..=3589 => digits.len() == 16,
        3400..=3499 | 3700..=3799 => digits.len() == 15,
        3000..=3059 | 3600..=3699 | 3800..=3999 => matches!(digits.len(), 14 | 16),
        6200..=6299 | 5000..=5099 | 5600..=5899 | 6300..=6399 => digits.len() >= 16,
        _ => false,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u8| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| u32::from(if at % 2 == 1 { doubled(*digit) } else { *digit }))
        .sum();
    sum.is_multiple_of(10)
}
