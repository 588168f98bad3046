//! Spin locks that know about interrupts and preemption.
//!
//! A lock of the kernel is always taken with interrupts off: timers, interrupts and threads use
//! the same locks. [`RawSpinLock`] is also C's `spinlock_t`, so that C and Rust share one kind.
//!
//! Orders: `lock` acquires what `unlock` released. The owner word is only ever read to explain.

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::pin::Pin;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::explore::{NOTE_GIVES, NOTE_SPIN_LOCK, NOTE_TAKES};
use crate::head::{Current, current_head};

/// A spin lock with C's layout of `spinlock_t`: 8 bytes, all zero when free.
#[repr(C)]
#[derive(Debug, Default)]
pub struct RawSpinLock {
    word: AtomicU32,
    owner: AtomicU32,
}

impl RawSpinLock {
    /// A free lock.
    pub const fn new() -> RawSpinLock {
        RawSpinLock { word: AtomicU32::new(0), owner: AtomicU32::new(0) }
    }

    /// Frees a lock whatever it was, as an initialiser does.
    pub fn reset(&self) {
        self.owner.store(0, Ordering::Relaxed);
        self.word.store(0, Ordering::Release);
    }

    /// Takes the lock with interrupts off and preemption off; both are put back by the guard.
    #[inline]
    pub fn lock(&self) -> RawGuard<'_> {
        self.lock_of(current_head())
    }

    /// As [`lock`](RawSpinLock::lock), for a caller that knows the running thread.
    #[inline(always)]
    pub fn lock_of(&self, head: Current) -> RawGuard<'_> {
        let irqs = head.irq_save();
        head.preempt_add(1);
        self.acquire(head);
        head.note(NOTE_TAKES, self.address(), NOTE_SPIN_LOCK);
        RawGuard { lock: self, head: Some(head), irqs, kind: Kind::Object }
    }

    /// Takes the lock for the kernel's own data, with interrupts off, so that nothing preempts.
    /// Nobody asks who holds it, and machines that explore are not told: it would order what
    /// modules do by chance.
    #[inline(always)]
    fn lock_internal(&self, head: Current) -> RawGuard<'_> {
        let irqs = head.irq_save();
        head.step();
        if !self.try_take() {
            self.acquire_slow(head, RawSpinLock::try_take);
        }
        RawGuard { lock: self, head: Some(head), irqs, kind: Kind::Internal }
    }

    fn address(&self) -> usize {
        core::ptr::from_ref(self) as usize
    }

    /// Takes the lock if it is free.
    #[inline]
    pub fn try_lock(&self) -> Option<RawGuard<'_>> {
        let head = current_head();
        let irqs = head.irq_save();
        head.preempt_add(1);
        if self.try_acquire(head) {
            return Some(RawGuard { lock: self, head: Some(head), irqs, kind: Kind::Object });
        }
        head.preempt_sub(1);
        head.irq_restore(irqs);
        None
    }

    #[inline]
    fn try_lock_internal(&self) -> Option<RawGuard<'_>> {
        let head = current_head();
        let irqs = head.irq_save();
        if self.try_take() {
            return Some(RawGuard { lock: self, head: Some(head), irqs, kind: Kind::Internal });
        }
        head.irq_restore(irqs);
        None
    }

    /// Gives the witness to who has the lock to itself, and so need not take it.
    pub fn exclusive(&mut self) -> Exclusive<'_> {
        let kind = Kind::Internal;
        Exclusive(ManuallyDrop::new(RawGuard { lock: self, head: None, irqs: 0, kind }))
    }

    /// Takes the word alone: interrupts and preemption are the caller's business (the C side,
    /// whose lock and unlock are separate calls).
    #[inline]
    pub fn acquire(&self, head: Current) {
        head.step();
        if !self.try_acquire(head) {
            self.acquire_slow(head, |lock| lock.try_acquire(head));
        }
    }

    #[cold]
    #[inline(never)]
    fn acquire_slow(&self, head: Current, try_take: impl Fn(&RawSpinLock) -> bool) {
        let outer = head.spins_on.swap(core::ptr::from_ref(self) as usize, Ordering::Relaxed);
        self.spin(head, try_take);
        head.spins_on.store(outer, Ordering::Relaxed);
    }

    fn spin(&self, head: Current, try_take: impl Fn(&RawSpinLock) -> bool) {
        loop {
            while self.word.load(Ordering::Relaxed) != 0 {
                if !self.is_sane() {
                    return self.seize(head);
                }
                head.relax_for(&self.word);
            }
            if try_take(self) {
                return;
            }
        }
    }

    /// Takes a word that is no lock's: freed or foreign memory. Nobody will ever free it, so
    /// waiting would be for ever; going on meets what lies beside it, which is reported.
    #[cold]
    fn seize(&self, head: Current) {
        self.word.swap(1, Ordering::Acquire);
        self.owner.store(head.pid.load(Ordering::Relaxed) as u32 + 1, Ordering::Relaxed);
    }

    /// Whether the word is that of a lock, free or held.
    #[inline]
    pub fn is_sane(&self) -> bool {
        self.word.load(Ordering::Relaxed) <= 1
    }

    /// Takes the word alone if it is free.
    #[inline]
    pub fn try_acquire(&self, head: Current) -> bool {
        let free = self.try_take();
        if free {
            self.owner.store(head.pid.load(Ordering::Relaxed) as u32 + 1, Ordering::Relaxed);
        }
        free
    }

    #[inline(always)]
    fn try_take(&self) -> bool {
        // One instruction (lock bts), where a comparison needs two registers to be loaded.
        self.word.fetch_or(1, Ordering::Acquire) & 1 == 0
    }

    /// Frees the word alone.
    #[inline]
    pub fn release(&self) {
        self.owner.store(0, Ordering::Relaxed);
        self.word.store(0, Ordering::Release);
    }

    /// Whether somebody holds the lock.
    #[inline]
    pub fn is_locked(&self) -> bool {
        self.word.load(Ordering::Relaxed) != 0
    }

    /// The pid of the holder, if somebody holds the lock.
    #[inline]
    pub fn owner(&self) -> Option<i32> {
        let owner = self.owner.load(Ordering::Relaxed);
        (self.is_locked() && owner != 0).then(|| owner as i32 - 1)
    }
}

