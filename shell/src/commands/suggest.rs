//! Which known word was probably meant.

use alloc::vec::Vec;

/// Returns the known word that is nearest, if it is near enough.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (word.chars().count() / 3).max(1);
    let near = known.map(|other| (distance(word, other), other));
    near.filter(|(steps, _)| *steps <= most).min().map(|(_, other)| other)
}

/// How many letters to add, drop or change to make one word of the other; two neighbours that
/// changed places count once.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i);
        for j in 1..=to.len() {
            let change = row[j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = change.min(row[j] + 1).min(next[j - 1] + 1);
            let swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
            if swapped {
                best = best.min(before[j - 2] + 1);
            }
            next.push(best);
        }
        before = core::mem::replace(&mut row, next);
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let cases = [
            ("", "", 0),
            ("a", "", 1),
            ("ps", "sp", 1),
            ("kill", "pkill", 1),
            ("lsmdo", "lsmod", 1),
        ];
        for (from, to, steps) in cases {
            assert_eq!(distance(from, to), steps, "{from} {to}");
            assert_eq!(distance(to, from), steps, "{to} {from}");
        }
    }

    #[test]
    fn only_a_near_word_is_suggested() {
        let known = ["insmod", "rmmod", "lsmod", "ps"];
        assert_eq!(nearest("insmdo", known.into_iter()), Some("insmod"));
        assert_eq!(nearest("rmod", known.into_iter()), Some("rmmod"));
        assert_eq!(nearest("modprobe", known.into_iter()), None);
    }
}
