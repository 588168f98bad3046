//! Doubly linked lists whose links lie in the members: C's `struct list_head`, typed and pinned.
//!
//! Members and heads are pinned: once linked, their memory stays a member until it is unlinked or
//! dropped, and dropping a linked one ends the program. A list belongs to a lock; every operation
//! asks for a held [`RawGuard`] as a witness. Which lock that must be is each list's own contract.
//! Links are atomics because C reads some of them without the lock (waitqueue_active).
//!
//! An unlinked link is null (never linked, or taken out) or points to itself (C's
//! `INIT_LIST_HEAD`); both read as unlinked.

use core::marker::{PhantomData, PhantomPinned};
use core::pin::Pin;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::RawGuard;

/// Two pointers: C's `struct list_head`, and as `timer_list.entry` its `struct hlist_node`.
#[repr(C)]
#[derive(Debug)]
pub struct Link {
    next: AtomicPtr<Link>,
    prev: AtomicPtr<Link>,
    _pin: PhantomPinned,
}

impl Link {
    /// An unlinked link.
    pub const fn new() -> Link {
        Link {
            next: AtomicPtr::new(ptr::null_mut()),
            prev: AtomicPtr::new(ptr::null_mut()),
            _pin: PhantomPinned,
        }
    }

    fn as_ptr(&self) -> *mut Link {
        ptr::from_ref(self).cast_mut()
    }

    /// Whether the link is in a list.
    #[inline]
    pub fn is_linked(&self) -> bool {
        let next = self.next.load(Ordering::Acquire);
        !next.is_null() && next != self.as_ptr()
    }

    /// Makes the link point to itself, as C's INIT_LIST_HEAD does; forgets what it was in.
    ///
    /// Who sees that without the lock (see [`is_linked`](Link::is_linked)) may let the link vanish:
    /// this touches it no more then (Linux: list_del_init_careful).
    #[inline]
    pub fn init(&self) {
        self.prev.store(self.as_ptr(), Ordering::Relaxed);
        self.next.store(self.as_ptr(), Ordering::Release);
    }

    /// Makes the link null; forgets what it was in. Then it may vanish, as with
    /// [`init`](Link::init).
    #[inline]
    pub fn clear(&self) {
        self.prev.store(ptr::null_mut(), Ordering::Relaxed);
        self.next.store(ptr::null_mut(), Ordering::Release);
    }

    #[inline]
    fn insert_between(&self, prev: *mut Link, next: *mut Link) {
        self.next.store(next, Ordering::Relaxed);
        self.prev.store(prev, Ordering::Relaxed);
        // SAFETY: `prev` and `next` are linked members or the head of one list: pinned, and
        // unlinked before they vanish. The caller holds the list's lock.
        unsafe {
            (*next).prev.store(self.as_ptr(), Ordering::Relaxed);
            (*prev).next.store(self.as_ptr(), Ordering::Release);
        }
    }

    /// Joins the neighbours; the link itself still points at them.
    #[inline]
    fn detach(&self) {
        let next = self.next.load(Ordering::Relaxed);
        let prev = self.prev.load(Ordering::Relaxed);
        // SAFETY: the link is linked, so both neighbours are members or the head of its list.
        unsafe {
            (*next).prev.store(prev, Ordering::Relaxed);
            (*prev).next.store(next, Ordering::Release);
        }
    }
}

impl Default for Link {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if self.is_linked() {
            crate::fatal("an object was dropped while it was in a list");
        }
    }
}

/// A type that can be a member of a [`List`]; made by [`linked!`](crate::linked).
///
/// # Safety
///
/// `OFFSET` is the offset of a `Link` field of the type.
pub unsafe trait Linked: Sized {
    /// The offset of the link, in bytes.
    const OFFSET: usize;
}

/// Declares which field of a type is the link that lists of it use.
#[macro_export]
macro_rules! linked {
    ($type:ty, $field:ident) => {
        // SAFETY: the field is a Link (checked by the reference below), at that offset.
        unsafe impl $crate::Linked for $type {
            const OFFSET: usize = {
                let _: fn(&$type) -> &$crate::Link = |item| &item.$field;
                core::mem::offset_of!($type, $field)
            };
        }
    };
}

/// A list of `T`, with the layout of C's `struct list_head`.
#[repr(transparent)]
#[derive(Debug)]
pub struct List<T> {
    head: Link,
    members: PhantomData<fn(&T)>,
}

fn link_of<T: Linked>(item: &T) -> &Link {
    // SAFETY: by Linked's contract a Link lies at that offset of the item.
    unsafe { &*(ptr::from_ref(item).cast::<u8>().add(T::OFFSET).cast::<Link>()) }
}

/// Whether `item` is in a list.
pub fn is_linked<T: Linked>(item: &T) -> bool {
    link_of(item).is_linked()
}

/// Takes `item` out of the list it is in, if it is in one; its link is null then.
#[inline]
pub fn unlink<T: Linked>(_held: &RawGuard<'_>, item: &T) -> bool {
    let link = link_of(item);
    let was_linked = link.is_linked();
    if was_linked {
        link.detach();
    }
    link.clear();
    was_linked
}

