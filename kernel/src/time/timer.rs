//! Timers: C's `struct timer_list`, and in [`Timers`] the wheels of all CPUs that they go into.
//!
//! The fields are read and written relaxed: the lock of a wheel orders them, as `bases` explains.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use kthreads_base::{AtomicFn, Link, handed_out, linked};

use super::jiffies::Jiffies;

mod bases;

pub use bases::{AlreadyPending, Armed, Attempt, Earlier, Here, Kind, Timers};

/// What a timer calls, in interrupt context. The timer may be gone when it returns.
pub type TimerFn = extern "C" fn(&Timer);

/// A timer, with C's layout of `struct timer_list`.
///
/// All zero is a timer without a function: not pending, and never armed.
#[repr(C)]
pub struct Timer {
    entry: Link,
    expires: AtomicU64,
    function: AtomicFn<TimerFn>,
    flags: AtomicU32,
    _pad: AtomicU32,
    data: AtomicU64,
}

linked!(Timer, entry);
handed_out!(Timer);
const _: () = assert!(size_of::<Timer>() == 48);

impl Timer {
    /// The bits of the flags that hold the CPU (TIMER_CPUMASK).
    pub const CPU_MASK: u32 = 0x0003_FFFF;
    /// The timer is on its way to another CPU's wheel (TIMER_MIGRATING).
    pub const MIGRATING: u32 = 0x0004_0000;
    /// The timer wakes no idle CPU (TIMER_DEFERRABLE).
    pub const DEFERRABLE: u32 = 0x0008_0000;
    /// The timer goes into the wheel of the CPU it is armed on (TIMER_PINNED).
    pub const PINNED: u32 = 0x0010_0000;
    /// The function runs with interrupts off (TIMER_IRQSAFE).
    pub const IRQSAFE: u32 = 0x0020_0000;
    /// The flags that may be asked for (TIMER_INIT_FLAGS).
    pub const INIT_MASK: u32 = Self::DEFERRABLE | Self::PINNED | Self::IRQSAFE;
    const BUCKET_SHIFT: u32 = 22;
    /// What tells the wheel that the timer belongs to.
    const WHEEL_MASK: u32 = Self::CPU_MASK | Self::MIGRATING | Self::DEFERRABLE;

    /// A timer without a function: all zero.
    pub const fn new() -> Timer {
        Timer {
            entry: Link::new(),
            expires: AtomicU64::new(0),
            function: AtomicFn::null(),
            flags: AtomicU32::new(0),
            _pad: AtomicU32::new(0),
            data: AtomicU64::new(0),
        }
    }

    /// Sets the timer up, whatever it was, to belong to `cpu` (timer_setup). Its expiry and data
    /// stay; of `flags` those in [`Timer::INIT_MASK`] count.
    pub fn init(&self, function: TimerFn, flags: u32, cpu: u32) {
        self.entry.clear();
        self.function.set(function);
        let flags = (flags & Self::INIT_MASK) | (cpu & Self::CPU_MASK);
        self.flags.store(flags, Ordering::Relaxed);
    }

    /// Whether the timer is armed and has not begun to run (timer_pending).
    #[inline]
    pub fn is_pending(&self) -> bool {
        self.entry.is_linked()
    }

    /// The jiffy after which the timer runs.
    #[inline]
    pub fn expires(&self) -> Jiffies {
        Jiffies(self.expires.load(Ordering::Relaxed))
    }

    /// Sets the expiry of a timer that is not pending, for [`Timers::add`].
    #[inline]
    pub fn set_expires(&self, expires: Jiffies) {
        self.expires.store(expires.0, Ordering::Relaxed);
    }

    /// The function; none before the timer is set up and after it is shut down.
    #[inline]
    pub fn function(&self) -> Option<TimerFn> {
        self.function.get()
    }

    /// The flags, with the CPU.
    #[inline]
    pub fn flags(&self) -> u32 {
        self.flags.load(Ordering::Relaxed)
    }

    /// The word that the function may have for itself.
    pub fn data(&self) -> u64 {
        self.data.load(Ordering::Relaxed)
    }

    /// Sets the word that the function may have for itself.
    pub fn set_data(&self, data: u64) {
        self.data.store(data, Ordering::Relaxed);
    }

    /// Where the timer lies.
    #[inline]
    pub fn address(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }

    pub(super) fn bucket(&self) -> usize {
        (self.flags() >> Self::BUCKET_SHIFT) as usize
    }

    pub(super) fn set_bucket(&self, bucket: usize) {
        let others = self.flags() & !(!0 << Self::BUCKET_SHIFT);
        self.flags.store(others | (bucket as u32) << Self::BUCKET_SHIFT, Ordering::Relaxed);
    }

    fn set_migrating(&self) {
        self.flags.store(self.flags() | Self::MIGRATING, Ordering::Relaxed);
    }

    fn set_cpu(&self, cpu: u32) {
        let others = self.flags() & !(Self::CPU_MASK | Self::MIGRATING);
        self.flags.store(others | cpu, Ordering::Relaxed);
    }
}

impl Default for Timer {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
