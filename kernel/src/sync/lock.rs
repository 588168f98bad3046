//! Locks for Rust code: data that one thread at a time gets. The lock validator knows them by the
//! place where they were made.

use alloc::boxed::Box;
use core::ops::{Deref, DerefMut};
use core::panic::Location;

use kthreads_base::held::LockKind;
use kthreads_base::{current_head, spin, with_current};

use crate::home::Home;
use crate::lockdep::{How, KeptLock};
use crate::task::state::{TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE};
use crate::{Cx, Errno, Kernel, wait};

/// Data behind a spin lock. Interrupts and preemption are off while it is held, so its holder must
/// not sleep.
///
/// # Examples
///
/// ```
/// # use kthreads_host::HostMachine;
/// # use kthreads_kernel::{Config, Kernel, sync::SpinLock};
/// # let kernel = Kernel::boot(HostMachine::new(Default::default())?, Config::default())?;
/// let frames = SpinLock::new(1);
/// assert_eq!(kernel.enter(|_| std::mem::take(&mut *frames.lock())), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SpinLock<T> {
    kept: KeptLock,
    lock: spin::SpinLock<T>,
}

impl<T: Default> Default for SpinLock<T> {
    #[track_caller]
    fn default() -> Self {
        SpinLock::new(T::default())
    }
}

impl<T> SpinLock<T> {
    /// Puts `data` behind a free lock.
    #[track_caller]
    pub const fn new(data: T) -> SpinLock<T> {
        SpinLock { kept: KeptLock::new(), lock: spin::SpinLock::new(data) }
    }

    /// Takes the lock (Linux: spin_lock_irqsave).
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> SpinGuard<'_, T> {
        self.lock_as(How::PLAIN, Location::caller())
    }

    /// As [`lock`](SpinLock::lock), while another lock that was made at the same place is held: as
    /// the one on that level of nesting, of 8 (Linux: spin_lock_irqsave_nested).
    #[inline]
    #[track_caller]
    pub fn lock_nested(&self, subclass: u8) -> SpinGuard<'_, T> {
        self.lock_as(How::nested(subclass), Location::caller())
    }

    fn lock_as(&self, how: How, place: &'static Location<'static>) -> SpinGuard<'_, T> {
        let tag = self.tag(how, place);
        let data = self.lock.lock();
        self.hold(data, tag, place)
    }

    /// Takes the lock if it is free (Linux: spin_trylock_irqsave).
    #[inline]
    #[track_caller]
    pub fn try_lock(&self) -> Option<SpinGuard<'_, T>> {
        let place = Location::caller();
        let data = self.lock.try_lock()?;
        let tag = self.tag(How::TRY, place);
        Some(self.hold(data, tag, place))
    }

    fn address(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }

    #[inline]
    fn tag(&self, how: How, place: &'static Location<'static>) -> u64 {
        let at = (LockKind::Spin, self.address());
        with_current(|kernel: &Kernel, head| {
            kernel.kept_lock_tag(&head, &self.kept, at, place, how)
        })
    }

    #[inline]
    fn hold<'a>(
        &'a self,
        data: spin::SpinGuard<'a, T>,
        tag: u64,
        place: &'static Location<'static>,
    ) -> SpinGuard<'a, T> {
        let address = self.address();
        let place = core::ptr::from_ref(place).addr();
        current_head().held.add_tagged(LockKind::Spin, address, place, tag);
        SpinGuard { address, data }
    }

    /// The data, with no lock needed.
    pub fn get_mut(&mut self) -> &mut T {
        self.lock.get_mut()
    }
}

/// A held [`SpinLock`].
#[must_use]
pub struct SpinGuard<'a, T> {
    address: usize,
    data: spin::SpinGuard<'a, T>,
}

impl<T> Drop for SpinGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        current_head().held.remove(self.address);
    }
}

impl<T> Deref for SpinGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.data
    }
}

impl<T> DerefMut for SpinGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.data
    }
}

