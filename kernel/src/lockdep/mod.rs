//! The lock validator's place in the kernel: who asks it, with what (Linux: lock_acquire and its
//! like).
//!
//! What it knows is kthreads-lockdep's; here is where a lock's class comes from and what the running
//! task holds. Asked are the locks of modules and of Rust's `sync`, not those of the kernel's own
//! data, which have levels. All that was found before is answered from tables that need no lock;
//! the rest is behind a lock (level 4), under which nothing else is taken.

mod classes;
mod function;
mod kept;
mod semaphore;

use alloc::vec::Vec;
use core::panic::Location;
use core::sync::atomic::{AtomicUsize, Ordering};

use kthreads_base::held::{HeldLock, KEPT, LockKind, Newest};
use kthreads_base::{Head, SpinGuard, SpinLock};
use kthreads_lockdep::{
    Acquire, Chain, Chains, ClassId, Fast, Finding, Held, Label, NoRoom, Pool, Site, Slot, Slots,
    Stats, Tag, Usage, Validator, Who,
};

pub(crate) use kept::KeptLock;
pub use kthreads_lockdep::{How, IfHeld, Limits};

use crate::backtrace::Origin;
use crate::config::Config;
use crate::cx::*;

const ORDER: Ordering = Ordering::Relaxed;
/// How many places of Rust code are known to be known; others are looked for.
const KNOWN_PLACES: usize = 64;

/// The validator of a kernel.
pub(crate) struct Lockdep {
    fast: Fast,
    /// Places of Rust code that are known, each where its address says.
    known_places: [AtomicUsize; KNOWN_PLACES],
    slow: SpinLock<Slow>,
}

/// What is behind the lock.
struct Slow {
    validator: Validator,
    /// How many slots are used.
    locks: usize,
    /// Places of Rust code that have taken locks.
    places: Vec<&'static Location<'static>>,
}

/// A lock, as the validator is asked about it.
#[derive(Clone, Copy, Debug)]
pub struct LockAt {
    /// What it is.
    pub kind: LockKind,
    /// Where it lies.
    pub address: usize,
    /// The address that the call which takes it returns to, or that of a `Location`.
    pub place: usize,
}

/// Where interrupts can come, and which are served.
#[inline]
fn usage_of(head: &Head) -> Usage {
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

fn who(head: &Head) -> Who {
    let name = head.comm.each_ref().map(|byte| byte.load(ORDER));
    Who { id: head.pid.load(ORDER), name }
}

/// The tag of the newest lock of a task, if it holds one.
fn newest_of(head: &Head) -> Option<Tag> {
    match head.held.newest() {
        Newest::Tag(tag) => Some(Tag(tag)),
        Newest::None | Newest::Unknown => None,
    }
}

/// The locks that a task holds.
struct Snapshot {
    held: [Held; KEPT],
    count: usize,
}

impl Snapshot {
    fn of(head: &Head) -> Snapshot {
        const NOTHING: Held = Held { lock: 0, place: 0, tag: Tag::NONE };
        let mut snapshot = Snapshot { held: [NOTHING; KEPT], count: 0 };
        for (slot, lock) in snapshot.held.iter_mut().zip(head.held.entries()) {
            *slot = Held { lock: lock.address, place: lock.taken_at, tag: Tag(lock.tag) };
            snapshot.count += 1;
        }
        snapshot
    }

    fn held(&self) -> &[Held] {
        &self.held[..self.count]
    }
}

impl Lockdep {
    pub(crate) fn new(config: &Config) -> Lockdep {
        const NONE: Limits = Limits { locks: 0, classes: 0, orders: 0, chains: 0 };
        let limits = config.lockdep.unwrap_or(NONE);
        let fast = Fast::new(Slots::new(limits.locks), Chains::new(limits.chains));
        if config.lockdep.is_none() {
            fast.turn_off();
        }
        let validator = Validator::new(&limits);
        let slow = SpinLock::new(Slow { validator, locks: 0, places: Vec::new() });
        Lockdep { fast, known_places: [const { AtomicUsize::new(0) }; KNOWN_PLACES], slow }
    }

    /// Takes the lock. A machine that explores finds no choice in it: it is free there always, as
    /// nobody else comes to run under it.
    fn slow(&self) -> SpinGuard<'_, Slow> {
        self.slow.try_lock().unwrap_or_else(|| self.slow.lock())
    }

    /// Whether locks are looked at (debug_locks).
    pub(crate) fn is_on(&self) -> bool {
        self.fast.is_on()
    }

    /// No lock is looked at from now on.
    pub(crate) fn turn_off(&self) {
        self.fast.turn_off();
    }

    /// How much is kept, and how many locks are known.
    pub(crate) fn stats(&self) -> (Stats, usize) {
        let slow = self.slow();
        (slow.validator.stats(), slow.locks)
    }

    /// All classes, each with those taken right under it.
    pub(crate) fn classes(&self) -> Vec<(Label, Vec<Label>)> {
        let mut all = Vec::new();
        let slow = self.slow();
        slow.validator.for_each_class(&mut |class, below| all.push((class, below.to_vec())));
        all
    }

    /// How the class of a lock is shown that a task holds.
    pub(crate) fn label_of(&self, held: &HeldLock) -> Option<Label> {
        let tag = Tag(held.tag);
        let kept = || self.fast.slots.get(held.address).map(|slot| slot.class);
        let class = Some(tag.class()).filter(|class| *class != ClassId::NONE).or_else(kept)?;
        self.slow().validator.label(class)
    }

    /// The place of Rust code at an address that was given as one.
    pub(crate) fn rust_place(&self, address: usize) -> Option<&'static Location<'static>> {
        let slow = self.slow();
        let is_it = |place: &&&'static Location<'_>| core::ptr::from_ref(**place).addr() == address;
        slow.places.iter().find(is_it).copied()
    }
}

