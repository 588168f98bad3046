//! What the running task holds, and where it runs.

use kthreads_base::Head;
use kthreads_base::held::{KEPT, Newest};
use kthreads_lockdep::{Held, Tag, Usage, Who};

use super::ORDER;
use crate::cx::*;

/// Where interrupts can come, and which are served.
#[inline]
pub(super) fn usage_of(head: &Head) -> Usage {
    let count = head.preempt_count.load(ORDER);
    let mut usage = match (head.irqs_off.load(ORDER), count & SOFTIRQ_MASK) {
        (0, 0) => Usage::HARDIRQ_ON | Usage::SOFTIRQ_ON,
        (0, _) => Usage::HARDIRQ_ON,
        _ => Usage::NONE,
    };
    if count & (HARDIRQ_MASK | SOFTIRQ_OFFSET) != 0 {
        usage |= served(count);
    }
    usage
}

#[cold]
fn served(count: u32) -> Usage {
    let hard = if count & HARDIRQ_MASK != 0 { Usage::IN_HARDIRQ } else { Usage::NONE };
    let soft = if count & SOFTIRQ_OFFSET != 0 { Usage::IN_SOFTIRQ } else { Usage::NONE };
    hard | soft
}

pub(super) fn who(head: &Head) -> Who {
    let name = head.comm.each_ref().map(|byte| byte.load(ORDER));
    Who { id: head.pid.load(ORDER), name }
}

/// The tag of the newest lock of a task, if it holds one.
pub(super) fn newest_of(head: &Head) -> Option<Tag> {
    match head.held.newest() {
        Newest::Tag(tag) => Some(Tag(tag)),
        Newest::None | Newest::Unknown => None,
    }
}

/// The locks that a task holds.
pub(super) struct Snapshot {
    held: [Held; KEPT],
    count: usize,
}

impl Snapshot {
    pub(super) fn of(head: &Head) -> Snapshot {
        const NOTHING: Held = Held { lock: 0, place: 0, tag: Tag::NONE };
        let mut snapshot = Snapshot { held: [NOTHING; KEPT], count: 0 };
        for (slot, lock) in snapshot.held.iter_mut().zip(head.held.entries()) {
            *slot = Held { lock: lock.address, place: lock.taken_at, tag: Tag(lock.tag) };
            snapshot.count += 1;
        }
        snapshot
    }

    pub(super) fn held(&self) -> &[Held] {
        &self.held[..self.count]
    }
}
