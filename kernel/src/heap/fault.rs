//! Faults on patterns: what an address that was read from freed memory means, and which memory it
//! may have been.

use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use kthreads_base::frames::Place;
use kthreads_base::{Fault, FaultCause};

use super::Block;
use crate::log::Level;
use crate::{Cx, Kernel, log};

/// How far from a pattern a member is looked for.
const REACH: u64 = 1 << 16;
/// How many words of the stack may hold a pointer to the memory in question.
const STACK_WORDS: usize = 128;

const PATTERNS: &[(u64, &str)] = &[
    (0x6b6b_6b6b_6b6b_6b6b, "freed memory is filled with 0x6b: this pointer was read from it"),
    (0xaaaa_aaaa_aaaa_aaaa, "freed pages are filled with 0xaa: this pointer was read from them"),
    (0x5a5a_5a5a_5a5a_5a5a, "new memory is filled with 0x5a: this pointer was never set"),
    (0xcccc_cccc_cccc_cccc, "red zones are filled with 0xcc: it was read outside of an object"),
    (0xdead_0000_0000_0100, "this is LIST_POISON1: the next of an entry after list_del()"),
    (0xdead_0000_0000_0122, "this is LIST_POISON2: the prev of an entry after list_del()"),
];
/// How many of them stand for freed memory.
const FREED_PATTERNS: usize = 2;

/// The pattern that an address is near to.
fn pattern_near(address: u64) -> Option<usize> {
    let near = |(pattern, _): &(u64, &str)| match pattern >> 48 {
        0xdead => address == *pattern || address == *pattern + 8,
        _ => address.wrapping_sub(*pattern).wrapping_add(REACH) < 2 * REACH,
    };
    PATTERNS.iter().position(near)
}

impl Kernel {
    /// The address that a fault is about: what the processor tells, what its instruction says, or
    /// the first register that holds a pattern.
    pub(crate) fn address_of_fault(&self, fault: &Fault) -> Option<usize> {
        if fault.cause != FaultCause::NonCanonical {
            return fault.address;
        }
        let read_off = || self.kernel_symbols().and_then(|symbols| symbols.used_address(fault));
        let register = || {
            let is_pattern = |register: &&u64| pattern_near(**register).is_some();
            fault.registers.iter().find(is_pattern).map(|register| *register as usize)
        };
        fault.address.or_else(read_off).or_else(register)
    }

    /// Says what an address means that is a pattern, and which freed memory it may come from.
    pub(crate) fn explain_pattern(&self, cx: &Cx<'_>, fault: &Fault, address: usize) {
        let Some(index) = pattern_near(address as u64) else { return };
        let (_, meaning) = PATTERNS[index];
        log!(cx, Level::Alert, "kthreads: {address:#x}: {meaning}");
        if index >= FREED_PATTERNS {
            return;
        }
        match self.freed_block_in_reach(cx, fault) {
            Some(block) => {
                log!(cx, Level::Alert, "kthreads: the freed memory is probably this:");
                self.log_block(cx, &block);
            }
            None => log!(cx, Level::Alert, "kthreads: which memory that was is not known"),
        }
    }

    /// The freed block that a register, the stack or a variable of the faulting module points to:
    /// of several the first in this order.
    fn freed_block_in_reach(&self, cx: &Cx<'_>, fault: &Fault) -> Option<Block> {
        let stack = Place { sp: fault.sp, bp: fault.bp };
        let mut pointers: Vec<usize> = fault.registers.iter().map(|word| *word as usize).collect();
        stack.for_each_word(|word| {
            if pointers.len() < fault.registers.len() + STACK_WORDS {
                pointers.push(word);
            }
        });
        self.add_variables_of_callers(cx, fault, &mut pointers);
        let freed = self.heap.iter().filter(|record| record.is_freed()).filter_map(|record| {
            let block = record.block();
            let nth = pointers.iter().position(|pointer| block.covers(*pointer))?;
            Some((nth, block))
        });
        freed
            .min_by_key(|(nth, block)| (*nth, u64::MAX - block.freed.map_or(0, |t| t.when)))
            .map(|(_, block)| block)
    }

    /// Adds what the variables of the module that faulted hold.
    fn add_variables_of_callers(&self, cx: &Cx<'_>, fault: &Fault, pointers: &mut Vec<usize>) {
        let stack = Place { sp: fault.sp, bp: fault.bp };
        let mut module = self.module_of_text(fault.ip);
        if module.is_none() {
            stack.for_each_word(|word| {
                if module.is_none() {
                    module = self.module_of_text(word);
                }
            });
        }
        let entry = cx.task.entry_point.address();
        let image = module.or_else(|| self.module_of_text(entry)).and_then(|m| m.image());
        let Some(image) = image else { return };
        image.with_variables(&mut |_, words| {
            pointers.extend(words.iter().map(|word| word.load(Ordering::Relaxed)));
        });
    }
}
