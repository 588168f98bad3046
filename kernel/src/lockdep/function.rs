//! Timers and works, for the end of whose functions others wait.
//!
//! Who waits for a function while it holds a lock that the function takes waits for ever. So the
//! timer or work counts as a lock: held while its function runs, taken by who waits for that to end
//! (Linux: lock_map_acquire in call_timer_fn and del_timer_sync; of kthread_works it learns nothing).
//! Its class is that of the place where it was set up.

use core::fmt::Display;

use kthreads_base::held::LockKind;
use kthreads_base::{Head, current_head};
use kthreads_lockdep::{How, Tag, Usage};

use super::LockAt;
use super::context::usage_of;
use crate::Kernel;

impl Kernel {
    /// A timer or a work is set up at an address.
    pub fn set_function_class(&self, address: usize, key: usize, name: &dyn Display) {
        self.set_lock_class(LockKind::Function, address, key, &format_args!("({name})"));
    }

    /// Calls the function of the work at an address.
    #[inline(always)]
    pub(crate) fn call_work(&self, head: &Head, address: usize, function: impl FnOnce()) {
        // Its thread is in no interrupt.
        call_tagged(head, address, Tag::NONE, function);
    }

    /// Calls the function of the timer at an address.
    pub(crate) fn call_timer_function(&self, head: &Head, address: usize, function: impl FnOnce()) {
        call_tagged(head, address, Tag::bare(usage_of(head), How::PLAIN), function);
    }

    /// Calls what runs code of a module while the kernel itself holds the spin lock at an address.
    pub(crate) fn under_lock<R>(&self, address: usize, body: impl FnOnce() -> R) -> R {
        let head = current_head();
        let tag = Tag::bare(Usage(usage_of(&head).level()), How::PLAIN);
        head.held.add_tagged(LockKind::Spin, address, 0, tag.0);
        let result = body();
        head.held.remove(address);
        result
    }

    /// Learns that the running task is about to wait for the end of the function of the timer or
    /// work at an address; says so if that can end in a deadlock. With no lock held it cannot.
    #[inline]
    pub fn note_wait_for_function(&self, head: &Head, address: usize) {
        if head.held.mark() != 0 {
            self.note_wait_slow(head, address);
        }
    }

    #[cold]
    #[inline(never)]
    fn note_wait_slow(&self, head: &Head, address: usize) {
        if !self.lockdep.is_on() || head.held.has_more() {
            return;
        }
        let place = self.calling_place();
        let lock = LockAt { kind: LockKind::Function, address, place };
        let served = Usage(usage_of(head).level());
        self.lock_tag_slow(head, &lock, How::PLAIN, served);
    }
}

#[inline(always)]
fn call_tagged(head: &Head, address: usize, tag: Tag, function: impl FnOnce()) {
    head.held.add_tagged(LockKind::Function, address, 0, tag.0);
    function();
    head.held.remove(address);
}
