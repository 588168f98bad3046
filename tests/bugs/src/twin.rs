//! How much a twin differs.

/// Counts the lines that must be changed, added or taken out to make one text of the other: the
/// edit distance in lines, where a line that is changed counts once.
pub fn differing_lines(wrong: &str, right: &str) -> usize {
    let (wrong, right): (Vec<_>, Vec<_>) = (wrong.lines().collect(), right.lines().collect());
    // Row by row: how far the lines so far are from each beginning of the other text.
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, line) in wrong.iter().enumerate() {
        let mut next = vec![above + 1];
        for (left, other) in right.iter().enumerate() {
            let changed = row[left] + usize::from(line != other);
            next.push(changed.min(row[left + 1] + 1).min(next[left] + 1));
        }
        row = next;
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_counted_in_lines() {
        assert_eq!(differing_lines("a\nb\nc", "a\nx\nc"), 1);
        assert_eq!(differing_lines("a\nb\nc", "a\nc"), 1);
        assert_eq!(differing_lines("a\nb", "b\na"), 2);
    }
}
