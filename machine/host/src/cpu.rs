//! A virtual CPU: what others need to know of it.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};

use kthreads_base::{CpuLocal, Nanos, Stack};

use crate::config::CpuNote;
use crate::fault::{self, OopsDesk};
use crate::sample::Sampler;

/// Not started yet, or ended.
pub(crate) const ABSENT: u32 = 0;
/// Runs, or is about to.
pub(crate) const RUNNING: u32 = 1;
/// Rests in the host until an interrupt or a deadline, whichever is first.
pub(crate) const RESTING: u32 = 2;
/// Rests in the host until a deadline; interrupts are off and cannot end it.
pub(crate) const RESTING_DEAF: u32 = 3;

/// Whether that state is one of rest.
pub(crate) fn is_rest(state: u32) -> bool {
    state >= RESTING
}

/// A virtual CPU. What it rests on and what others write lie on lines of its own.
#[repr(align(128))]
pub(crate) struct Cpu {
    pub(crate) number: u32,
    /// The state; the CPU's host thread rests on this word.
    pub(crate) state: AtomicU32,
    /// The id of its host thread.
    pub(crate) thread: AtomicI32,
    /// The kernel's block of this CPU; null while the CPU is absent.
    local: AtomicPtr<CpuLocal>,
    timer: AtomicU64,
    /// Until when it rests, whatever its timer says.
    until: AtomicU64,
    /// Turns of loops that wait for other CPUs.
    pub(crate) relaxed: AtomicU32,
    /// What the CPU starts on.
    pub(crate) stack: Stack,
    pub(crate) oops: OopsDesk,
    /// Where to note what it does.
    pub(crate) note: Option<&'static CpuNote>,
    pub(crate) sampler: Sampler,
}

thread_local! {
    static THIS: Cell<*const Cpu> = const { Cell::new(ptr::null()) };
}

/// The CPU that the calling host thread is, or null.
///
/// Never inlined: a kernel thread may be on another host thread after each switch, so the
/// address of the thread-local must not be kept across one.
#[inline(never)]
pub(crate) fn this_cpu() -> *const Cpu {
    std::hint::black_box(THIS.get())
}

/// Says which CPU the calling host thread is.
pub(crate) fn set_this_cpu(cpu: *const Cpu) {
    THIS.set(cpu);
    // SAFETY: null, or a CPU that the calling thread was given, which outlives it.
    fault::set_desk(unsafe { cpu.as_ref() }.map_or(ptr::null(), |cpu| &cpu.oops));
}

impl Cpu {
    pub(crate) fn new(
        number: u32,
        stack: Stack,
        oops: OopsDesk,
        note: Option<&'static CpuNote>,
    ) -> Cpu {
        Cpu {
            number,
            state: AtomicU32::new(ABSENT),
            thread: AtomicI32::new(0),
            local: AtomicPtr::new(ptr::null_mut()),
            timer: AtomicU64::new(Nanos::NEVER.0),
            until: AtomicU64::new(Nanos::NEVER.0),
            relaxed: AtomicU32::new(0),
            stack,
            oops,
            note,
            sampler: Sampler::default(),
        }
    }

    /// Ties the CPU to the kernel's block, or to none.
    pub(crate) fn attach(&self, local: *const CpuLocal) {
        self.local.store(local.cast_mut(), Ordering::Release);
    }

    fn local(&self) -> Option<&CpuLocal> {
        // SAFETY: not null only between `start` and the end of `join`, while the machine keeps
        // the kernel that owns the block.
        unsafe { self.local.load(Ordering::Acquire).as_ref() }
    }

    /// Whether an interrupt is pending.
    #[inline]
    pub(crate) fn is_pending(&self) -> bool {
        self.local().is_some_and(|local| local.pending.load(Ordering::SeqCst) != 0)
    }

    /// Makes an interrupt pending; returns whether one was already.
    #[inline]
    pub(crate) fn raise(&self) -> bool {
        self.local().is_some_and(|local| local.pending.swap(1, Ordering::SeqCst) != 0)
    }

    /// Says which host thread it runs on; 0 for none.
    pub(crate) fn set_thread(&self, thread: i32) {
        self.thread.store(thread, Ordering::Relaxed);
        if let Some(note) = self.note {
            note.thread.store(thread as u64, Ordering::Relaxed);
        }
    }

    pub(crate) fn state(&self) -> u32 {
        self.state.load(Ordering::SeqCst)
    }

    pub(crate) fn set_state(&self, state: u32) {
        self.state.store(state, Ordering::SeqCst);
    }

    /// Makes a CPU that rests, and heeds interrupts, a running one; says whether it was such.
    pub(crate) fn leave_rest(&self) -> bool {
        let order = Ordering::SeqCst;
        self.state.compare_exchange(RESTING, RUNNING, order, order).is_ok()
    }

    pub(crate) fn timer(&self) -> Nanos {
        Nanos(self.timer.load(Ordering::SeqCst))
    }

    pub(crate) fn set_timer(&self, deadline: Nanos) {
        self.timer.store(deadline.0, Ordering::SeqCst);
    }

    /// Makes an interrupt pending if the timer's time has come; a timer goes off once.
    pub(crate) fn fire_timer(&self, now: Nanos) {
        let deadline = self.timer.load(Ordering::SeqCst);
        if deadline > now.0 {
            return;
        }
        // Not if the CPU has just set another deadline.
        let never = Nanos::NEVER.0;
        let order = Ordering::SeqCst;
        if self.timer.compare_exchange(deadline, never, order, Ordering::Relaxed).is_ok() {
            self.raise();
        }
    }

    pub(crate) fn until(&self) -> Nanos {
        Nanos(self.until.load(Ordering::SeqCst))
    }

    pub(crate) fn set_until(&self, until: Nanos) {
        self.until.store(until.0, Ordering::SeqCst);
    }

    /// When a resting CPU has something to do next, if nobody disturbs it.
    pub(crate) fn next_event(&self) -> Nanos {
        self.timer().min(self.until())
    }
}
