//! Masks of CPUs and memory nodes, as /proc prints them.

use core::fmt;

/// A mask in groups of 32 bits, highest first, as wide as the mask can be: `ff,ffffffff`
/// (Linux: `%*pb`).
pub(super) struct Hex {
    pub(super) mask: u64,
    /// How many bits there could be.
    pub(super) bits: u32,
}

/// A mask as ranges: `0-3,5` (Linux: `%*pbl`).
pub(super) struct List(pub(super) u64);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = self.bits.div_ceil(32);
        for group in (0..groups).rev() {
            let value = self.mask.checked_shr(32 * group).unwrap_or(0) & u64::from(u32::MAX);
            let bits = if group + 1 == groups { self.bits - 32 * group } else { 32 };
            let width = bits.div_ceil(4) as usize;
            write!(f, "{value:0width$x}")?;
            if group > 0 {
                f.write_str(",")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0;
        let mut separator = "";
        while left != 0 {
            let first = left.trailing_zeros();
            let count = (left >> first).trailing_ones();
            match count {
                1 => write!(f, "{separator}{first}")?,
                _ => write!(f, "{separator}{first}-{}", first + count - 1)?,
            }
            left &= !((u64::MAX >> (64 - count)) << first);
            separator = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Hex, List};
    use alloc::string::ToString;

    fn hex(mask: u64, bits: u32) -> alloc::string::String {
        Hex { mask, bits }.to_string()
    }

    #[test]
    fn masks_are_as_wide_as_they_could_be() {
        assert_eq!(hex(3, 2), "3");
        assert_eq!(hex(1, 8), "01");
        assert_eq!(hex(0xf, 33), "0,0000000f");
        assert_eq!(hex(u64::MAX, 64), "ffffffff,ffffffff");
        assert_eq!(hex(1, 1024).split(',').count(), 32);
        assert!(hex(1, 1024).ends_with(",00000000,00000001"));
    }

    #[test]
    fn lists_join_neighbours() {
        assert_eq!(List(0).to_string(), "");
        assert_eq!(List(1).to_string(), "0");
        assert_eq!(List(0b11).to_string(), "0-1");
        assert_eq!(List(0b1010_1111).to_string(), "0-3,5,7");
        assert_eq!(List(u64::MAX).to_string(), "0-63");
        assert_eq!(List(1 << 63).to_string(), "63");
    }
}