/// A held [`RawSpinLock`]; dropping it frees the lock and puts interrupts back.
#[must_use]
pub struct RawGuard<'a> {
    lock: &'a RawSpinLock,
    /// The thread that took it; none if nobody had to.
    head: Option<Current>,
    irqs: u32,
    kind: Kind,
}

/// What a lock guards.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An object that modules can have.
    Object,
    /// The kernel's own data.
    Internal,
}

impl Drop for RawGuard<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        let Some(head) = self.head else { return };
        if self.kind == Kind::Internal {
            self.lock.word.store(0, Ordering::Release);
            return head.irq_restore(self.irqs);
        }
        head.note(NOTE_GIVES, self.lock.address(), NOTE_SPIN_LOCK);
        self.lock.release();
        head.preempt_sub(1);
        head.irq_restore(self.irqs);
    }
}

/// The witness of a lock that nobody else can reach, so that it was not taken.
///
/// For setting up and tearing down what a lock guards; needs no kernel stack.
#[must_use]
pub struct Exclusive<'a>(ManuallyDrop<RawGuard<'a>>);

impl<'a> Deref for Exclusive<'a> {
    type Target = RawGuard<'a>;
    fn deref(&self) -> &RawGuard<'a> {
        &self.0
    }
}

/// Data behind a spin lock. Interrupts and preemption are off while it is held.
///
/// The lock comes first, so that one address does for both.
#[repr(C)]
#[derive(Debug, Default)]
pub struct SpinLock<T> {
    raw: RawSpinLock,
    data: UnsafeCell<T>,
}

// SAFETY: the lock gives the data to one holder at a time.
unsafe impl<T: Send> Send for SpinLock<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// Puts `data` behind a free lock.
    pub const fn new(data: T) -> SpinLock<T> {
        SpinLock { raw: RawSpinLock::new(), data: UnsafeCell::new(data) }
    }

    /// Takes the lock.
    #[inline]
    pub fn lock(&self) -> SpinGuard<'_, T> {
        self.lock_of(current_head())
    }

    /// Takes the lock, for a caller that knows the running thread.
    #[inline(always)]
    pub fn lock_of(&self, head: Current) -> SpinGuard<'_, T> {
        SpinGuard { raw: self.raw.lock_internal(head), data: &self.data }
    }

    /// Takes the lock where interrupts are off already and stay off.
    #[inline(always)]
    pub fn lock_irqs_off(&self, head: Current) -> QuietGuard<'_, T> {
        debug_assert_ne!(head.irqs_off.load(Ordering::Relaxed), 0);
        head.step();
        if !self.raw.try_take() {
            self.raw.acquire_slow(head, RawSpinLock::try_take);
        }
        QuietGuard { lock: self, _not_send: PhantomData }
    }

    /// As [`lock_irqs_off`](SpinLock::lock_irqs_off), if the lock is free.
    #[inline]
    pub fn try_lock_irqs_off(&self, head: Current) -> Option<QuietGuard<'_, T>> {
        debug_assert_ne!(head.irqs_off.load(Ordering::Relaxed), 0);
        // No guard is made where there is nothing to hold: its end would free another's lock.
        if !self.raw.try_take() {
            return None;
        }
        Some(QuietGuard { lock: self, _not_send: PhantomData })
    }

    /// Takes the lock if it is free.
    #[inline]
    pub fn try_lock(&self) -> Option<SpinGuard<'_, T>> {
        Some(SpinGuard { raw: self.raw.try_lock_internal()?, data: &self.data })
    }

    /// The data, with no lock needed.
    pub fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }

    /// The data and the witness of the lock, which need not be taken.
    pub fn exclusive(&mut self) -> (&mut T, Exclusive<'_>) {
        (self.data.get_mut(), self.raw.exclusive())
    }
}

