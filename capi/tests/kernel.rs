//! Memory, locks, interrupts, tasks: what exports do to the running kernel.

mod common;

use std::ffi::c_char;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use common::{address, boot, c, log_of};
use kthreads_base::RawSpinLock;
use kthreads_kernel::Cx;
use kthreads_kernel::time::Timer;
use kthreads_kernel::wait::Completion;

type Text = *const c_char;
const GFP_KERNEL: u32 = 0xcc0;
const GFP_ATOMIC: u32 = 0xa20;
const GFP_ZERO: u32 = 0x100;

fn kmalloc(len: usize, flags: u32) -> usize {
    call!("__kmalloc"(len => usize, flags => u32) -> usize)
}

fn kfree(memory: usize) {
    call!("kfree"(memory => usize));
}

fn counts(cx: &Cx<'_>) -> (u32, u32) {
    let head = &cx.task.head;
    (head.preempt_count.load(Ordering::Relaxed), head.irqs_off.load(Ordering::Relaxed))
}

#[test]
fn memory_is_cleared_grown_and_freed() {
    boot(1).enter(|cx| {
        let memory = kmalloc(100, GFP_KERNEL | GFP_ZERO);
        // SAFETY: kmalloc gives that much memory.
        let bytes = unsafe { core::slice::from_raw_parts_mut(memory as *mut u8, 100) };
        assert!(bytes.iter().all(|byte| *byte == 0));
        bytes[99] = 7;
        assert_eq!(call!("ksize"(memory => usize) -> usize), 128);
        let same = call!("krealloc"(memory => usize, 128 => usize, GFP_KERNEL => u32) -> usize);
        assert_eq!(same, memory);
        let grown = call!("krealloc"(memory => usize, 5000 => usize, GFP_KERNEL => u32) -> usize);
        // SAFETY: krealloc keeps what was there.
        assert_eq!(unsafe { *((grown + 99) as *const u8) }, 7);
        kfree(grown);
        for len in [8, 64, 4096] {
            let memory = kmalloc(len, GFP_KERNEL);
            assert!(memory.is_multiple_of(len), "kmalloc({len}) is not aligned");
            kfree(memory);
        }
        assert_eq!(cx.kernel.bug_count(), 0, "{}", log_of(cx));
    });
}

#[test]
fn odd_sizes_and_pointers_are_as_on_linux() {
    boot(1).enter(|cx| {
        assert_eq!(kmalloc(0, GFP_KERNEL), 16);
        kfree(16);
        kfree(0);
        assert_eq!(kmalloc(usize::MAX, GFP_KERNEL), 0);
        assert_eq!(call!("vmalloc"(0 => usize) -> usize), 0);
        assert_eq!(call!("vmalloc"(1 << 60 => usize) -> usize), 0);
        let pages = call!("vzalloc"(10_000 => usize) -> usize);
        assert!(pages.is_multiple_of(4096));
        call!("vfree"(pages => usize));
        let run = call!("__get_free_pages"(GFP_KERNEL => u32, 2 => u32) -> usize);
        assert!(run.is_multiple_of(4 * 4096));
        call!("free_pages"(run => usize, 2 => u32));
        assert_eq!(cx.kernel.bug_count(), 0, "{}", log_of(cx));
        call!("free_pages"(run => usize, 2 => u32));
        assert!(log_of(cx).contains("no pages are there"));
    });
}

#[test]
fn a_second_free_is_reported_and_freed_memory_is_poisoned() {
    boot(1).enter(|cx| {
        let memory = kmalloc(32, GFP_KERNEL);
        kfree(memory);
        // SAFETY: freed memory is kept back for a while.
        assert_eq!(unsafe { *(memory as *const u64) }, 0x6b6b_6b6b_6b6b_6b6b);
        kfree(memory);
        assert_eq!(cx.kernel.bug_count(), 1);
        assert!(log_of(cx).contains("which was freed before"));
        for _ in 0..10_000 {
            kfree(kmalloc(32, GFP_KERNEL));
        }
        assert_eq!(cx.kernel.bug_count(), 1);
    });
}

