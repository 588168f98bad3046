//! Descriptor tables of a processor: segments, and the stacks that exceptions come on.
//!
//! Interrupts come on the stack of who is interrupted. Exceptions come on a kernel stack of the
//! processor's own, so that the overflow of any other can be told; those that may come at any
//! point whatever (NMI, double fault, machine check) have one more each.

use alloc::boxed::Box;

use x86_64::VirtAddr;
use x86_64::instructions::segmentation::{CS, DS, ES, SS, Segment};
use x86_64::instructions::tables::load_tss;
use x86_64::registers::segmentation::SegmentSelector;
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable};
use x86_64::structures::tss::TaskStateSegment;

const LAST_STACK_SIZE: usize = 8 * 1024;

#[repr(align(16))]
#[expect(dead_code, reason = "only the processor uses it")]
struct LastStack([u8; LAST_STACK_SIZE]);

/// The tables of one processor.
struct Segments {
    tss: TaskStateSegment,
    gdt: GlobalDescriptorTable,
    nmi: LastStack,
    double_fault: LastStack,
    machine_check: LastStack,
}

impl Segments {
    fn new() -> Box<Segments> {
        const EMPTY: LastStack = LastStack([0; LAST_STACK_SIZE]);
        Box::new(Segments {
            tss: TaskStateSegment::new(),
            gdt: GlobalDescriptorTable::new(),
            nmi: EMPTY,
            double_fault: EMPTY,
            machine_check: EMPTY,
        })
    }
}

/// The number of the stack that an exception comes on, from 1; 0 for that of who runs.
pub(crate) fn stack_of(vector: usize) -> u8 {
    match vector {
        2 => 2,
        8 => 3,
        18 => 4,
        0..32 => 1,
        _ => 0,
    }
}

/// Makes and loads the calling processor's tables, for good. `exceptions` is the top of the stack
/// for exceptions.
pub(crate) fn load(exceptions: usize) {
    let segments = Box::leak(Segments::new());
    let top = |stack: &LastStack| VirtAddr::from_ptr(stack) + LAST_STACK_SIZE as u64;
    let stacks = [
        VirtAddr::new(exceptions as u64),
        top(&segments.nmi),
        top(&segments.double_fault),
        top(&segments.machine_check),
    ];
    let mut table = segments.tss.interrupt_stack_table;
    table[..stacks.len()].copy_from_slice(&stacks);
    segments.tss.interrupt_stack_table = table;
    let code = segments.gdt.append(Descriptor::kernel_code_segment());
    let data = segments.gdt.append(Descriptor::kernel_data_segment());
    let tss = segments.gdt.append(Descriptor::tss_segment(&segments.tss));
    segments.gdt.load();
    // SAFETY: the selectors are those of the table that was just loaded.
    unsafe {
        CS::set_reg(code);
        SS::set_reg(data);
        DS::set_reg(SegmentSelector::NULL);
        ES::set_reg(SegmentSelector::NULL);
        load_tss(tss);
    }
}
