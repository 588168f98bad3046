//! Scheduling, sleeping, priorities and affinity.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

use kthreads_kernel::sched::Policy;
use kthreads_kernel::sync::{Completion, SpinLock};
use kthreads_kernel::task::state::*;
use kthreads_kernel::time::{MAX_SCHEDULE_TIMEOUT, Timer};
use kthreads_kernel::{Cx, Errno, Kernel};

use super::{Case, Count, task_of, until, until_state};

pub(super) const CASES: &[Case] = &[
    Case { name: "schedule_timeout returns what is left", run: schedule_timeout },
    Case { name: "msleep sleeps at least as long, whoever wakes it", run: msleep },
    Case { name: "a thread starts with policy normal and nice 0 on all CPUs", run: defaults },
    Case { name: "nice values out of range are ignored", run: nice },
    Case { name: "real-time threads run before fair ones, high before low", run: priorities },
    Case { name: "who has more priority runs before its wake-up returns", run: preempts },
    Case { name: "kthread_bind binds and marks", run: bind },
    Case { name: "a mask moves a running thread", run: affinity },
    Case { name: "busy threads share a CPU", run: share },
    Case { name: "a thread woken from another CPU gets its turn", run: remote_turn },
    Case { name: "a busy delay lasts as long as asked and lets others run", run: delay },
    Case { name: "jiffies follow the clock", run: jiffies },
    Case { name: "timers keep their order across CPUs", run: timers },
];

fn schedule_timeout(cx: &Cx<'_>) {
    let timeout = |jiffies, state| cx.kernel.schedule_timeout_state(cx, jiffies, state);
    assert_eq!(timeout(2, TASK_INTERRUPTIBLE), 0);
    assert_eq!(cx.task.state(), TASK_RUNNING);
    assert!(timeout(1000, TASK_RUNNING) >= 900);
    let before = cx.kernel.bug_count();
    assert_eq!(timeout(-1, TASK_INTERRUPTIBLE), 0);
    assert_eq!(cx.kernel.bug_count(), before + 1);
    let thread = cx.spawn("woken", |cx| {
        let never = MAX_SCHEDULE_TIMEOUT.0 as i64;
        let left = cx.kernel.schedule_timeout_state(cx, 250_000, TASK_UNINTERRUPTIBLE);
        (left, cx.kernel.schedule_timeout_state(cx, never, TASK_UNINTERRUPTIBLE) == never)
    });
    let thread = thread.expect("a thread");
    for _ in 0..2 {
        cx.sleep(20);
        until_state(cx, task_of(cx, &thread), TASK_UNINTERRUPTIBLE);
        assert!(thread.wake(cx));
    }
    until(cx, || !thread.is_alive(cx));
    let (left, for_ever) = thread.stop(cx).expect("it ran");
    assert!(left > 1000 && left <= 250_000 && for_ever, "{left}");
}

fn msleep(cx: &Cx<'_>) {
    let thread = cx.spawn("sleeps", |cx| {
        let before = cx.now();
        cx.sleep(100);
        cx.now() - before
    });
    let thread = thread.expect("a thread");
    for _ in 0..5 {
        cx.sleep(8);
        thread.wake(cx);
    }
    until(cx, || !thread.is_alive(cx));
    assert!(thread.stop(cx).expect("it ran").0 >= 100_000_000);
}

fn defaults(cx: &Cx<'_>) {
    cx.kernel.set_user_nice(cx.task.get_ref(), 7);
    let thread = cx.spawn("plain", |cx| {
        let head = &cx.task.head;
        let policy = (head.policy.load(Relaxed), head.rt_priority.load(Relaxed));
        (policy, cx.task.nice(), head.cpus_mask.load(Relaxed), cx.task.flags())
    });
    let thread = thread.expect("a thread");
    until(cx, || !thread.is_alive(cx));
    let flags = PF_KTHREAD | PF_NOFREEZE | PF_FORKNOEXEC;
    let expected = ((SCHED_NORMAL, 0), 0, cx.kernel.all_cpus(), flags);
    assert_eq!(thread.stop(cx), Ok(expected));
}

