//! Locks of Rust code. They come from anywhere and may be used in several kernels, so what is known
//! of one is kept in it, and its class is the place where it was made.

use core::panic::Location;
use core::sync::atomic::{AtomicU64, Ordering};

use kthreads_base::held::{LockKind, Newest};
use kthreads_base::{Head, SpinLock};
use kthreads_lockdep::{How, Key, Kind, Slot, Tag, Usage};

use super::context::usage_of;
use super::{KNOWN_PLACES, LockAt};
use crate::Kernel;
use crate::home::Identity;

const ORDER: Ordering = Ordering::Relaxed;

/// What is known of a lock of Rust code.
pub(crate) struct KeptLock {
    made: &'static Location<'static>,
    /// The address of the identity of the kernel that knows it, and a slot; 0 for none. That `home`
    /// has the identity keeps its address from being used again.
    known: AtomicU64,
    home: SpinLock<Option<Identity>>,
}

impl Default for KeptLock {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Debug for KeptLock {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.made.fmt(f)
    }
}

impl KeptLock {
    /// Of a lock that is made by the caller.
    #[track_caller]
    pub(crate) const fn new() -> KeptLock {
        let made = Location::caller();
        KeptLock { made, known: AtomicU64::new(0), home: SpinLock::new(None) }
    }

    /// What a kernel knows of it.
    #[inline]
    fn slot(&self, kernel: &Kernel) -> Option<Slot> {
        let word = self.known.load(ORDER);
        let is_mine = (word ^ number(kernel)) >> Slot::BITS == 0;
        is_mine.then(|| Slot::from_bits(word))
    }

    fn keep(&self, kernel: &Kernel, slot: Slot) {
        *self.home.lock() = Some(kernel.identity.clone());
        self.known.store(number(kernel) | slot.to_bits(), ORDER);
    }
}

/// What tells a kernel from others, above the bits of a slot: addresses have 48 bits at most.
#[inline]
fn number(kernel: &Kernel) -> u64 {
    (kernel.identity.address() as u64) << Slot::BITS
}

impl Kernel {
    /// As [`lock_tag`](Kernel::lock_tag), for a lock of Rust code that is taken at `place`.
    #[inline]
    pub(crate) fn kept_lock_tag(
        &self,
        head: &Head,
        lock: &KeptLock,
        (kind, address): (LockKind, usize),
        place: &'static Location<'static>,
        how: How,
    ) -> u64 {
        let fast = &self.lockdep.fast;
        if !fast.is_on() {
            return 0;
        }
        let newest = match head.held.newest() {
            Newest::None => None,
            Newest::Tag(tag) => Some(Tag(tag)),
            Newest::Unknown => return 0,
        };
        let here = match kind {
            // It turns interrupts off.
            LockKind::Spin => Usage(usage_of(head).level()),
            _ => usage_of(head),
        };
        let known = lock.slot(self).and_then(|slot| fast.look_kept(slot, here, how, newest));
        self.note_rust_place(place);
        let at = LockAt { kind, address, place: core::ptr::from_ref(place).addr() };
        known.map_or_else(|| self.kept_lock_slow(head, lock, &at, how, here), |tag| tag.0)
    }

    /// Notes a place of Rust code, so that it can be named.
    #[inline]
    fn note_rust_place(&self, place: &'static Location<'static>) {
        let address = core::ptr::from_ref(place).addr();
        let known = &self.lockdep.known_places[address / align_of::<Location<'_>>() % KNOWN_PLACES];
        if known.load(ORDER) != address {
            self.note_new_place(place);
            known.store(address, ORDER);
        }
    }

    #[cold]
    fn note_new_place(&self, place: &'static Location<'static>) {
        let mut slow = self.lockdep.slow();
        if !slow.places.iter().any(|known| core::ptr::eq(*known, place)) {
            slow.places.push(place);
        }
    }

    #[cold]
    #[inline(never)]
    fn kept_lock_slow(
        &self,
        head: &Head,
        lock: &KeptLock,
        at: &LockAt,
        how: How,
        here: Usage,
    ) -> u64 {
        self.settle(head);
        let kind = if at.kind == LockKind::Spin { Kind::Spinning } else { Kind::Sleeping };
        let made = lock.made;
        let name = alloc::format!("{}:{}", file_name(made), made.line());
        let key = Key::of(core::ptr::from_ref(made).addr());
        let class = self.lockdep.slow().validator.class(key, kind, &name);
        let class = match class {
            Ok(class) => class,
            Err(pool) => return self.lockdep_is_full(pool).0,
        };
        let (tag, seen) = self.learn(head, at, class, how, here);
        lock.keep(self, Slot { class, seen });
        tag.0
    }
}

/// The last part of a place's file.
fn file_name(place: &Location<'static>) -> &'static str {
    place.file().rsplit('/').next().unwrap_or_default()
}
