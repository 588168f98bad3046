//! Taking a machine back to what it was: see [`SimMachine::keep`].

use std::sync::atomic::Ordering;

use kthreads_base::{Head, SLOT_SIZE};
use kthreads_host::arena::Left;

use crate::core::Moving;
use crate::machine::SimMachine;
use crate::rng::Rng;
use crate::stacks::Usage;

/// What a machine was.
pub struct Kept {
    moving: Moving,
    /// The stack pointer of each CPU's context.
    pointers: Box<[usize]>,
    random: Rng,
    used: Usage,
    /// What lay on them, and where.
    stacks: Vec<(usize, Box<[u8]>)>,
}

impl SimMachine {
    /// Remembers the machine as it is now, with all that its kernel has in memory, so that
    /// [`put_back`](SimMachine::put_back) leads back here. None if the machine's memory is no
    /// [arena](crate::SimConfig::arena).
    ///
    /// # Safety
    ///
    /// The caller is the thread that drives, no CPU runs, nobody else uses the kernel, and no other
    /// machine has stacks of the same pool.
    pub unsafe fn keep(&self) -> Option<Kept> {
        let arena = self.arena.as_ref()?;
        let core = self.core();
        core.end_quiet();
        let kept = Kept {
            moving: core.moving(),
            pointers: core.cpus.iter().map(|cpu| cpu.sp.load(Ordering::Relaxed)).collect(),
            random: self.random().clone(),
            used: self.stacks.usage(),
            stacks: self.stacks_in_use(),
        };
        // SAFETY: by the caller's promise nobody writes.
        unsafe {
            arena.keep();
            self.images().keep();
        }
        Some(kept)
    }

    /// Makes the machine what it was when `kept` was kept, and with it the kernel: its tasks, its
    /// time, its log. What has come since never was.
    ///
    /// What was allocated in the kernel since stays where it is if `left` says so. False when there
    /// is hardly room for more: then a new machine is to be made.
    ///
    /// # Safety
    ///
    /// As for [`keep`](SimMachine::keep); `kept` is this machine's. Nobody uses anything that was
    /// had from the kernel since, but with `Left::Something` what was allocated.
    pub unsafe fn put_back(&self, kept: &Kept, left: Left) -> bool {
        let Some(arena) = &self.arena else { return false };
        // SAFETY: by the caller's promise.
        let has_room = unsafe {
            self.images().put_back();
            arena.put_back(left)
        };
        for (start, bytes) in &kept.stacks {
            // SAFETY: part of a stack of this machine's, whose contexts do not run: what is written
            // is what they were, with all that they refer to.
            unsafe { (*start as *mut u8).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        }
        self.stacks.set_usage(&kept.used);
        self.random().clone_from(&kept.random);
        let core = self.core();
        core.set_moving(&kept.moving);
        for (cpu, pointer) in core.cpus.iter().zip(&kept.pointers) {
            cpu.sp.store(*pointer, Ordering::Relaxed);
        }
        self.now.store(kept.moving.now, Ordering::Relaxed);
        self.watched.steps.store(kept.moving.steps, Ordering::Relaxed);
        self.asks_outside.store(false, Ordering::Relaxed);
        self.is_abandoned.store(false, Ordering::Release);
        self.was_forced.store(false, Ordering::Relaxed);
        self.owes_images.store(false, Ordering::Relaxed);
        has_room
    }

    /// What was allocated in the kernel since it was kept and not freed. For the thread that
    /// drives.
    pub fn left(&self) -> Left {
        self.arena.as_ref().map_or(Left::Something, |arena| arena.left())
    }

    /// What lies on the stacks in use, from where their contexts rest on. A context that has gone
    /// on to another stack keeps its frames, and they are few.
    fn stacks_in_use(&self) -> Vec<(usize, Box<[u8]>)> {
        let core = self.core();
        let of_cpus = core.cpus.iter().map(|cpu| cpu.sp.load(Ordering::Relaxed));
        let of_cpus: Vec<usize> = of_cpus.collect();
        let begins = core.cpus.iter().map(|cpu| cpu.base_stack.base());
        let begins: Vec<usize> = begins.collect();
        let kept = self.stacks.in_use().into_iter().filter_map(|base| {
            let slot = base..base + SLOT_SIZE;
            let in_slot = |pointer: &usize| slot.contains(pointer);
            let top = (slot.end - size_of::<usize>()) as *const *const Head;
            // SAFETY: the slot is in use and mapped at its top.
            let word = unsafe { *top };
            let of_cpu = of_cpus.iter().copied().filter(in_slot);
            // SAFETY: the top word is null or names the head of the slot's thread, which lives.
            let of_thread = unsafe { word.as_ref() }.and_then(Head::saved_stack_pointer);
            let rests = of_cpu.chain(of_thread).filter(in_slot).min();
            let start = match rests {
                Some(rests) => rests,
                None if begins.contains(&base) => first_used(base),
                // A stack for interrupts or faults, on which nothing lies now.
                None => return None,
            };
            // SAFETY: from a frame of the slot to its end.
            let bytes = unsafe { std::slice::from_raw_parts(start as *const u8, slot.end - start) };
            Some((start, bytes.into()))
        });
        kept.collect()
    }
}

/// The first word of a slot that is not zero, above its guard page.
fn first_used(base: usize) -> usize {
    let start = base + kthreads_base::stack::guard_size();
    let words = (start..base + SLOT_SIZE).step_by(size_of::<usize>());
    // SAFETY: the slot is mapped but for its guard page.
    let mut used = words.filter(|word| unsafe { *(*word as *const usize) } != 0);
    used.next().unwrap_or(base + SLOT_SIZE)
}