fn nice(cx: &Cx<'_>) {
    let task = cx.task.get_ref();
    for (set, expected) in [(19, 19), (20, 19), (-20, -20), (-21, -20), (5, 5)] {
        cx.kernel.set_user_nice(task, set);
        assert_eq!(task.nice(), expected);
    }
    let wrong = cx.kernel.set_policy(task, Policy::Fifo(100));
    assert_eq!(wrong, Err(Errno::EINVAL));
}

fn priorities(cx: &Cx<'_>) {
    let order = Arc::new(SpinLock::new(Vec::new()));
    let policies = [Policy::Normal, Policy::Fifo(10), Policy::Fifo(60), Policy::Normal];
    // From a thread that none of them preempts, so that all wait when it sleeps.
    let theirs = order.clone();
    let starter = cx.create("starter", move |cx| {
        let create = |(nth, policy)| {
            let order = theirs.clone();
            let body = move |_: &Cx<'_>| order.lock().push(nth);
            cx.create("runner", body).expect("a thread").bind(cx, 0).policy(cx, policy)
        };
        // All are made before any is woken: making one gives the CPU away.
        let threads: Vec<_> = policies.into_iter().enumerate().map(create).collect();
        for thread in threads {
            thread.wake(cx);
        }
    });
    let starter = starter.expect("a thread").bind(cx, 0).policy(cx, Policy::Fifo(99)).wake(cx);
    until(cx, || order.lock().len() == 4);
    let order = order.lock().clone();
    assert_eq!(order[..2], [2, 1]);
    let _ = starter.stop(cx);
}

fn preempts(cx: &Cx<'_>) {
    assert_eq!(cx.kernel.set_cpus_allowed(cx.task.get_ref(), 1), Ok(()));
    let (begun, passed) = (Count::default(), Count::default());
    let balls = Arc::new(Completion::new());
    let theirs = (begun.clone(), passed.clone(), balls.clone());
    let thread = cx.create("urgent", move |cx| {
        theirs.0.add();
        for _ in 0..100 {
            theirs.2.wait(cx);
            theirs.1.add();
        }
    });
    let thread = thread.expect("a thread").bind(cx, 0).policy(cx, Policy::Fifo(50)).wake(cx);
    assert_eq!(begun.get(), 1);
    for round in 1..=100 {
        balls.complete(cx);
        assert_eq!(passed.get(), round);
    }
    assert!(matches!(thread.stop(cx), Ok(())));
}

fn bind(cx: &Cx<'_>) {
    let last = cx.kernel.nr_cpus() - 1;
    let thread = cx.create("bound", move |cx| {
        (0..50).all(|_| {
            cx.yield_now();
            cx.cpu() == last
        })
    });
    let thread = thread.expect("a thread").bind(cx, last).wake(cx);
    let task = cx.kernel.find_task(thread.pid());
    if let Some(task) = task {
        assert_ne!(task.flags() & PF_NO_SETAFFINITY, 0);
    }
    until(cx, || !thread.is_alive(cx));
    assert_eq!(thread.stop(cx), Ok(true));
    // Once it runs it cannot be bound.
    let thread = cx.spawn("free", |cx| cx.sleep_until_stopped()).expect("a thread");
    cx.sleep(20);
    let before = cx.kernel.bug_count();
    cx.kernel.kthread_bind(cx, task_of(cx, &thread), 0);
    assert_eq!(cx.kernel.bug_count(), before + 1);
    assert_eq!(task_of(cx, &thread).flags() & PF_NO_SETAFFINITY, 0);
    assert_eq!(thread.stop(cx), Ok(()));
}

fn affinity(cx: &Cx<'_>) {
    let thread = cx.spawn("moved", |cx| {
        while !cx.should_stop() {
            cx.yield_now();
        }
    });
    let thread = thread.expect("a thread");
    cx.sleep(8);
    for round in 0..20 {
        let cpu = round % cx.kernel.nr_cpus();
        let task = task_of(cx, &thread);
        assert_eq!(cx.kernel.set_cpus_allowed(task, 1 << cpu), Ok(()));
        until(cx, || task.head.cpu() == cpu);
    }
    let task = task_of(cx, &thread);
    assert_eq!(cx.kernel.set_cpus_allowed(task, 1 << 63), Err(Errno::EINVAL));
    assert_eq!(thread.stop(cx), Ok(()));
}

