//! A CPU of the machine, and what it does while it cannot simply go on.

use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use kthreads_base::{CpuLocal, Stack};

/// Stands for no timer and no end.
pub(crate) const NEVER: u64 = u64::MAX;

/// What a CPU does that cannot simply go on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// It has ended, or not begun.
    Nothing,
    /// It goes on when it is chosen.
    Running,
    /// It rests until an interrupt is pending.
    Resting,
    /// It lets time pass; interrupts end that, or do not.
    Delaying { until: u64, is_deaf: bool },
    /// It goes on when another CPU has moved.
    Spinning,
    /// It goes on when the word is zero, or an interrupt it takes is pending.
    Locked { word: *const AtomicU32, is_deaf: bool },
}

/// A CPU.
pub(crate) struct Cpu {
    /// The stack pointer of the CPU's context while another goes on.
    pub(crate) sp: AtomicUsize,
    pub(crate) doing: Doing,
    pub(crate) timer: u64,
    /// The kernel's block; null while the machine is not started.
    pub(crate) local: *const CpuLocal,
    /// What the CPU's context begins on.
    pub(crate) base_stack: Stack,
    /// What the kernel's idle loop runs on.
    pub(crate) idle_stack: Stack,
}

impl Cpu {
    pub(crate) fn new(base_stack: Stack, idle_stack: Stack) -> Cpu {
        Cpu {
            sp: AtomicUsize::new(0),
            doing: Doing::Nothing,
            timer: NEVER,
            local: ptr::null(),
            base_stack,
            idle_stack,
        }
    }

    #[inline]
    pub(crate) fn is_pending(&self) -> bool {
        // SAFETY: null, or the kernel's block, which lives while the machine runs.
        unsafe { self.local.as_ref() }
            .is_some_and(|local| local.pending.load(Ordering::SeqCst) != 0)
    }

    #[inline]
    pub(crate) fn raise(&self) {
        // SAFETY: as above.
        if let Some(local) = unsafe { self.local.as_ref() } {
            local.pending.store(1, Ordering::SeqCst);
        }
    }

    #[inline]
    pub(crate) fn can_go_on(&self, now: u64) -> bool {
        match self.doing {
            Doing::Running => true,
            Doing::Nothing | Doing::Spinning => false,
            Doing::Resting => self.is_pending(),
            Doing::Delaying { until, is_deaf } => now >= until || (!is_deaf && self.is_pending()),
            Doing::Locked { word, is_deaf } => {
                // SAFETY: the word lives while somebody waits for it: the waiter looks at it next.
                let is_free = unsafe { (*word).load(Ordering::Relaxed) } == 0;
                is_free || (!is_deaf && self.is_pending())
            }
        }
    }

    /// When something happens on this CPU by itself.
    #[inline]
    pub(crate) fn next_event(&self) -> u64 {
        match self.doing {
            Doing::Nothing => NEVER,
            Doing::Delaying { until, .. } => self.timer.min(until),
            _ => self.timer,
        }
    }
}