/// A held [`SpinLock`].
#[must_use]
pub struct SpinGuard<'a, T> {
    raw: RawGuard<'a>,
    data: &'a UnsafeCell<T>,
}

/// A held [`SpinLock`] whose end leaves interrupts as they are.
#[must_use]
pub struct QuietGuard<'a, T> {
    lock: &'a SpinLock<T>,
    _not_send: PhantomData<*const ()>,
}

impl<T> Drop for QuietGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        self.lock.raw.word.store(0, Ordering::Release);
    }
}

impl<T> Deref for QuietGuard<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held, so nobody else reaches the data.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T> DerefMut for QuietGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held, and `self` is borrowed mutably.
        unsafe { &mut *self.lock.data.get() }
    }
}

/// A type of objects that are used outside the lock under which they are found.
///
/// # Safety
///
/// Whoever frees such an object first makes sure that nobody it was handed to still uses it (as
/// del_timer_sync does), unless it is freed by that use itself. All access is through shared
/// references.
pub unsafe trait HandedOut {}

/// Declares that a type keeps the contract of [`HandedOut`](crate::spin::HandedOut).
#[macro_export]
macro_rules! handed_out {
    ($type:ty) => {
        // SAFETY: whoever writes this vouches for it.
        unsafe impl $crate::spin::HandedOut for $type {}
    };
}

impl<'a, T> SpinGuard<'a, T> {
    /// The data and the witness of the lock, side by side.
    #[inline]
    pub fn split(&mut self) -> (&mut T, &RawGuard<'a>) {
        // SAFETY: the lock is held, and `self` is borrowed mutably.
        (unsafe { &mut *self.data.get() }, &self.raw)
    }

    /// Lets `pick` find an object under the lock, frees the lock, and calls `body` with it.
    ///
    /// `body` must not touch the object after something in it may have freed it.
    #[inline]
    pub fn hand_out<I: HandedOut, E, R>(
        mut self,
        pick: impl for<'g> FnOnce(&'g mut T, &'g RawGuard<'a>) -> Option<(Pin<&'g I>, E)>,
        body: impl FnOnce(&I, E) -> R,
    ) -> Option<R> {
        let (data, raw) = self.split();
        let picked = pick(data, raw).map(|(item, extra)| (NonNull::from(item.get_ref()), extra));
        // Before `body` is called or dropped: it may hold a guard that turns interrupts on.
        drop(self);
        let (item, extra) = picked?;
        // SAFETY: by HandedOut's contract the object outlives this use of it.
        Some(body(unsafe { item.as_ref() }, extra))
    }
}

impl<T> Deref for SpinGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held, so nobody else reaches the data.
        unsafe { &*self.data.get() }
    }
}

impl<T> DerefMut for SpinGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held, and `self` is borrowed mutably.
        unsafe { &mut *self.data.get() }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::thread;

    /// A number that is guarded by the word of a lock, and by nothing else.
    #[derive(Default)]
    struct Guarded {
        lock: RawSpinLock,
        number: UnsafeCell<u64>,
    }

    // SAFETY: the number is reached by who holds the lock only.
    unsafe impl Sync for Guarded {}

    /// What the word alone orders: the rest of a lock needs a kernel stack.
    #[test]
    fn what_one_holder_wrote_the_next_one_reads() {
        const TURNS: u64 = if cfg!(miri) { 30 } else { 20_000 };
        let guarded = Guarded::default();
        thread::scope(|scope| {
            for _ in 0..3 {
                let guarded = &guarded;
                scope.spawn(move || {
                    for _ in 0..TURNS {
                        while !guarded.lock.try_take() {
                            thread::yield_now();
                        }
                        // SAFETY: the lock is held.
                        unsafe { *guarded.number.get() += 1 };
                        guarded.lock.release();
                    }
                });
            }
        });
        assert_eq!(guarded.number.into_inner(), 3 * TURNS);
    }
}