fn share(cx: &Cx<'_>) {
    let counts = [Count::default(), Count::default(), Count::default()];
    let threads: Vec<_> = counts
        .iter()
        .map(|count| {
            let count = count.clone();
            let body = move |cx: &Cx<'_>| {
                while !cx.should_stop() {
                    count.add();
                    cx.cond_resched();
                }
            };
            cx.create("busy", body).expect("a thread").bind(cx, 0).wake(cx)
        })
        .collect();
    until(cx, || counts.iter().all(|count| count.get() > 100));
    for thread in threads {
        assert!(matches!(thread.stop(cx), Ok(()) | Err(Errno::EINTR)));
    }
}

fn remote_turn(cx: &Cx<'_>) {
    let last = cx.kernel.nr_cpus() - 1;
    assert_eq!(cx.kernel.set_cpus_allowed(cx.task.get_ref(), 1), Ok(()));
    let (rounds, ran) = (Count::default(), Count::default());
    let theirs = rounds.clone();
    let busy = cx.create("busy", move |cx| {
        while !cx.should_stop() {
            theirs.add();
            cx.cond_resched();
        }
    });
    let busy = busy.expect("a thread").bind(cx, last).wake(cx);
    until(cx, || rounds.get() > 0);
    let theirs = ran.clone();
    let waits = cx.create("waits", move |_| theirs.add()).expect("a thread");
    let waits = waits.bind(cx, last).wake(cx);
    until(cx, || ran.get() == 1);
    assert!(matches!(busy.stop(cx), Ok(())));
    assert!(waits.stop(cx).is_ok());
}

fn delay(cx: &Cx<'_>) {
    let (begun, ran) = (Count::default(), Count::default());
    let theirs = (begun.clone(), ran.clone());
    let thread = cx.create("delays", move |cx| {
        let start = cx.now();
        theirs.0.add();
        cx.kernel.delay(cx, kthreads_base::Nanos::from_millis(40));
        let spent = cx.now() - start;
        // It gives the CPU away in nothing but its delays.
        while theirs.1.get() == 0 {
            cx.kernel.delay(cx, kthreads_base::Nanos::from_millis(4));
        }
        spent
    });
    let thread = thread.expect("a thread").bind(cx, 0).wake(cx);
    until(cx, || begun.get() == 1);
    let other = cx.create("other", move |_| ran.add()).expect("a thread");
    let other = other.bind(cx, 0).wake(cx);
    until(cx, || !thread.is_alive(cx));
    assert!(thread.stop(cx).expect("it ran").0 >= 40_000_000);
    assert!(other.stop(cx).is_ok());
}

fn jiffies(cx: &Cx<'_>) {
    let (jiffies, time) = (cx.kernel.jiffies(), cx.now());
    cx.sleep(200);
    let passed = cx.kernel.jiffies().ticks_since(jiffies);
    let expected = ((cx.now() - time).0 / 4_000_000) as i64;
    assert!(passed >= 50 && (passed - expected).abs() <= 1, "{passed} {expected}");
}

fn timers(cx: &Cx<'_>) {
    extern "C" fn ring(timer: &Timer) {
        kthreads_base::with_current(|kernel: &Kernel, _| {
            assert!(kernel.cx().in_interrupt());
            timer.set_data(kernel.jiffies().0);
        });
    }
    let timers: Vec<_> = (0..20).map(|_| Box::pin(Timer::new())).collect();
    let start = cx.kernel.here();
    for (nth, timer) in timers.iter().enumerate() {
        timer.init(ring, 0, start.cpu);
        let expires = kthreads_kernel::time::Jiffies(start.now.0 + (nth as u64 * 7) % 20);
        assert!(!cx.kernel.mod_timer(timer.as_ref(), expires));
    }
    assert!(cx.kernel.del_timer(&timers[19]));
    assert!(!cx.kernel.del_timer(&timers[19]));
    // A timer is not pending any more before its function runs.
    until(cx, || timers[..19].iter().all(|timer| timer.data() != 0));
    for (nth, timer) in timers[..19].iter().enumerate() {
        let late = timer.data() as i64 - (start.now.0 + (nth as u64 * 7) % 20) as i64;
        assert!(late >= 0, "timer {nth} rang {late} jiffies late");
    }
    assert_eq!(timers[19].data(), 0);
}
