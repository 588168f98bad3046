//! Back traces: the frames on kernel stacks, by their frame pointers.
//!
//! Modules are compiled with frame pointers, and the kernel is when it is built from its own
//! workspace. Then a chain of frame records leads from any place on a kernel stack to where the
//! thread began, and a trace is exact. The chain says itself whether it was: it ends in the null
//! frame pointer that every context begins with, or at the top of a stack that nobody called from.
//! A chain that ends anywhere else has met a function without a frame pointer.

use core::ptr::read_volatile;

use crate::context::FRAME_RECORD;
use crate::head::Head;
use crate::stack::{self, SLOT_SIZE};

/// How many stacks a chain may lead through: a thread's, an interrupt's, and one to report on.
const MAX_STACKS: usize = 4;
/// The words at the top of a slot that no frame uses.
const RESERVED_TOP: usize = 64;
const WORD: usize = size_of::<usize>();

/// A place on a kernel stack from which a trace can begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The stack pointer: no frame lies below it.
    pub sp: usize,
    /// The frame pointer.
    pub bp: usize,
}

/// What a trace meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A call that returns to this address.
    Return(usize),
    /// The chain goes on on the stack that called this one.
    OtherStack,
}

/// Whether a chain was followed to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// It led to where the thread began.
    Whole,
    /// It broke off.
    Broken,
}

/// How many calls a sample holds.
pub const SAMPLE_CALLS: usize = 32;

/// Where a CPU's code was at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The instruction.
    pub ip: usize,
    /// The frames from there outwards; those beyond [`SAMPLE_CALLS`] are missing.
    pub frames: [Frame; SAMPLE_CALLS],
    /// How many of them there are.
    pub count: usize,
    /// Whether the chain was followed to its end, as far as there was room.
    pub chain: Chain,
    /// What it returns to if it has no frame: see [`Place::frameless_return`].
    pub frameless_return: usize,
}

impl Sample {
    /// Takes a sample of code that stands at `ip` for as long as this takes.
    pub fn take(ip: usize, place: Place) -> Sample {
        let frames = [Frame::Return(0); SAMPLE_CALLS];
        let frameless_return = place.frameless_return();
        let mut sample = Sample { ip, frames, count: 0, chain: Chain::Broken, frameless_return };
        sample.chain = place.for_each_frame(|frame| {
            if let Some(slot) = sample.frames.get_mut(sample.count) {
                *slot = frame;
                sample.count += 1;
            }
        });
        sample
    }

    /// The frames.
    pub fn frames(&self) -> &[Frame] {
        &self.frames[..self.count]
    }
}

impl Place {
    /// The caller's own place.
    #[inline(always)]
    pub fn here() -> Place {
        let (sp, bp): (usize, usize);
        // Something on the stack, so that the function's frame is there by now: where it is not
        // needed, the compiler puts off making it.
        let anchor = 0u8;
        // SAFETY: reads two registers.
        unsafe {
            core::arch::asm!(
                "/* {} */", "mov {}, rsp", "mov {}, rbp",
                in(reg) (&raw const anchor).addr(), out(reg) sp, out(reg) bp,
                options(nomem, nostack, preserves_flags)
            );
        }
        Place { sp, bp }
    }

    /// What a function that has made no frame returns to, 0 if that is not known: the word at the
    /// stack pointer, or the one above where it has just pushed the frame pointer. In a function
    /// that has a frame the value means nothing.
    pub fn frameless_return(self) -> usize {
        let Place { sp, bp } = self;
        let is_there = stack::in_range(sp) && sp >= lowest_in(sp) && sp + 2 * WORD <= end_of(sp);
        if !is_there || !sp.is_multiple_of(WORD) {
            return 0;
        }
        // SAFETY: the words lie in a slot, above its guard.
        let [first, second] = unsafe { read_volatile(sp as *const [usize; 2]) };
        if first == bp { second } else { first }
    }

    /// The address that the function whose frame begins here returns to, 0 if that is not known.
    #[inline(always)]
    pub fn return_address(self) -> usize {
        let Place { sp, bp } = self;
        let in_frame = bp.wrapping_sub(sp) < SLOT_SIZE - 2 * WORD && bp.is_multiple_of(WORD);
        if !in_frame || (sp ^ bp) >= SLOT_SIZE || !stack::in_range(sp) {
            return 0;
        }
        // SAFETY: above the stack pointer a slot is mapped, and the word lies in the slot.
        unsafe { read_volatile((bp + WORD) as *const usize) }
    }

    /// Where a thread rests, while it does.
    pub fn of_resting(head: &Head) -> Option<Place> {
        head.saved_stack_pointer().map(|sp| Place { sp, bp: sp + FRAME_RECORD })
    }

    /// Calls `see` with each frame from here to where the thread began.
    ///
    /// Reads only what lies on kernel stacks above the stack pointer, so that a place that is
    /// stale yields addresses that mean nothing, and no more than that.
    pub fn for_each_frame(self, mut see: impl FnMut(Frame)) -> Chain {
        let Place { mut sp, mut bp } = self;
        for _ in 0..MAX_STACKS {
            match follow(sp, bp, &mut see) {
                End::Null => return Chain::Whole,
                End::Broken => return Chain::Broken,
                End::Top(caller) if !stack::in_range(caller) => return Chain::Whole,
                End::Top(caller) => {
                    see(Frame::OtherStack);
                    (sp, bp) = (caller, caller);
                }
            }
        }
        Chain::Broken
    }

    /// Calls `see` with each word from here to the end of the stack: return addresses are among
    /// them, but also what earlier calls have left.
    pub fn for_each_word(self, mut see: impl FnMut(usize)) {
        if !stack::in_range(self.sp) {
            return;
        }
        let start = self.sp.max(lowest_in(self.sp)).next_multiple_of(WORD);
        for address in (start..end_of(self.sp)).step_by(WORD) {
            // SAFETY: above the stack pointer, and above its guard, a slot is mapped.
            see(unsafe { read_volatile(address as *const usize) });
        }
    }
}

/// How a chain ends on one stack.
enum End {
    /// With the null frame pointer a context begins with.
    Null,
    /// In the first frame of a stack; the value is the frame pointer it was called with.
    Top(usize),
    Broken,
}

fn follow(sp: usize, mut bp: usize, see: &mut impl FnMut(Frame)) -> End {
    if !stack::in_range(sp) {
        return End::Broken;
    }
    let end = end_of(sp);
    let mut lowest = sp.max(lowest_in(sp));
    loop {
        if bp < lowest || bp > end - 2 * WORD || !bp.is_multiple_of(WORD) {
            return End::Broken;
        }
        // SAFETY: the record lies between the stack pointer and the end of the slot.
        let [next, address] = unsafe { read_volatile(bp as *const [usize; 2]) };
        if address != 0 {
            see(Frame::Return(address));
        }
        if next == 0 {
            return End::Null;
        }
        if bp == end - 2 * WORD {
            return End::Top(next);
        }
        lowest = bp + 2 * WORD;
        bp = next;
    }
}

/// The lowest address of a slot that may be read: what lies below is its guard.
fn lowest_in(sp: usize) -> usize {
    (sp & !(SLOT_SIZE - 1)) + stack::guard_size()
}

/// Where the frames of a slot end.
fn end_of(sp: usize) -> usize {
    (sp | (SLOT_SIZE - 1)) + 1 - RESERVED_TOP
}