impl Slow {
    /// Notes the class of a lock.
    fn set(&mut self, fast: &Fast, address: usize, class: ClassId) -> Result<Slot, Pool> {
        let slot = Slot { class, seen: self.validator.seen(class) };
        let set = fast.slots.set(address, slot, &mut self.locks);
        set.map(|()| slot).map_err(|NoRoom| Pool::Locks)
    }
}

impl crate::Kernel {
    /// Whether locks are looked at (debug_locks).
    pub fn checks_locks(&self) -> bool {
        self.lockdep.is_on()
    }

    /// What is to be kept with a lock that the running task is about to take (Linux:
    /// lock_acquire). Says so if that can end in a deadlock.
    #[inline]
    pub fn lock_tag(&self, head: &Head, lock: &LockAt, how: How) -> u64 {
        let fast = &self.lockdep.fast;
        if !fast.is_on() {
            return 0;
        }
        let newest = match head.held.newest() {
            Newest::None => None,
            Newest::Tag(tag) => Some(Tag(tag)),
            Newest::Unknown => return 0,
        };
        match fast.look(lock.address, usage_of(head), how, newest) {
            Some(tag) => tag.0,
            None => self.lock_tag_slow(head, lock, how, usage_of(head)).0,
        }
    }

    #[cold]
    #[inline(never)]
    fn lock_tag_slow(&self, head: &Head, lock: &LockAt, how: How, here: Usage) -> Tag {
        self.settle(head);
        let fast = &self.lockdep.fast;
        if let Some(tag) = fast.look(lock.address, here, how, newest_of(head)) {
            return tag;
        }
        self.lock_tag_anew(head, lock, how, here)
    }

    /// Looks at a lock whatever has been found before.
    fn lock_tag_anew(&self, head: &Head, lock: &LockAt, how: How, here: Usage) -> Tag {
        match self.class_at(lock) {
            Ok(class) => self.learn(head, lock, class, how, here).0,
            Err(pool) => self.lockdep_is_full(pool),
        }
    }

    /// Asks the validator. Gives the tag, and what is known of the lock now.
    fn learn(
        &self,
        head: &Head,
        lock: &LockAt,
        class: ClassId,
        how: How,
        here: Usage,
    ) -> (Tag, Usage) {
        let LockAt { address, place, .. } = *lock;
        let snapshot = Snapshot::of(head);
        let site = Site { place, who: who(head) };
        let new = Acquire { lock: address, class, here, how, site };
        let fast = &self.lockdep.fast;
        let mut slow = self.lockdep.slow();
        let findings = slow.validator.acquire(snapshot.held(), &new);
        let seen = slow.validator.seen(class);
        if fast.slots.get(address).is_some_and(|slot| slot.class == class) {
            // It is there, so there is room for it.
            let _ = slow.set(fast, address, class);
        }
        let makes_orders = slow.validator.is_lock(class);
        drop(slow);
        let tag = match makes_orders {
            true => fast.note(class, here, how, newest_of(head)),
            false => Tag::bare(here, how).with(class, Chain::UNKNOWN),
        };
        self.tell(findings);
        (tag, seen)
    }

    fn tell(&self, findings: Vec<Finding>) {
        for finding in findings {
            match finding {
                Finding::Full(pool) => {
                    self.lockdep_is_full(pool);
                }
                finding => self.report_lock_finding(&self.cx(), &finding),
            }
        }
    }

