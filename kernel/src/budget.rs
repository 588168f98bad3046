//! How much memory C may have: as much as the machine says it has.
//!
//! The allocator below gives address space as long as there is any, and the host takes the whole
//! program's life when its own memory is short. So what is given out is counted, and an allocation
//! that would be too much fails as it does on Linux.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::Kernel;

/// The bytes that are given out, and how many there may be.
pub(crate) struct Budget {
    used: AtomicU64,
    total: u64,
}

impl Budget {
    pub(crate) fn new(total: u64) -> Budget {
        Budget { used: AtomicU64::new(0), total }
    }
}

impl Kernel {
    /// Takes so many bytes from what there is; false, and nothing is taken, if there is too little.
    pub fn take_memory(&self, bytes: usize) -> bool {
        let Budget { used, total } = &self.budget;
        let bytes = bytes as u64;
        let before = used.fetch_add(bytes, Ordering::Relaxed);
        let is_enough = before.checked_add(bytes).is_some_and(|sum| sum <= *total);
        if !is_enough {
            self.give_memory(bytes as usize);
        }
        is_enough
    }

    /// How many bytes are taken.
    pub(crate) fn memory_in_use(&self) -> u64 {
        self.budget.used.load(Ordering::Relaxed)
    }

    /// Gives bytes back that were taken.
    pub fn give_memory(&self, bytes: usize) {
        self.budget.used.fetch_sub(bytes as u64, Ordering::Relaxed);
    }
}
