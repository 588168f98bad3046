//! The kernel on the host machine: making, waking, waiting, stopping.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kthreads_base::{SpinLock, current_head};
use kthreads_host::{Clock, HostConfig, HostMachine};
use kthreads_kernel::wait::{Completion, Limit};
use kthreads_kernel::{Booted, Config, Cx, Kernel};

fn boot(cpus: u32, clock: Clock) -> Booted {
    let config = HostConfig { cpus, clock, ..HostConfig::default() };
    let machine = HostMachine::new(config).expect("a machine");
    Kernel::boot(machine, Config::default()).expect("a kernel")
}

fn spawn<'k>(
    cx: &Cx<'k>,
    name: &str,
    body: impl FnOnce(&Cx<'_>) -> i32 + Send + 'static,
) -> &'k kthreads_kernel::task::Task {
    let task = cx.kernel.kthread_create_rust(cx, name, Box::new(body)).expect("a thread");
    cx.kernel.wake_up_process(task);
    task
}

fn until_stopped(cx: &Cx<'_>) -> i32 {
    loop {
        cx.task.set_state(kthreads_kernel::task::state::TASK_INTERRUPTIBLE);
        if cx.kernel.kthread_should_stop(cx) {
            break;
        }
        cx.kernel.schedule(cx);
    }
    cx.task.set_state(0);
    7
}

#[test]
fn enter_returns_what_the_closure_returns() {
    for clock in [Clock::Real, Clock::FastForward] {
        let kernel = boot(2, clock);
        assert_eq!(kernel.enter(|cx| cx.task.comm().as_str().to_owned()), "host");
        assert_eq!(kernel.kthreadd().pid(), 2);
        assert_eq!(kernel.init_task().pid(), 1);
    }
}

#[test]
fn a_thread_is_created_and_stopped() {
    for cpus in [1, 2, 8] {
        let kernel = boot(cpus, Clock::Real);
        let result = kernel.enter(|cx| {
            let mut sum = 0;
            for _ in 0..1000 {
                let task = spawn(cx, "t", until_stopped);
                sum += match cx.kernel.kthread_stop(cx, task) {
                    7 | -4 => 1,
                    other => panic!("kthread_stop returned {other}"),
                };
            }
            sum
        });
        assert_eq!(result, 1000);
    }
}

#[test]
fn completions_ping_pong() {
    for cpus in [1, 2, 4] {
        let kernel = boot(cpus, Clock::Real);
        kernel.enter(|cx| {
            let balls = Arc::new([Completion::new(), Completion::new()]);
            let theirs = balls.clone();
            let task = spawn(cx, "pong", move |cx| {
                for _ in 0..10_000 {
                    cx.kernel.wait_for_completion(cx, &theirs[1]);
                    cx.kernel.complete(&theirs[0]);
                }
                until_stopped(cx)
            });
            for _ in 0..10_000 {
                cx.kernel.complete(&balls[1]);
                cx.kernel.wait_for_completion(cx, &balls[0]);
            }
            assert_eq!(cx.kernel.kthread_stop(cx, task), 7);
        });
    }
}

#[test]
fn sleeping_takes_its_time() {
    for clock in [Clock::Real, Clock::FastForward] {
        let kernel = boot(2, clock);
        let (slept, left) = kernel.enter(|cx| {
            let before = cx.kernel.uptime();
            cx.kernel.msleep(cx, 50);
            cx.task.set_state(1);
            let left = cx.kernel.schedule_timeout(cx, 5);
            (cx.kernel.uptime() - before, left)
        });
        assert!(slept.0 >= 70_000_000, "{slept:?}");
        assert_eq!(left, 0);
    }
}

#[test]
fn many_threads_count_to_the_end() {
    for cpus in [1, 2, 8] {
        let kernel = boot(cpus, Clock::FastForward);
        let count = Arc::new(AtomicU32::new(0));
        kernel.enter(|cx| {
            let done = Arc::new(Completion::new());
            for nth in 0..200 {
                let (count, done) = (count.clone(), done.clone());
                spawn(cx, &format!("n{nth}"), move |cx| {
                    for _ in 0..20 {
                        count.fetch_add(1, Ordering::Relaxed);
                        if nth % 3 == 0 {
                            cx.kernel.msleep(cx, nth);
                        } else {
                            cx.kernel.yield_now(cx);
                        }
                    }
                    cx.kernel.complete(&done);
                    0
                });
            }
            for _ in 0..200 {
                cx.kernel.wait_for_completion_state(cx, &done, 2, Limit::Never);
            }
        });
        assert_eq!(count.load(Ordering::Relaxed), 4000);
    }
}

#[test]
fn events_are_recorded_once_that_is_asked_for() {
    boot(1, Clock::Real).enter(|cx| {
        let stop_one = || {
            let task = spawn(cx, "traced", until_stopped);
            cx.kernel.kthread_stop(cx, task);
            let records = cx.kernel.trace_records();
            records.iter().map(|record| record.to_string()).collect::<Vec<_>>()
        };
        assert!(stop_one().is_empty());
        cx.kernel.set_tracing(true);
        let told = stop_one();
        assert!(told[0].contains("sched_kthread_stop: comm=traced pid="), "{told:?}");
        assert!(told[1].contains("sched_kthread_stop_ret: ret="), "{told:?}");
        cx.kernel.set_tracing(false);
        assert_eq!(stop_one(), told);
    });
}

#[test]
fn a_lock_that_is_tried_in_vain_stays_held() {
    let kernel = boot(2, Clock::FastForward);
    kernel.enter(|_| {
        let lock = SpinLock::new(0);
        let held = lock.lock();
        for _ in 0..2 {
            assert!(lock.try_lock_irqs_off(current_head()).is_none());
            assert!(lock.try_lock().is_none());
        }
        drop(held);
        assert!(lock.try_lock().is_some());
    });
}

#[test]
fn no_time_is_lost_by_switching_often() {
    let kernel = boot(1, Clock::Real);
    kernel.enter(|cx| {
        let pair = [0, 1].map(|_| {
            spawn(cx, "busy", |cx| {
                while !cx.kernel.kthread_should_stop(cx) {
                    cx.kernel.yield_now(cx);
                }
                0
            })
        });
        let times = |cx: &Cx<'_>| {
            let spent: u64 = pair.iter().map(|task| cx.kernel.cpu_time(task).0).sum();
            spent + cx.kernel.idle_time(0).0 + cx.kernel.cpu_time(cx.task.get_ref()).0
        };
        let (begun, before) = (cx.kernel.uptime(), times(cx));
        let (switches, shares) =
            (cx.kernel.context_switches(), pair.map(|t| cx.kernel.cpu_time(t)));
        cx.kernel.msleep(cx, 300);
        let passed = (cx.kernel.uptime() - begun).0;
        let counted = times(cx) - before;
        // What the running one has had since the last tick is not known yet.
        let ticks = 3 * 4_000_000;
        assert!(counted <= passed + ticks && passed <= counted + ticks, "{counted} of {passed}");
        assert!(cx.kernel.context_switches() - switches > 1000, "they switch often");
        for (task, before) in pair.iter().zip(shares) {
            let share = (cx.kernel.cpu_time(task) - before).0;
            assert!(share > passed / 8, "{share} of {passed}: each has its share");
        }
        for task in pair {
            cx.kernel.kthread_stop(cx, task);
        }
    });
}
