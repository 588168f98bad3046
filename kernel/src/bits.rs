//! Bits of a word.

/// The numbers of the bits that are set, ascending.
pub(crate) fn bits(word: u64) -> impl Iterator<Item = usize> {
    let rest = |left: u64| Some(left).filter(|left| *left != 0);
    core::iter::successors(rest(word), move |left| rest(left & (left - 1)))
        .map(|left| left.trailing_zeros() as usize)
}

#[cfg(test)]
mod tests {
    #[test]
    fn bits_come_in_order() {
        let all = |word| super::bits(word).collect::<alloc::vec::Vec<_>>();
        assert_eq!(all(0), []);
        assert_eq!(all(1 << 63 | 0b101), [0, 2, 63]);
    }
}
