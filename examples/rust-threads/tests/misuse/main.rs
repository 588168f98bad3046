//! What happens to those who use the threads wrongly: never a hang, never the end of the program.
//! What cannot even be compiled stands in `kthreads_kernel::thread`.

mod works;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use kthreads_host::{Clock, HostConfig, HostMachine};
use kthreads_kernel::sync::{Completion, SpinLock, WaitQueue, WorkerThread};
use kthreads_kernel::thread::Thread;
use kthreads_kernel::time::Jiffies;
use kthreads_kernel::{Booted, Config, Cx, Errno, Kernel};

fn boot(cpus: u32) -> Booted {
    let config = HostConfig { cpus, clock: Clock::FastForward, ..HostConfig::default() };
    let machine = HostMachine::new(config).expect("a machine");
    Kernel::boot(machine, Config::default()).expect("a kernel")
}

/// Runs `body` in a kernel on 1, 2 and 8 CPUs.
fn on_all(body: impl Fn(&Cx<'_>) + Sync) {
    for cpus in [1, 2, 8] {
        boot(cpus).enter(&body);
    }
}

fn panics(body: impl FnOnce()) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err()
}

fn threads(cx: &Cx<'_>, name: &str) -> usize {
    cx.kernel.all_tasks().iter().filter(|task| task.comm().as_str() == name).count()
}

/// What a closure owns, to see whether it is dropped.
struct Owned(Arc<AtomicU32>);

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_new_thread_that_is_dropped_ends_and_drops_its_closure() {
    on_all(|cx| {
        let drops = Arc::new(AtomicU32::new(0));
        for _ in 0..20 {
            let owned = Owned(drops.clone());
            let new = cx.create("forgotten", move |_| drop(owned)).expect("a thread");
            assert_eq!(threads(cx, "forgotten"), 1);
            drop(new);
            while threads(cx, "forgotten") > 0 {
                cx.sleep(1);
            }
        }
        assert_eq!(drops.load(Ordering::SeqCst), 20);
    });
}

#[test]
fn a_new_thread_that_is_stopped_never_runs() {
    on_all(|cx| {
        let new = cx.create("never", |_| panic!("it ran")).expect("a thread");
        assert_eq!(new.stop(cx), Errno::EINTR);
    });
}

#[test]
fn a_handle_may_outlive_its_thread() {
    on_all(|cx| {
        let thread = cx.spawn("short", |_| 5).expect("a thread");
        while thread.is_alive(cx) {
            cx.sleep(1);
        }
        // Others take its place meanwhile.
        for _ in 0..100 {
            assert_eq!(cx.spawn("other", |_| 6).expect("a thread").join(cx), Ok(6));
        }
        assert!(!thread.wake(cx));
        assert_eq!(thread.park(cx), Err(Errno::ESRCH));
        thread.unpark(cx);
        assert_eq!(thread.stop(cx), Ok(5));
    });
}

#[test]
fn a_thread_may_outlive_its_handle() {
    on_all(|cx| {
        let (go, done) = (Arc::new(Completion::new()), Arc::new(Completion::new()));
        let theirs = (go.clone(), done.clone());
        let thread = cx.spawn("alone", move |cx| {
            theirs.0.wait(cx);
            theirs.1.complete(cx);
        });
        drop(thread);
        go.complete(cx);
        done.wait(cx);
    });
}

#[test]
fn a_panic_ends_the_thread_and_drops_what_it_owns() {
    on_all(|cx| {
        let drops = Arc::new(AtomicU32::new(0));
        let owned = Owned(drops.clone());
        let thread = cx.spawn("panics", move |_| {
            let _owned = owned;
            if std::hint::black_box(true) {
                panic!("on purpose");
            }
            7
        });
        assert_eq!(thread.expect("a thread").join(cx), Err(Errno::EINTR));
        assert_eq!(drops.load(Ordering::SeqCst), 1);
        assert_eq!(cx.kernel.bug_count(), 1);
    });
}

#[test]
fn a_stack_that_overflows_ends_the_thread() {
    fn deep(level: u32) -> u32 {
        let ballast = std::hint::black_box([level; 256]);
        if level == u32::MAX { 0 } else { deep(level + 1) + ballast[17] }
    }
    on_all(|cx| {
        let thread = cx.spawn("deep", |_| deep(0)).expect("a thread");
        assert_eq!(thread.join(cx), Err(Errno::EINTR));
        assert_eq!(cx.spawn("after", |_| 1).expect("a thread").join(cx), Ok(1));
    });
}

#[test]
fn a_big_result_goes_in_a_box() {
    on_all(|cx| {
        let thread = cx.spawn("big", |_| vec![7u8; 10_000_000].into_boxed_slice());
        assert_eq!(thread.expect("a thread").join(cx).map(|big| big.len()), Ok(10_000_000));
    });
}

#[test]
fn a_thread_that_stops_itself_is_told_so() {
    on_all(|cx| {
        type Own = Arc<Mutex<Option<Thread<()>>>>;
        let own = Own::default();
        let (theirs, ready) = (own.clone(), Arc::new(Completion::new()));
        let answer = Arc::new(Mutex::new(None));
        let told = (ready.clone(), answer.clone());
        let thread = cx.spawn("narcissus", move |cx| {
            told.0.wait(cx);
            let me = theirs.lock().expect("no panic").take().expect("a handle");
            *told.1.lock().expect("no panic") = Some((me.stop(cx), cx.should_stop()));
        });
        *own.lock().expect("no panic") = Some(thread.expect("a thread"));
        ready.complete(cx);
        while threads(cx, "narcissus") > 0 {
            cx.sleep(1);
        }
        assert_eq!(*answer.lock().expect("no panic"), Some((Err(Errno::EDEADLK), true)));
    });
}

