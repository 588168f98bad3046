//! Kernel stacks, always the same ones in the same order.

use std::sync::{Mutex, MutexGuard};

use kthreads_base::{SLOT_SIZE, Stack};
use kthreads_host::process::Process;

/// How many stacks are taken from the process at a time.
const BATCH: usize = 64;

/// Stacks that were taken from the process, by address. The lowest free one is handed out first,
/// so equal runs on one pool get equal stacks.
#[derive(Default)]
pub struct StackPool {
    slots: Mutex<Slots>,
}

/// Which stacks of a pool were in use.
pub(crate) struct Usage {
    /// How many stacks there were.
    count: usize,
    free: Vec<u64>,
    /// Ascending addresses.
    used: Vec<usize>,
}

#[derive(Default)]
struct Slots {
    /// Ascending addresses of all slots of the pool.
    bases: Vec<usize>,
    /// Whether each is free.
    free: Vec<u64>,
    /// Where they come from.
    process: Option<Process>,
}

impl StackPool {
    /// Which stacks are in use, and how many there are.
    pub(crate) fn usage(&self) -> Usage {
        let slots = self.lock();
        Usage { count: slots.bases.len(), free: slots.free.clone(), used: slots.used().collect() }
    }

    /// Which stacks are in use, ascending.
    pub(crate) fn in_use(&self) -> Vec<usize> {
        self.lock().used().collect()
    }

    /// Makes those the only ones in use.
    pub(crate) fn set_usage(&self, usage: &Usage) {
        let mut slots = self.lock();
        if slots.bases.len() == usage.count {
            return slots.free.clone_from(&usage.free);
        }
        // Some have come since.
        let mut used = usage.used.iter().peekable();
        for place in 0..slots.bases.len() {
            let is_used = used.next_if(|base| **base == slots.bases[place]).is_some();
            let bit = 1 << (place % 64);
            if is_used { slots.free[place / 64] &= !bit } else { slots.free[place / 64] |= bit }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes the lowest free stack; takes one from the process if there is none.
    pub fn alloc(&self, process: Process) -> Option<Stack> {
        let mut slots = self.lock();
        slots.process = Some(process);
        let place = match slots.take_lowest() {
            Some(place) => place,
            None => {
                // Many at once, so that the first of equal runs gets what the others get.
                for _ in 0..BATCH {
                    let Some(fresh) = process.stack_alloc() else { break };
                    slots.insert(fresh.base());
                }
                slots.take_lowest()?
            }
        };
        // SAFETY: the slot was handed over by the process and is free: one caller gets it.
        Some(unsafe { Stack::from_base(slots.bases[place]) })
    }

    /// Takes a stack of this pool back.
    pub fn free(&self, stack: Stack) {
        let mut slots = self.lock();
        if let Ok(place) = slots.bases.binary_search(&stack.base()) {
            slots.free[place / 64] |= 1 << (place % 64);
        }
    }
}

impl Drop for StackPool {
    /// Gives all stacks that are free back to the process; nobody will ever take back the others.
    fn drop(&mut self) {
        let slots = self.lock();
        let Some(process) = slots.process else { return };
        for place in (0..slots.bases.len()).filter(|place| slots.is_free(*place)) {
            // SAFETY: the slot is the pool's and free, and the pool is no more.
            process.stack_free(unsafe { Stack::from_base(slots.bases[place]) });
        }
    }
}

impl Slots {
    fn used(&self) -> impl Iterator<Item = usize> {
        let used = (0..self.bases.len()).filter(|place| !self.is_free(*place));
        used.map(|place| self.bases[place])
    }

    fn is_free(&self, place: usize) -> bool {
        self.free[place / 64] & (1 << (place % 64)) != 0
    }

    fn take_lowest(&mut self) -> Option<usize> {
        let word = self.free.iter().position(|word| *word != 0)?;
        let bit = self.free[word].trailing_zeros() as usize;
        self.free[word] &= !(1 << bit);
        Some(word * 64 + bit)
    }

    /// Adds a free slot in its place.
    fn insert(&mut self, base: usize) {
        debug_assert!(base.is_multiple_of(SLOT_SIZE));
        let place = self.bases.partition_point(|other| *other < base);
        let was_free: Vec<bool> = (0..self.bases.len()).map(|place| self.is_free(place)).collect();
        self.bases.insert(place, base);
        self.free = vec![0; self.bases.len().div_ceil(64)];
        for (old, free) in was_free.into_iter().enumerate() {
            let new = old + usize::from(old >= place);
            self.free[new / 64] |= u64::from(free) << (new % 64);
        }
        self.free[place / 64] |= 1 << (place % 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_stack_comes_first() {
        let process = Process::prepare().expect("a process");
        let pool = StackPool::default();
        let stacks: Vec<Stack> = (0..200).map(|_| pool.alloc(process).expect("a stack")).collect();
        let mut bases: Vec<usize> = stacks.iter().map(Stack::base).collect();
        stacks.into_iter().rev().for_each(|stack| pool.free(stack));
        bases.sort_unstable();
        let again: Vec<Stack> = (0..200).map(|_| pool.alloc(process).expect("a stack")).collect();
        assert_eq!(again.iter().map(Stack::base).collect::<Vec<_>>(), bases);
        again.into_iter().for_each(|stack| pool.free(stack));
        drop(pool);
        // The process has them again: the next pool gets the same, not new ones.
        let next = StackPool::default();
        let stack = next.alloc(process).expect("a stack");
        assert!(bases.contains(&stack.base()));
        next.free(stack);
    }
}
