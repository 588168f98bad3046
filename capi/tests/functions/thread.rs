//! Threads of C: made, woken, waiting, stopped, killed.

use std::sync::atomic::{AtomicU32, Ordering};

use kthreads_kernel::Cx;
use kthreads_kernel::wait::Completion;

use crate::common::{Text, address, boot, c, kfree, log_of};

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