#[test]
fn caches_construct_and_count_their_objects() {
    extern "C" fn construct(object: usize) {
        // SAFETY: an object of 24 bytes.
        unsafe { *(object as *mut u64) = 77 };
    }
    boot(1).enter(|cx| {
        let create = |align: u32| {
            call!("kmem_cache_create"(
                c("things").as_ptr() => Text, 24 => u32, align => u32, 0 => u32,
                construct => extern "C" fn(usize)) -> usize)
        };
        let cache = create(64);
        let alloc = || call!("kmem_cache_alloc"(cache => usize, GFP_KERNEL => u32) -> usize);
        let (first, second) = (alloc(), alloc());
        assert!(first != second && first.is_multiple_of(64));
        // SAFETY: the constructor has written it.
        assert_eq!(unsafe { *(second as *const u64) }, 77);
        call!("kmem_cache_free"(cache => usize, first => usize));
        call!("kmem_cache_destroy"(cache => usize));
        assert!(log_of(cx).contains("kmem_cache_destroy things: Slab cache still has objects"));
        call!("kmem_cache_free"(cache => usize, second => usize));
        call!("kmem_cache_destroy"(cache => usize));
        assert_eq!(cx.kernel.bug_count(), 1);
    });
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

extern "C" fn until_stopped(data: usize) -> i32 {
    // SAFETY: the test passes a completion that outlives the thread.
    let done = unsafe { &*(data as *const Completion) };
    call!("complete"(&raw const *done => *const Completion));
    while !call!("kthread_should_stop"() -> bool) {
        call!("schedule_timeout"(10 => i64) -> i64);
    }
    23
}

fn create(data: usize, name: &str) -> usize {
    let fmt = c("%s/%d");
    let name = c(name);
    call!("kthread_create_on_node"(
        until_stopped => extern "C" fn(usize) -> i32, data => usize, -1 => i32,
        fmt.as_ptr() => Text; name.as_ptr() => Text, 3 => i32) -> usize)
}

#[test]
fn threads_of_c_are_named_run_and_stopped() {
    boot(2).enter(|cx| {
        let done = Completion::new();
        let place = &raw const done;
        let task = create(place as usize, "a-rather-long-name");
        let found = cx.kernel.task_at(task).expect("a task");
        assert_eq!(found.comm().as_str(), "a-rather-long-n");
        let pid = call!("task_pid"(task => usize) -> *const i32);
        // SAFETY: a struct pid begins with its number.
        assert_eq!(unsafe { *pid }, found.pid());
        let pid = call!("get_pid"(pid => *const i32) -> *const i32);
        assert_eq!(call!("wake_up_process"(task => usize) -> i32), 1);
        call!("wait_for_completion"(place => *const Completion));
        assert_eq!(call!("kthread_stop"(task => usize) -> i32), 23);
        assert_eq!(call!("pid_task"(pid => *const i32, 0 => u32) -> usize), 0);
        assert_eq!(call!("kill_pid"(pid => *const i32, 9 => i32, 1 => i32) -> i32), -3);
        call!("put_pid"(pid => *const i32));
        assert_eq!(cx.kernel.bug_count(), 0, "{}", log_of(cx));
    });
}

#[test]
fn a_thread_that_is_gone_is_reported_and_not_waited_for() {
    boot(1).enter(|cx| {
        let done = Completion::new();
        let task = create(&raw const done as usize, "gone");
        call!("put_task_struct"(task => usize));
        assert!(log_of(cx).contains("put_task_struct of gone/3 (pid "));
        call!("wake_up_process"(task => usize) -> i32);
        assert!(matches!(call!("kthread_stop"(task => usize) -> i32), 23 | -4));
        // It is freed once it is off its CPU.
        cx.kernel.msleep(cx, 20);
        assert_eq!(call!("kthread_stop"(task => usize) -> i32), 0);
        assert_eq!(cx.kernel.bug_count(), 2);
        assert!(
            log_of(cx).contains("kthreads: kthread_stop of a thread that is gone: it was gone/3")
        );
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

#[test]
fn a_rust_panic_in_an_export_ends_the_thread_alone() {
    extern "C" fn divide(_: usize) -> i32 {
        call!("__divti3"(1 => i128, 0 => i128) -> i128) as i32
    }
    boot(1).enter(|cx| {
        let fmt = c("bad");
        let task = call!("kthread_create_on_node"(
            divide => extern "C" fn(usize) -> i32, 0 => usize, -1 => i32,
            fmt.as_ptr() => Text;) -> usize);
        call!("get_task_struct"(task => usize) -> usize);
        call!("wake_up_process"(task => usize) -> i32);
        assert_eq!(call!("kthread_stop"(task => usize) -> i32), -4);
        assert_eq!(cx.kernel.bug_count(), 0);
        let task = call!("kthread_create_on_node"(
            divide => extern "C" fn(usize) -> i32, 0 => usize, -1 => i32,
            fmt.as_ptr() => Text;) -> usize);
        call!("wake_up_process"(task => usize) -> i32);
        cx.kernel.msleep(cx, 10);
        assert!(log_of(cx).contains("BUG: divide error"), "{}", log_of(cx));
        assert_eq!(cx.kernel.bug_count(), 1);
        assert_ne!(address("__divti3"), 0);
    });
}

/// What struct wait_queue_entry and struct wait_queue_head are to these tests: raw memory.
#[repr(C, align(8))]
struct Raw<const N: usize>(std::cell::UnsafeCell<[u64; N]>);

// SAFETY: only the exports touch what is inside, under the queue's lock.
unsafe impl<const N: usize> Sync for Raw<N> {}

impl<const N: usize> Raw<N> {
    const fn filled(word: u64) -> Raw<N> {
        Raw(std::cell::UnsafeCell::new([word; N]))
    }

    fn at(&self) -> usize {
        self.0.get() as usize
    }
}

static QUEUE: Raw<3> = Raw::filled(0);
static READY: AtomicU32 = AtomicU32::new(0);

/// Waits as code does that adds an entry by hand, one whose links hold garbage.
extern "C" fn waits_by_hand(_: usize) -> i32 {
    let entry = Raw::<5>::filled(0x5a5a_5a5a_5a5a_5a5a);
    let current = kthreads_base::with_current(|kernel: &kthreads_kernel::Kernel, _| {
        kernel.cx().task.address() as u64
    });
    // SAFETY: the entry is this thread's own: flags, private, func (init_waitqueue_entry).
    unsafe {
        let words = entry.at() as *mut u64;
        words.write(0);
        words.add(1).write(current);
        words.add(2).write(address("default_wake_function") as u64);
    }
    call!("add_wait_queue"(QUEUE.at() => usize, entry.at() => usize));
    READY.fetch_add(1, Ordering::SeqCst);
    while READY.load(Ordering::SeqCst) < 10 {
        call!("schedule_timeout"(i64::MAX => i64) -> i64);
    }
    call!("remove_wait_queue"(QUEUE.at() => usize, entry.at() => usize));
    1
}

/// Waits with the queue's lock held between the test and the sleep.
extern "C" fn waits_with_the_lock(_: usize) -> i32 {
    let entry = Raw::<5>::filled(0);
    call!("init_wait_entry"(entry.at() => usize, 0 => i32));
    call!("_raw_spin_lock_irq"(QUEUE.at() => usize));
    READY.fetch_add(1, Ordering::SeqCst);
    let mut result = 0;
    while READY.load(Ordering::SeqCst) < 10 && result == 0 {
        result = call!("do_wait_intr_irq"(QUEUE.at() => usize, entry.at() => usize) -> i64);
    }
    call!("_raw_spin_unlock_irq"(QUEUE.at() => usize));
    call!("finish_wait"(QUEUE.at() => usize, entry.at() => usize));
    2 + result as i32
}

fn start(function: extern "C" fn(usize) -> i32, cx: &Cx<'_>) -> usize {
    let fmt = c("waiter");
    let task = call!("kthread_create_on_node"(
        function => extern "C" fn(usize) -> i32, 0 => usize, -1 => i32,
        fmt.as_ptr() => Text;) -> usize);
    call!("get_task_struct"(task => usize) -> usize);
    call!("wake_up_process"(task => usize) -> i32);
    cx.kernel.msleep(cx, 5);
    task
}

#[test]
fn wait_queues_wake_entries_of_every_kind() {
    boot(2).enter(|cx| {
        call!("__init_waitqueue_head"(QUEUE.at() => usize, 0 => usize, 0 => usize));
        let by_hand = start(waits_by_hand, cx);
        let locked = start(waits_with_the_lock, cx);
        assert_eq!(READY.load(Ordering::SeqCst), 2);
        let wake =
            || call!("__wake_up"(QUEUE.at() => usize, 3 => u32, 0 => i32, 0 => usize) -> i32);
        wake();
        cx.kernel.msleep(cx, 5);
        READY.store(10, Ordering::SeqCst);
        wake();
        for (task, result) in [(by_hand, 1), (locked, 2)] {
            assert_eq!(call!("kthread_stop"(task => usize) -> i32), result);
            call!("put_task_struct"(task => usize));
        }
        assert_eq!(cx.kernel.bug_count(), 0, "{}", log_of(cx));
    });
}

#[test]
fn workers_are_made_flushed_and_freed() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    extern "C" fn run(_: &kthreads_kernel::kthread::Work) {
        RUNS.fetch_add(1, Ordering::SeqCst);
    }
    boot(2).enter(|cx| {
        let fmt = c("worker-%s");
        let name = c("a");
        let worker = call!("kthread_create_worker_on_cpu"(
            1 => i32, 0 => u32, fmt.as_ptr() => Text; name.as_ptr() => Text) -> usize);
        let work = Box::pin(kthreads_kernel::kthread::Work::new());
        work.as_ref().init(run);
        let place = &raw const *work as usize;
        assert!(call!("kthread_queue_work"(worker => usize, place => usize) -> bool));
        call!("kthread_flush_worker"(worker => usize));
        assert_eq!(RUNS.load(Ordering::SeqCst), 1);
        let names: Vec<_> = cx.kernel.all_tasks().iter().map(|task| task.full_name()).collect();
        assert!(names.iter().any(|name| name == "worker-a"), "{names:?}");
        call!("kthread_destroy_worker"(worker => usize));
        kfree(worker);
        assert_eq!(cx.kernel.bug_count(), 1);
        assert!(log_of(cx).contains("which was freed before"));
    });
}

#[test]
fn warnings_name_their_place_and_bugs_end_the_thread() {
    extern "C" fn bug(_: usize) -> i32 {
        call!("__bug_at"(c("dir/x.c").as_ptr() => Text, 9 => i32, c("f").as_ptr() => Text));
        5
    }
    boot(1).enter(|cx| {
        let (file, function, fmt) = (c("dir/x.c"), c("f"), c("it is %d\n"));
        call!("__warn_at"(
            file.as_ptr() => Text, 7 => i32, function.as_ptr() => Text, fmt.as_ptr() => Text;
            42 => i32));
        let task = start(bug, cx);
        assert_eq!(call!("kthread_stop"(task => usize) -> i32), 11);
        let log = log_of(cx);
        let pid = cx.task.pid();
        let warning = format!("it is 42\nWARNING: CPU: 0 PID: {pid} at dir/x.c:7 f\n");
        assert!(log.contains(&warning), "{log}");
        assert!(log.contains("kernel BUG at dir/x.c:9!\n"), "{log}");
        assert_eq!(cx.kernel.bug_count(), 2);
    });
}