/// Data behind a mutex, whose holder may sleep (Linux: struct mutex). It belongs to the first kernel
/// that uses it: another one's use panics.
///
/// A thread that is killed with the lock held keeps it, and the data, for ever.
///
/// # Examples
///
/// ```
/// # use kthreads_host::HostMachine;
/// # use kthreads_kernel::{Config, Kernel, sync::Mutex};
/// # use std::sync::Arc;
/// # let kernel = Kernel::boot(HostMachine::new(Default::default())?, Config::default())?;
/// let table = Arc::new(Mutex::new(Vec::new()));
/// let entries = kernel.enter(|cx| -> Result<usize, kthreads_kernel::Errno> {
///     let theirs = table.clone();
///     let thread = cx.spawn("filler", move |cx| {
///         let mut table = theirs.lock(cx);
///         for entry in 0..3 {
///             table.push(entry);
///             cx.sleep(1);
///         }
///     })?;
///     thread.join(cx)?;
///     Ok(table.lock(cx).len())
/// });
/// assert_eq!(entries, Ok(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Mutex<T> {
    kept: KeptLock,
    home: Home,
    mutex: wait::Mutex,
    /// The data, while nobody holds the mutex: the holder has it.
    data: spin::SpinLock<Option<Box<T>>>,
}

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T> Mutex<T> {
    /// Puts `data` behind a free mutex.
    #[track_caller]
    pub fn new(data: T) -> Mutex<T> {
        Mutex {
            kept: KeptLock::new(),
            home: Home::default(),
            mutex: wait::Mutex::new(),
            data: spin::SpinLock::new(Some(Box::new(data))),
        }
    }

    /// Takes the mutex; nothing else ends the wait (Linux: mutex_lock).
    #[track_caller]
    pub fn lock<'k>(&self, cx: &Cx<'k>) -> MutexGuard<'_, 'k, T> {
        self.lock_nested(cx, 0)
    }

    /// As [`lock`](Mutex::lock), while another mutex that was made at the same place is held: as the
    /// one on that level of nesting, of 8 (Linux: mutex_lock_nested).
    #[track_caller]
    pub fn lock_nested<'k>(&self, cx: &Cx<'k>, subclass: u8) -> MutexGuard<'_, 'k, T> {
        let place = Location::caller();
        loop {
            let how = How::nested(subclass);
            // Uninterruptible: the first time is enough.
            if let Ok(guard) = self.lock_as(cx, TASK_UNINTERRUPTIBLE, how, place) {
                return guard;
            }
        }
    }

    /// Takes the mutex, unless a signal comes or the thread is told to stop (Linux:
    /// mutex_lock_interruptible).
    ///
    /// # Errors
    ///
    /// EINTR when that came first.
    #[track_caller]
    pub fn lock_interruptible<'k>(&self, cx: &Cx<'k>) -> Result<MutexGuard<'_, 'k, T>, Errno> {
        self.lock_as(cx, TASK_INTERRUPTIBLE, How::PLAIN, Location::caller())
    }

    fn lock_as<'k>(
        &self,
        cx: &Cx<'k>,
        state: u32,
        how: How,
        place: &'static Location<'static>,
    ) -> Result<MutexGuard<'_, 'k, T>, Errno> {
        self.home.check(cx.kernel);
        // Where one must not sleep, that is what is told of.
        let tag = if cx.in_atomic() { 0 } else { self.tag(cx, how, place) };
        cx.kernel.mutex_lock(cx, &self.mutex, state)?;
        Ok(self.hold(cx, tag, place))
    }

    /// Takes the mutex if it is free (Linux: mutex_trylock).
    #[track_caller]
    pub fn try_lock<'k>(&self, cx: &Cx<'k>) -> Option<MutexGuard<'_, 'k, T>> {
        let place = Location::caller();
        self.home.check(cx.kernel);
        let tag = self.tag(cx, How::TRY, place);
        cx.kernel.mutex_trylock(cx, &self.mutex).then(|| self.hold(cx, tag, place))
    }

    fn address(&self) -> usize {
        core::ptr::from_ref(&self.mutex).addr()
    }

    fn tag(&self, cx: &Cx<'_>, how: How, place: &'static Location<'static>) -> u64 {
        let at = (LockKind::Mutex, self.address());
        cx.kernel.kept_lock_tag(&cx.task.head, &self.kept, at, place, how)
    }

    fn hold<'k>(
        &self,
        cx: &Cx<'k>,
        tag: u64,
        place: &'static Location<'static>,
    ) -> MutexGuard<'_, 'k, T> {
        let held = &cx.task.head.held;
        held.set_place(self.address(), core::ptr::from_ref(place).addr());
        held.set_tag(self.address(), tag);
        MutexGuard { mutex: self, cx: *cx, data: self.data.lock().take() }
    }
}

/// A held [`Mutex`].
#[must_use]
pub struct MutexGuard<'a, 'k, T> {
    mutex: &'a Mutex<T>,
    cx: Cx<'k>,
    /// Taken out when the guard is dropped.
    data: Option<Box<T>>,
}

impl<T> Drop for MutexGuard<'_, '_, T> {
    fn drop(&mut self) {
        *self.mutex.data.lock() = self.data.take();
        self.cx.kernel.mutex_unlock(&self.cx, &self.mutex.mutex);
    }
}

impl<T> Deref for MutexGuard<'_, '_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        match &self.data {
            Some(data) => data,
            None => unreachable!("a mutex's data is with its holder"),
        }
    }
}

impl<T> DerefMut for MutexGuard<'_, '_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.data {
            Some(data) => data,
            None => unreachable!("a mutex's data is with its holder"),
        }
    }
}
