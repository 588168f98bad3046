//! Copies of per-CPU variables.

use crate::Class;
use crate::class::PAGE_BYTES;
use crate::error::LoadError;
use crate::image::Section;
use alloc::format;
use core::ops::Range;

/// Says how often per-CPU variables exist, and how far the copies lie apart.
///
/// A module names the first copy; that of CPU n lies n strides behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerCpu {
    /// How many CPUs there are, at least one.
    pub copies: usize,
    /// The distance from one copy to the next in bytes, a multiple of the page size.
    pub stride_bytes: usize,
}

impl PerCpu {
    /// One CPU: there is nothing to copy.
    pub const ONE_CPU: Self = Self { copies: 1, stride_bytes: 0 };

    /// Checks that the copies of `bytes` bytes do not overlap.
    pub(crate) fn check(self, bytes: usize) -> Result<(), LoadError> {
        if self.copies > 1
            && (bytes > self.stride_bytes || !self.stride_bytes.is_multiple_of(PAGE_BYTES))
        {
            return Err(LoadError::unsupported(format!(
                "{bytes} bytes of per-CPU variables are more than the {} that a module can have: \
                 allocate them with alloc_percpu",
                self.stride_bytes
            )));
        }
        Ok(())
    }

    /// Copies the first CPU's variables, which lie in `sections`, to the others' places.
    pub(crate) fn fill(self, sections: &[Section], base: usize, image: &mut [u8]) {
        for section in sections.iter().filter(|section| section.class == Class::PerCpu) {
            let (start, end) = (section.range.start - base, section.range.end - base);
            for copy in 1..self.copies {
                image.copy_within(start..end, start + copy * self.stride_bytes);
            }
        }
    }

    /// Gives the address of the first CPU's copy of what lies at an address of the class.
    pub(crate) fn first_copy(self, address: usize, class: &Range<usize>) -> usize {
        if self.copies == 1 || !class.contains(&address) {
            return address;
        }
        class.start + (address - class.start) % self.stride_bytes
    }
}
