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
    /// Where in its wheel the timer is, while it is pending.
    bucket: AtomicU32,
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
    /// The function takes the timer's data instead of the timer, as all did before Linux 4.15.
    pub const DATA: u32 = 0x0040_0000;
    /// The timer has been shut down: that it has no function is no mistake.
    const SHUT_DOWN: u32 = 0x0080_0000;
    /// What tells the wheel that the timer belongs to.
    const WHEEL_MASK: u32 = Self::CPU_MASK | Self::MIGRATING | Self::DEFERRABLE;

    /// Whether a word may be the flags of a timer.
    pub(crate) fn are_flags(word: u32) -> bool {
        let known = Self::CPU_MASK | Self::INIT_MASK | Self::DATA;
        word & !known == 0 && word & Self::CPU_MASK < 64
    }

    /// A timer without a function: all zero.
    pub const fn new() -> Timer {
        Timer {
            entry: Link::new(),
            expires: AtomicU64::new(0),
            function: AtomicFn::null(),
            flags: AtomicU32::new(0),
            bucket: AtomicU32::new(0),
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

    /// As [`init`](Timer::init), for C: without a function for now, or with one that takes the
    /// timer's data if `flags` has [`Timer::DATA`] (init_timer_key).
    pub fn init_from_c(&self, function: Option<TimerFn>, flags: u32, cpu: u32) {
        self.entry.clear();
        match function {
            Some(function) => self.function.set(function),
            None => self.function.clear(),
        }
        let flags = (flags & (Self::INIT_MASK | Self::DATA)) | (cpu & Self::CPU_MASK);
        self.flags.store(flags, Ordering::Relaxed);
    }

    /// Calls the function of a timer that has just been taken out to run.
    pub(super) fn call(&self, function: TimerFn) {
        if self.flags() & Self::DATA == 0 {
            return function(self);
        }
        let data = self.data();
        if let Some(function) = self.function.get_as::<extern "C" fn(u64)>() {
            function(data);
        }
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

    /// The address of the function, 0 for none.
    pub fn function_address(&self) -> usize {
        self.function.address()
    }

    /// The number of the bucket that it is in, if it is pending.
    pub(crate) fn bucket_number(&self) -> usize {
        self.bucket()
    }

    /// Whether it may never be armed again.
    pub(crate) fn is_shut_down(&self) -> bool {
        self.flags() & Self::SHUT_DOWN != 0
    }

    /// Lets it never be armed again; its wheel is locked.
    fn shut_down(&self) {
        self.function.clear();
        self.flags.store(self.flags() | Self::SHUT_DOWN, Ordering::Relaxed);
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
        self.bucket.load(Ordering::Relaxed) as usize
    }

    pub(super) fn set_bucket(&self, bucket: usize) {
        self.bucket.store(bucket as u32, Ordering::Relaxed);
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
