//! Spin locks (Linux: linux/spinlock.h).
//!
//! Lock and unlock are separate calls, so the guards of base do not fit: these take and free the
//! lock's word, and count preemption and turn interrupts off as Linux does.

use core::sync::atomic::Ordering;

use kthreads_base::explore::{NOTE_GIVES, NOTE_SPIN_LOCK, NOTE_TAKES};
use kthreads_base::held::LockKind;
use kthreads_base::{Current, RawSpinLock, current_head, module_point, note, with_current};
use kthreads_kernel::log::Level;
use kthreads_kernel::{How, Kernel, LockAt, SOFTIRQ_DISABLE_OFFSET, log};

use crate::export::caller;
use crate::irq::{bh_enable, flags_of, irqs_off_in, note_irqs_on};
use crate::lockdep::set_class;
use crate::object::Ptr;

/// The lock, taken or freed by the export that runs.
#[inline(always)]
fn lock_at(lock: Ptr<RawSpinLock>) -> LockAt {
    LockAt { kind: LockKind::Spin, address: lock.address(), place: caller() }
}

/// What the lock validator keeps with a lock.
#[inline(always)]
fn tag_of(head: Current, at: &LockAt, how: How) -> u64 {
    with_current(|kernel: &Kernel, _| kernel.lock_tag(&head, at, how))
}

/// Takes the lock with so much added to the preemption count.
#[inline(always)]
fn take(head: Current, lock: Ptr<RawSpinLock>, count: u32, how: How) {
    let at = lock_at(lock);
    let lock = lock.get();
    head.preempt_add(count);
    if !lock.is_sane() {
        report_bad(lock);
    }
    if lock.is_locked() && lock.owner() == Some(head.pid.load(Ordering::Relaxed)) {
        look_at_owner(lock, &at);
    }
    let tag = tag_of(head, &at, how);
    lock.acquire(head);
    head.held.add_tagged(LockKind::Spin, at.address, at.place, tag);
    head.note(NOTE_TAKES, at.address, NOTE_SPIN_LOCK);
}

/// Takes the lock if it is free; else the count is put back.
#[inline(always)]
fn try_take(head: Current, lock: Ptr<RawSpinLock>, count: u32) -> bool {
    let at = lock_at(lock);
    let lock = lock.get();
    head.preempt_add(count);
    head.step();
    let taken = lock.try_acquire(head);
    if taken {
        let tag = tag_of(head, &at, How::TRY);
        head.held.add_tagged(LockKind::Spin, at.address, at.place, tag);
        head.note(NOTE_TAKES, at.address, NOTE_SPIN_LOCK);
    }
    taken
}

#[inline(always)]
fn free(lock: Ptr<RawSpinLock>) {
    let at = lock_at(lock);
    let lock = lock.get();
    let head = current_head();
    match lock.owner() {
        Some(owner) if owner == head.pid.load(Ordering::Relaxed) => {
            head.held.remove(at.address);
        }
        owner => free_of_others(lock, &at, owner),
    }
    note(NOTE_GIVES, at.address, NOTE_SPIN_LOCK);
    lock.release();
}

/// The lock is taken by a thread with the number of its owner. All idle threads have the same one,
/// and interrupts take locks in their names.
#[cold]
#[inline(never)]
fn look_at_owner(lock: &RawSpinLock, at: &LockAt) {
    let is_told = with_current(|kernel: &Kernel, head| {
        !head.held.contains(at.address) || kernel.tells_of_second_taking(&head, at)
    });
    if !is_told {
        report(lock, "takes a spin lock that it holds");
    }
}

/// The lock is free, or is freed in the place of the thread that took it.
#[cold]
#[inline(never)]
fn free_of_others(lock: &RawSpinLock, at: &LockAt, owner: Option<i32>) {
    let is_on = with_current(|kernel: &Kernel, head| {
        let holder = owner.map(|owner| kernel.find_task(owner));
        match holder {
            Some(Some(task)) => task.head.held.strike(at.address),
            // An interrupt on an idle CPU took it.
            Some(None) => return head.held.remove(at.address),
            None => {}
        }
        let is_on = kernel.checks_locks();
        if is_on && kernel.first_time(at.address ^ at.place) {
            kernel.report_bad_unlock(&kernel.cx(), at, holder.flatten());
        }
        is_on
    });
    if !is_on && owner.is_none() {
        report(lock, "frees a spin lock that is free");
    }
}

/// Says that a lock's word is that of no lock (Linux: spin_bug).
#[cold]
#[inline(never)]
fn report_bad(lock: &RawSpinLock) {
    with_current(|kernel: &Kernel, _| {
        let cx = &kernel.cx();
        kernel.count_bug();
        let (cpu, comm, pid) = (cx.cpu(), cx.task.comm(), cx.task.pid());
        log!(cx, Level::Error, "BUG: spinlock bad magic on CPU#{cpu}, {comm}/{pid}");
        kernel.log_object(cx, "lock", core::ptr::from_ref(lock) as usize);
        kernel.dump_stack(cx);
    });
}