#[test]
fn whoever_parks_a_thread_that_ends_instead_goes_on() {
    on_all(|cx| {
        for nth in 0..100 {
            let thread = cx.spawn("ends", move |cx| {
                (0..nth % 5).for_each(|_| cx.yield_now());
            });
            let parked = thread.expect("a thread").park(cx);
            // Told before its first instruction it parks, as every thread does there.
            assert!(matches!(parked, Ok(()) | Err(Errno::ENOSYS | Errno::ESRCH)), "{parked:?}");
        }
    });
}

#[test]
fn a_signal_and_a_park_do_not_end_sleep_until_stopped() {
    on_all(|cx| {
        let thread = cx.spawn("sleeper", |cx| {
            cx.allow_signal(15);
            cx.sleep_until_stopped();
            3
        });
        let thread = thread.expect("a thread");
        cx.sleep(10);
        assert_eq!(cx.kill(thread.pid(), 15), Ok(()));
        cx.sleep(60_000);
        assert_eq!(thread.park(cx), Ok(()));
        thread.unpark(cx);
        assert!(thread.is_alive(cx));
        assert_eq!(thread.stop(cx), Ok(3));
        // Nobody could stop this task.
        cx.sleep_until_stopped();
    });
}

#[test]
fn a_condition_that_panics_leaves_the_queue() {
    on_all(|cx| {
        let shared = Arc::new((WaitQueue::new(), AtomicU32::new(0)));
        let theirs = shared.clone();
        let thread = cx.spawn("waits", move |cx| {
            theirs.0.wait(cx, || match theirs.1.load(Ordering::SeqCst) {
                0 => None,
                1 => panic!("on purpose"),
                other => Some(other),
            })
        });
        while !shared.0.is_active() {
            cx.sleep(1);
        }
        shared.1.store(1, Ordering::SeqCst);
        shared.0.wake_all(cx);
        assert_eq!(thread.expect("a thread").join(cx), Err(Errno::EINTR));
        assert!(!shared.0.is_active());
        shared.0.wake_all(cx);
    });
}

#[test]
fn a_thread_that_dies_in_a_condition_does_no_harm_to_the_queue() {
    on_all(|cx| {
        let queue = Arc::new(WaitQueue::new());
        let theirs = queue.clone();
        let mut looks = 0;
        let thread = cx.spawn("dies", move |cx| {
            theirs.wait(cx, || {
                looks += 1;
                if looks == 2 {
                    cx.kernel.kthread_exit(cx, 0);
                }
                None::<()>
            });
        });
        assert_eq!(thread.expect("a thread").join(cx), Err(Errno::EINTR));
        for _ in 0..50 {
            // If the stack were used again, this would write over the entry in the queue.
            let next = cx.spawn("next", |_| std::hint::black_box([0x55u8; 24 << 10]).len());
            assert_eq!(next.expect("a thread").join(cx), Ok(24 << 10));
            queue.wake_all(cx);
        }
    });
}

#[test]
fn objects_of_one_kernel_are_refused_by_another() {
    let (first, second) = (boot(2), boot(2));
    let queue = Arc::new(WaitQueue::new());
    let (thread, other, worker, work) = first.enter(|cx| {
        queue.wake_all(cx);
        let spawn = || cx.spawn("first", |cx| cx.sleep_until_stopped()).expect("a thread");
        let worker = WorkerThread::new(cx, "worker").expect("a worker");
        let work = worker.work(cx, |_| ());
        (spawn(), spawn(), worker, work)
    });
    second.enter(|cx| {
        assert!(!thread.is_alive(cx));
        assert!(!thread.wake(cx));
        assert_eq!(thread.park(cx), Err(Errno::ESRCH));
        assert_eq!(thread.stop(cx), Err(Errno::ESRCH));
        assert_eq!(other.join(cx), Err(Errno::ESRCH));
    });
    assert!(panics(|| second.enter(|cx| queue.wake_all(cx))));
    assert!(panics(|| assert!(second.enter(|cx| work.queue(cx)))));
    drop(first);
    assert!(panics(|| second.enter(|cx| queue.wake_all(cx))));
    assert!(panics(|| second.enter(|cx| worker.flush(cx))));
}

#[test]
fn sleeping_with_a_spin_lock_held_is_reported() {
    on_all(|cx| {
        let lock = SpinLock::new(0);
        let mut held = lock.lock();
        cx.sleep(1);
        *held += 1;
        drop(held);
        assert!(cx.kernel.bug_count() > 0);
        assert_eq!(cx.spawn("after", |_| 1).expect("a thread").join(cx), Ok(1));
    });
}

#[test]
fn a_kernel_may_go_with_threads_still_there() {
    for cpus in [1, 2, 8] {
        let queue = Arc::new(WaitQueue::new());
        let kernel = boot(cpus);
        let thread = kernel.enter(|cx| {
            let theirs = queue.clone();
            let new = cx.spawn("waits", move |cx| theirs.wait(cx, || None::<u32>));
            let worker = WorkerThread::new(cx, "worker").expect("a worker");
            worker.work(cx, |_| ()).queue_after(cx, Jiffies(1000));
            cx.sleep(10);
            new.expect("a thread")
        });
        drop(kernel);
        boot(cpus).enter(|cx| assert_eq!(thread.stop(cx), Err(Errno::ESRCH)));
    }
}
