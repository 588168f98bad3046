//! Locks, interrupts, softirqs, timers: what exports do to the running CPU.

use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use kthreads_base::RawSpinLock;
use kthreads_kernel::Cx;
use kthreads_kernel::time::Timer;

use crate::common::{GFP_ATOMIC, Text, boot, c, kfree, kmalloc, log_of};

fn counts(cx: &Cx<'_>) -> (u32, u32) {
    let head = &cx.task.head;
    (head.preempt_count.load(Ordering::Relaxed), head.irqs_off.load(Ordering::Relaxed))
}

#[test]
fn spin_locks_count_preemption_and_turn_interrupts_off() {
    boot(1).enter(|cx| {
        let lock = RawSpinLock::new();
        let lock = &raw const lock;
        type Lock = *const RawSpinLock;
        call!("_raw_spin_lock"(lock => Lock));
        assert_eq!(counts(cx), (1, 0));
        assert_eq!(call!("_raw_spin_trylock"(lock => Lock) -> i32), 0);
        assert_eq!(counts(cx), (1, 0));
        call!("_raw_spin_unlock"(lock => Lock));
        assert_eq!(counts(cx), (0, 0));
        let outer = call!("__local_irq_save"() -> u64);
        let inner = call!("_raw_spin_lock_irqsave"(lock => Lock) -> u64);
        assert_eq!((outer, inner, counts(cx)), (0x200, 0, (1, 1)));
        call!("_raw_spin_unlock_irqrestore"(lock => Lock, inner => u64));
        assert_eq!(counts(cx), (0, 1));
        call!("__local_irq_restore"(outer => u64));
        call!("_raw_spin_lock_bh"(lock => Lock));
        assert_eq!(counts(cx), (0x201, 0));
        call!("_raw_spin_unlock_bh"(lock => Lock));
        call!("_raw_spin_lock_irq"(lock => Lock));
        assert_eq!(counts(cx), (1, 1));
        call!("_raw_spin_unlock_irq"(lock => Lock));
        assert_eq!(counts(cx), (0, 0));
        assert_eq!(cx.kernel.bug_count(), 0);
    });
}

#[test]
fn sleeping_in_atomic_context_is_reported_with_its_place() {
    boot(1).enter(|cx| {
        call!("local_bh_disable"());
        assert_eq!(counts(cx), (0x200, 0));
        kfree(kmalloc(8, GFP_ATOMIC));
        assert_eq!(cx.kernel.bug_count(), 0);
        call!("__might_sleep"(c("some/file.c").as_ptr() => Text, 12 => i32));
        call!("local_bh_enable"());
        assert_eq!((cx.kernel.bug_count(), counts(cx)), (1, (0, 0)));
        let line = "BUG: sleeping function called from invalid context at some/file.c:12\n";
        assert!(log_of(cx).contains(line));
    });
}

#[test]
fn timers_wait_for_softirqs_and_pass_data_to_old_functions() {
    static FIRED: AtomicU32 = AtomicU32::new(0);
    extern "C" fn old_style(data: u64) {
        FIRED.fetch_add(data as u32, Ordering::Relaxed);
    }
    boot(1).enter(|cx| {
        let timer = Timer::new();
        let place = &raw const timer;
        type At = *const Timer;
        call!("init_timer_key"(
            place => At, old_style => extern "C" fn(u64), Timer::DATA => u32, 0 => usize,
            0 => usize));
        timer.set_data(5);
        let expires = cx.kernel.jiffies().0 + 2;
        assert_eq!(call!("mod_timer"(place => At, expires => u64) -> i32), 0);
        assert_eq!(call!("mod_timer"(place => At, expires + 1 => u64) -> i32), 1);
        call!("local_bh_disable"());
        call!("__udelay"(40_000 => u64));
        assert_eq!(FIRED.load(Ordering::Relaxed), 0);
        call!("local_bh_enable"());
        assert_eq!(FIRED.load(Ordering::Relaxed), 5);
        assert_eq!(call!("timer_delete_sync"(place => At) -> i32), 0);
        call!("timer_shutdown_sync"(place => At) -> i32);
        assert_eq!(call!("mod_timer"(place => At, expires + 500 => u64) -> i32), 0);
        assert!(!timer.is_pending());
    });
}

#[test]
fn hrtimeouts_tell_expiry_from_wake_up() {
    boot(1).enter(|cx| {
        let sleep = |nanos: i64| {
            cx.task.set_state(1);
            let mut expires = nanos;
            call!("schedule_hrtimeout_range"(
                &raw mut expires => *mut i64, 0 => u64, 1 => u32) -> i32)
        };
        let before = cx.kernel.uptime();
        assert_eq!(sleep(3_000_000), 0);
        assert!((cx.kernel.uptime() - before).0 >= 3_000_000);
        assert_eq!(sleep(0), 0);
        cx.task.set_signal_action(10, kthreads_kernel::signal::Action::Deliver);
        let me = cx.task.address();
        assert_eq!(call!("send_sig"(10 => i32, me => usize, 1 => i32) -> i32), 0);
        assert_eq!(sleep(3_000_000), -4);
        assert_eq!(call!("kernel_dequeue_signal"() -> i32), 10);
    });
}

#[test]
fn rate_limits_drop_what_is_too_much() {
    boot(1).enter(|cx| {
        let name = c("chatter");
        let may = || call!("__printk_ratelimit"(name.as_ptr() => Text) -> i32);
        let passed: i32 = (0..15).map(|_| may()).sum();
        assert_eq!(passed, 10);
        cx.kernel.msleep(cx, 5_100);
        assert_eq!(may(), 1);
        assert!(log_of(cx).contains("chatter: 5 callbacks suppressed\n"));
    });
}

#[test]
fn saturated_counts_warn_once() {
    boot(1).enter(|cx| {
        let count = AtomicI32::new(0);
        for _ in 0..2 {
            call!("refcount_warn_saturate"(&raw const count => *const AtomicI32, 3 => u32));
        }
        assert_eq!(count.load(Ordering::Relaxed), i32::MIN / 2);
        assert_eq!(cx.kernel.bug_count(), 1);
    });
}