#[cold]
#[inline(never)]
fn report(lock: &RawSpinLock, what: &'static str) {
    with_current(|kernel: &Kernel, _| {
        let cx = &kernel.cx();
        let address = core::ptr::from_ref(lock) as usize;
        if !kernel.first_time(address ^ what.as_ptr() as usize) {
            return;
        }
        kernel.count_bug();
        let (comm, pid) = (cx.task.comm(), cx.task.pid());
        let name = kernel.name_of(address);
        let name = name.as_ref().map_or("?", |name| name.as_str());
        log!(cx, Level::Error, "kthreads: {comm} (pid {pid}) {what}: {name} ({address:#x})");
        kernel.dump_stack(cx);
    });
}

leaf! {
    fn spin_lock(lock: Ptr<RawSpinLock>) {
        take(current_head(), lock, 1, How::PLAIN);
    }

    fn spin_lock_nested(lock: Ptr<RawSpinLock>, subclass: i32) {
        take(current_head(), lock, 1, How::nested(subclass as u8));
    }

    fn spin_lock_nest_lock(lock: Ptr<RawSpinLock>, _outer: usize) {
        take(current_head(), lock, 1, How::UNDER_OUTER);
    }

    fn spin_lock_irq(lock: Ptr<RawSpinLock>) {
        let head = current_head();
        head.irq_save();
        take(head, lock, 1, How::PLAIN);
    }

    fn spin_lock_bh(lock: Ptr<RawSpinLock>) {
        take(current_head(), lock, SOFTIRQ_DISABLE_OFFSET + 1, How::PLAIN);
    }

    fn spin_lock_bh_nested(lock: Ptr<RawSpinLock>, subclass: i32) {
        let how = How::nested(subclass as u8);
        take(current_head(), lock, SOFTIRQ_DISABLE_OFFSET + 1, how);
    }

    fn spin_lock_irqsave(lock: Ptr<RawSpinLock>) -> u64 {
        let head = current_head();
        let irqs_off = head.irq_save();
        take(head, lock, 1, How::PLAIN);
        flags_of(irqs_off)
    }

    fn spin_lock_irqsave_nested(lock: Ptr<RawSpinLock>, subclass: i32) -> u64 {
        let head = current_head();
        let irqs_off = head.irq_save();
        take(head, lock, 1, How::nested(subclass as u8));
        flags_of(irqs_off)
    }

    fn spin_trylock(lock: Ptr<RawSpinLock>) -> i32 {
        let head = current_head();
        let taken = try_take(head, lock, 1);
        if !taken {
            head.preempt_sub(1);
            module_point();
        }
        i32::from(taken)
    }

    fn spin_trylock_bh(lock: Ptr<RawSpinLock>) -> i32 {
        let taken = try_take(current_head(), lock, SOFTIRQ_DISABLE_OFFSET + 1);
        if !taken {
            bh_enable(1);
        }
        i32::from(taken)
    }

    fn spin_unlock(lock: Ptr<RawSpinLock>) {
        free(lock);
        current_head().preempt_sub(1);
        module_point();
    }

    fn spin_unlock_irq(lock: Ptr<RawSpinLock>) {
        free(lock);
        let head = current_head();
        note_irqs_on(&head);
        head.irq_restore(0);
        head.preempt_sub(1);
        module_point();
    }

    fn spin_unlock_bh(lock: Ptr<RawSpinLock>) {
        free(lock);
        bh_enable(1);
    }

    fn spin_unlock_irqrestore(lock: Ptr<RawSpinLock>, flags: u64) {
        free(lock);
        let head = current_head();
        if irqs_off_in(flags) == 0 {
            note_irqs_on(&head);
        }
        head.irq_restore(irqs_off_in(flags));
        head.preempt_sub(1);
        module_point();
    }
}

export! {
    fn spin_lock_init(cx, lock: Ptr<RawSpinLock>, name: Ptr<u8>, key: usize) {
        cx.kernel.check_spin_lock_init(cx, lock.get());
        lock.get().reset();
        set_class(cx, LockKind::Spin, lock.address(), name, key);
    }
}

exports! {
    "__raw_spin_lock_init" => spin_lock_init, Local;
    "_raw_spin_lock_nested" => spin_lock_nested, Local;
    "_raw_spin_lock_nest_lock" => spin_lock_nest_lock, Local;
    "_raw_spin_lock_bh_nested" => spin_lock_bh_nested, Local;
    "_raw_spin_lock_irqsave_nested" => spin_lock_irqsave_nested, Local;
    "_raw_spin_lock" => spin_lock, Any;
    "_raw_spin_lock_irq" => spin_lock_irq, Any;
    "_raw_spin_lock_bh" => spin_lock_bh, Any;
    "_raw_spin_lock_irqsave" => spin_lock_irqsave, Any;
    "_raw_spin_trylock" => spin_trylock, Any;
    "_raw_spin_trylock_bh" => spin_trylock_bh, Any;
    "_raw_spin_unlock" => spin_unlock, Any;
    "_raw_spin_unlock_irq" => spin_unlock_irq, Any;
    "_raw_spin_unlock_bh" => spin_unlock_bh, Any;
    "_raw_spin_unlock_irqrestore" => spin_unlock_irqrestore, Any;
}