    /// Works out the classes and chains of the locks that the running task holds, where nobody has
    /// done so yet.
    fn settle(&self, head: &Head) {
        let mut before = None;
        head.held.retag(&mut |held| {
            let tag = self.settled(&held, before);
            before = Some(tag);
            tag.0
        });
    }

    fn settled(&self, held: &HeldLock, before: Option<Tag>) -> Tag {
        let tag = Tag(held.tag);
        if tag.chain() != Chain::UNKNOWN {
            return tag;
        }
        let fast = &self.lockdep.fast;
        if let Some(tag) = fast.settle(held.address, tag, before) {
            return tag;
        }
        let lock = LockAt { kind: held.kind, address: held.address, place: held.taken_at };
        let class = self.class_at(&lock).unwrap_or(ClassId::UNCHECKED);
        let tag = tag.with(class, Chain::UNKNOWN);
        fast.settle(held.address, tag, before).unwrap_or(tag)
    }

    /// Looks once more at a lock that the running task holds and takes again, as it never ends.
    /// False if it is not looked at, so that nobody has been told.
    pub fn tells_of_second_taking(&self, head: &Head, lock: &LockAt) -> bool {
        if !self.lockdep.is_on() {
            return false;
        }
        self.settle(head);
        let tag = self.lock_tag_anew(head, lock, How::PLAIN, usage_of(head));
        tag.class().is_some()
    }

    /// Learns that interrupts, or softirqs, are about to come on while the running task holds locks
    /// (Linux: lockdep_hardirqs_on, lockdep_softirqs_on).
    #[cold]
    pub fn note_interrupts_on(&self, head: &Head) {
        if !self.lockdep.is_on() || head.held.has_more() {
            return;
        }
        let states = match head.preempt_count.load(ORDER) & SOFTIRQ_MASK {
            0 => Usage::HARDIRQ_ON | Usage::SOFTIRQ_ON,
            _ => Usage::HARDIRQ_ON,
        };
        let slots = &self.lockdep.fast.slots;
        let is_new = |held: &HeldLock| {
            let is_seen = || slots.get(held.address).is_some_and(|slot| slot.seen.has(states));
            held.kind != LockKind::Function && !is_seen()
        };
        if !head.held.entries().any(|held| is_new(&held)) {
            return;
        }
        self.settle(head);
        let snapshot = Snapshot::of(head);
        let mut slow = self.lockdep.slow();
        let findings = slow.validator.states_on(snapshot.held(), states, who(head));
        for held in snapshot.held() {
            let is_there = slots.get(held.lock).is_some_and(|slot| slot.class == held.tag.class());
            if is_there {
                // It is there, so there is room for it.
                let _ = slow.set(&self.lockdep.fast, held.lock, held.tag.class());
            }
        }
        drop(slow);
        self.tell(findings);
    }

    /// Learns from a lock that the kernel itself takes and gives back, with interrupts off, while
    /// the running task holds others.
    #[inline]
    pub fn note_inner_lock(&self, head: &Head, address: usize) {
        let in_interrupt = head.preempt_count.load(ORDER) & (HARDIRQ_MASK | SOFTIRQ_OFFSET) != 0;
        if head.held.mark() != 0 || in_interrupt {
            self.note_inner_lock_slow(head, address);
        }
    }

    #[cold]
    #[inline(never)]
    fn note_inner_lock_slow(&self, head: &Head, address: usize) {
        if !self.lockdep.is_on() || head.held.has_more() {
            return;
        }
        let served = usage_of(head) & (Usage::IN_HARDIRQ | Usage::IN_SOFTIRQ);
        let known = self.lockdep.fast.look(address, served, How::PLAIN, newest_of(head));
        if known.is_none() {
            let lock = LockAt { kind: LockKind::Spin, address, place: self.calling_place() };
            self.lock_tag_slow(head, &lock, How::PLAIN, served);
        }
    }

    /// The address that the innermost call from a module into the kernel returns to.
    fn calling_place(&self) -> usize {
        let trace = self.trace_from(&Origin::here());
        trace.addresses().next().map_or(0, |address| address + 1)
    }

    /// Nothing can be learnt any more (Linux: print_lockdep_off).
    #[cold]
    fn lockdep_is_full(&self, pool: Pool) -> Tag {
        if self.lockdep.is_on() {
            self.lockdep.turn_off();
            self.report_lockdep_full(&self.cx(), pool);
        }
        Tag::NONE
    }
}
