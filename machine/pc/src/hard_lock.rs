//! Locks of this machine's own: taken with the processor's interrupts off, from any context.
//!
//! They lie below everything: held for a short while, and an interrupt cannot come in between.
//! The kernel's locks know the virtual interrupt flag only, and need a kernel stack.
//!
//! Where two are held at once, the order is: counts of rests, free stacks, page tables, heap,
//! frames. No processor is waited for while one is held.

use core::sync::atomic::{AtomicBool, Ordering};

use x86_64::instructions::interrupts;

/// The lock behind [`HardLock`].
///
/// The flag of the holder says whether interrupts were on before; only the holder uses it.
pub(crate) struct RawHardLock {
    is_locked: AtomicBool,
    were_on: AtomicBool,
}

// SAFETY: the exchange lets one caller in at a time; interrupts of the holder's processor are off.
unsafe impl lock_api::RawMutex for RawHardLock {
    const INIT: RawHardLock =
        RawHardLock { is_locked: AtomicBool::new(false), were_on: AtomicBool::new(false) };

    type GuardMarker = lock_api::GuardNoSend;

    fn lock(&self) {
        while !self.try_lock() {
            while self.is_locked.load(Ordering::Relaxed) {
                core::hint::spin_loop();
            }
        }
    }

    fn try_lock(&self) -> bool {
        let were_on = interrupts::are_enabled();
        interrupts::disable();
        let order = Ordering::Acquire;
        if self.is_locked.compare_exchange(false, true, order, Ordering::Relaxed).is_ok() {
            self.were_on.store(were_on, Ordering::Relaxed);
            return true;
        }
        if were_on {
            interrupts::enable();
        }
        false
    }

    unsafe fn unlock(&self) {
        let were_on = self.were_on.load(Ordering::Relaxed);
        self.is_locked.store(false, Ordering::Release);
        if were_on {
            interrupts::enable();
        }
    }
}

/// Data that one processor uses at a time, with its interrupts off.
pub(crate) type HardLock<T> = lock_api::Mutex<RawHardLock, T>;
