/// As many names as help.
const MAX: usize = 3;

/// Of `names`, those that are a slip or two away from `name`, or that begin as it does; the nearest first, at most three. Upper and lower
/// case are the same.
#[must_use]
pub fn near<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    // Names have at most so many characters; what is longer is no slip.
    let name: Vec<char> = name.chars().take(128).flat_map(char::to_lowercase).collect();
    let slips_max = (name.len() / 3).clamp(1, 3);
    let mut near: Vec<_> = names
        .map(|other| (distance(&name, other), other))
        .filter(|(slips, other)| *slips <= slips_max || begins_alike(&name, other))
        .collect();
    near.sort_unstable();
    near.truncate(MAX);
    near.into_iter().map(|(_, other)| other).collect()
}

/// Whether one of them begins with the other, of three characters at least.
fn begins_alike(name: &[char], other: &str) -> bool {
    let shared = other.chars().flat_map(char::to_lowercase).zip(name).take_while(|(a, b)| a == *b).count();
    shared >= 3 && (shared == name.len() || shared == other.chars().count())
}

/// How many characters must be inserted, removed or replaced to make one of the other (Levenshtein 1965).
fn distance(name: &[char], other: &str) -> usize {
    let mut row: Vec<usize> = (0..=name.len()).collect();
    for (at, there) in other.chars().flat_map(char::to_lowercase).enumerate() {
        let mut corner = at;
        row[0] = at + 1;
        for (here, column) in name.iter().zip(1..) {
            let replaced = corner + usize::from(*here != there);
            corner = row[column];
            row[column] = replaced.min(corner + 1).min(row[column - 1] + 1);
        }
    }
    row[name.len()]
}

#[cfg(test)]
mod tests;
