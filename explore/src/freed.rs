//! Uses of freed memory: from what is told of memory and accesses to findings.

use std::collections::BTreeMap;

use kthreads_base::Nanos;
use kthreads_base::access::{self, Told, WRITES};
use kthreads_base::explore::freed;

use crate::finding::{Finding, Kind};
use crate::run::Scenario;

/// A block that was freed, and not allocated again.
struct Block {
    end: usize,
    by: String,
    place: usize,
}

/// A use of it.
struct Use {
    verb: &'static str,
    size: u32,
    by: String,
    place: usize,
    at: Nanos,
    freed: Block,
}

/// What is freed at a moment of a schedule, and what was used nevertheless.
#[derive(Default)]
pub(crate) struct Freed {
    /// By where they begin.
    blocks: BTreeMap<usize, Block>,
    used: Vec<Use>,
}

impl Freed {
    /// A block is freed by the running thread.
    pub(crate) fn frees(&mut self, memory: usize, value: usize, by: impl Fn() -> String) {
        let (len, place) = freed::read(value);
        self.blocks.insert(memory, Block { end: memory + len, by: by(), place });
    }

    /// Memory is somebody's again.
    pub(crate) fn allocates(&mut self, memory: usize, len: usize) {
        while let Some((&start, _)) =
            self.blocks.range(..memory + len).next_back().filter(|(_, block)| block.end > memory)
        {
            self.blocks.remove(&start);
        }
    }

    /// The running thread accesses memory. The first use of a block counts.
    pub(crate) fn access(
        &mut self,
        at: Nanos,
        address: usize,
        value: usize,
        by: impl Fn() -> String,
    ) {
        let Some((&start, block)) = self.blocks.range(..=address).next_back() else { return };
        if address >= block.end {
            return;
        }
        let told = access::read(value);
        let verb = if told.how & WRITES != 0 { "write" } else { "read" };
        let Some(freed) = self.blocks.remove(&start) else { return };
        let Told { size, place, .. } = told;
        self.used.push(Use { verb, size, by: by(), place, at, freed });
    }

    /// What is to be reported.
    pub(crate) fn findings(self, scenario: &dyn Scenario) -> Vec<Finding> {
        self.used.iter().map(|used| finding(used, scenario)).collect()
    }
}

fn finding(used: &Use, scenario: &dyn Scenario) -> Finding {
    let place = |place: usize| match place {
        0 => "an atomic operation".to_owned(),
        place => scenario.place(place).unwrap_or_else(|| format!("{place:#x}")),
    };
    let Use { verb, size, by, freed, .. } = used;
    let (at, freed_at, freed_by) = (place(used.place), place(freed.place), &freed.by);
    let text = format!(
        "{at} uses what {freed_at} has freed\n    {verb} of {size} bytes by {by} at {at}\n    \
         freed by {freed_by} at {freed_at}"
    );
    Finding { at: Some(used.at), ..Finding::new(Kind::UseAfterFree, text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(tell: impl FnOnce(&mut Freed)) -> usize {
        let mut freed = Freed::default();
        freed.frees(0x1000, freed::value(16, 7), || "one/1".to_owned());
        tell(&mut freed);
        freed.used.len()
    }

    fn read(freed: &mut Freed, address: usize) {
        freed.access(Nanos::ZERO, address, 4, || "two/2".to_owned());
    }

    #[test]
    fn what_is_freed_may_not_be_used() {
        for (address, count) in [(0xfff, 0), (0x1000, 1), (0x100f, 1), (0x1010, 0)] {
            assert_eq!(used(|freed| read(freed, address)), count, "{address:#x}");
        }
    }

    #[test]
    fn a_block_is_told_of_once() {
        assert_eq!(used(|freed| (0..3).for_each(|_| read(freed, 0x1008))), 1);
    }

    #[test]
    fn what_is_allocated_again_may_be_used() {
        for start in [0xff8, 0x1000, 0x1008] {
            let again = |freed: &mut Freed| {
                freed.allocates(start, 16);
                read(freed, 0x1008);
            };
            assert_eq!(used(again), 0, "{start:#x}");
        }
        let elsewhere = |freed: &mut Freed| {
            freed.allocates(0x1010, 16);
            read(freed, 0x1008);
        };
        assert_eq!(used(elsewhere), 1);
    }
}