/// Takes `item` out of the list it is in, if it is in one; its link points to itself then (C's
/// list_del_init).
#[inline]
pub fn unlink_init<T: Linked>(_held: &RawGuard<'_>, item: &T) -> bool {
    let link = link_of(item);
    let was_linked = link.is_linked();
    if was_linked {
        link.detach();
    }
    link.init();
    was_linked
}

impl<T: Linked> List<T> {
    /// An empty list.
    pub const fn new() -> List<T> {
        List { head: Link::new(), members: PhantomData }
    }

    /// Makes the list empty whatever it held, as an initialiser does.
    pub fn init(self: Pin<&Self>) {
        self.get_ref().head.init();
    }

    /// Whether the list is empty; may be asked without the lock.
    #[inline]
    pub fn is_empty(&self) -> bool {
        !self.head.is_linked()
    }

    /// Whether the head has never been initialised, by Rust or by C.
    pub fn is_raw(&self) -> bool {
        self.head.next.load(Ordering::Relaxed).is_null()
    }

    /// What the head's first link holds, whatever that is: for reports.
    pub fn first_link(&self) -> usize {
        self.head.next.load(Ordering::Relaxed) as usize
    }

    #[inline]
    fn ensure_init(&self) -> &Link {
        if self.is_raw() {
            self.head.init();
        }
        &self.head
    }

    /// Puts `item`, which is in no list, first.
    #[inline]
    pub fn push_front(self: Pin<&Self>, _held: &RawGuard<'_>, item: Pin<&T>) {
        let head = self.get_ref().ensure_init();
        link_of(item.get_ref()).insert_between(head.as_ptr(), head.next.load(Ordering::Relaxed));
    }

    /// Puts `item`, which is in no list, last.
    #[inline]
    pub fn push_back(self: Pin<&Self>, _held: &RawGuard<'_>, item: Pin<&T>) {
        let head = self.get_ref().ensure_init();
        link_of(item.get_ref()).insert_between(head.prev.load(Ordering::Relaxed), head.as_ptr());
    }

    /// Puts `item`, which is in no list, right after `place`, which is in this one.
    pub fn insert_after(&self, _held: &RawGuard<'_>, place: &T, item: Pin<&T>) {
        let place = link_of(place);
        let next = place.next.load(Ordering::Relaxed);
        link_of(item.get_ref()).insert_between(place.as_ptr(), next);
    }

    #[inline]
    fn item_at<'g>(&self, link: *mut Link) -> Option<Pin<&'g T>> {
        if link.is_null() || link == self.head.as_ptr() {
            return None;
        }
        // SAFETY: a linked link other than the head lies in a pinned T at T's offset; the caller
        // bounds the lifetime by the held lock.
        unsafe { Some(Pin::new_unchecked(&*link.cast::<u8>().sub(T::OFFSET).cast::<T>())) }
    }

    /// The first member.
    #[inline]
    pub fn first<'g>(&self, _held: &'g RawGuard<'_>) -> Option<Pin<&'g T>> {
        self.item_at(self.head.next.load(Ordering::Relaxed))
    }

    /// The last member.
    pub fn last<'g>(&self, _held: &'g RawGuard<'_>) -> Option<Pin<&'g T>> {
        self.item_at(self.head.prev.load(Ordering::Relaxed))
    }

    /// The member after `item`, which is in this list.
    #[inline]
    pub fn after<'g>(&self, _held: &'g RawGuard<'_>, item: &T) -> Option<Pin<&'g T>> {
        self.item_at(link_of(item).next.load(Ordering::Relaxed))
    }

    /// Takes the first member out; its link points to itself then. The member is the caller's:
    /// the lock no longer protects it.
    pub fn take_first<'l>(&'l self, held: &RawGuard<'_>) -> Option<Pin<&'l T>> {
        let first = self.item_at(self.head.next.load(Ordering::Relaxed))?;
        unlink_init(held, first.get_ref());
        Some(first)
    }

    /// Takes the first member out; its link is null then.
    pub fn pop_front<'g>(&self, held: &'g RawGuard<'_>) -> Option<Pin<&'g T>> {
        let first = self.first(held)?;
        unlink(held, first.get_ref());
        Some(first)
    }
}

impl<T: Linked> Default for List<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use alloc::boxed::Box;
    use std::thread;

    use super::*;
    use crate::RawSpinLock;

    struct Item {
        link: Link,
    }

    linked!(Item, link);

    /// A waiter's entry lies on its stack, and the waiter goes on when it is out of the queue. What
    /// is wrong with that, an interpreter or the thread sanitizer sees.
    #[test]
    fn who_is_seen_unlinked_may_vanish() {
        for _ in 0..50 {
            let list = Box::pin(List::<Item>::new());
            let item = Box::pin(Item { link: Link::new() });
            let mut lock = RawSpinLock::new();
            list.as_ref().push_back(&lock.exclusive(), item.as_ref());
            thread::scope(|scope| {
                scope.spawn(|| {
                    let mut lock = RawSpinLock::new();
                    let held = lock.exclusive();
                    list.first(&held).map(|first| unlink_init(&held, first.get_ref()))
                });
                while item.link.is_linked() {
                    thread::yield_now();
                }
                drop(item);
            });
        }
    }
}
