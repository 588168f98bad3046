//! Many threads, many CPUs, everything at once; what must hold afterwards is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use kthreads_host::{Clock, HostConfig, HostMachine};
use kthreads_kernel::sched::Policy;
use kthreads_kernel::sync::WaitQueue;
use kthreads_kernel::thread::Thread;
use kthreads_kernel::wait::Completion;
use kthreads_kernel::{Booted, Config, Cx, Kernel};

fn boot(cpus: u32, clock: Clock) -> Booted {
    let config = HostConfig { cpus, clock, ..HostConfig::default() };
    let machine = HostMachine::new(config).expect("a machine");
    Kernel::boot(machine, Config::default()).expect("a kernel")
}

/// A repeatable source of choices.
struct Choice(u64);

impl Choice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn beat(cx: &Cx<'_>, beats: &AtomicU64, seed: u64) -> i32 {
    let mut choice = Choice(seed);
    while !cx.should_stop() {
        beats.fetch_add(1, Ordering::Relaxed);
        match choice.below(6) {
            0 => cx.yield_now(),
            1 => {
                cx.sleep_interruptible(choice.below(8) as u32);
            }
            2 if cx.should_park() => cx.park(),
            3 => {
                cx.cond_resched();
            }
            _ => {}
        }
        if cx.should_park() {
            cx.park();
        }
    }
    1
}

fn change(cx: &Cx<'_>, thread: &Thread<i32>, choice: &mut Choice, cpus: u32) {
    let kernel = cx.kernel;
    match choice.below(7) {
        0 => {
            thread.park(cx).expect("to be parked once");
            thread.unpark(cx);
        }
        1 => {
            thread.wake(cx);
        }
        2..=3 => {
            let Some(task) = kernel.find_task(thread.pid()) else { return };
            let mask = 1 + choice.below((1 << cpus) - 1);
            kernel.set_cpus_allowed(task, mask).expect("a mask of CPUs that exist");
        }
        4 => {
            let Some(task) = kernel.find_task(thread.pid()) else { return };
            kernel.set_user_nice(task, choice.below(40) as i64 - 20);
        }
        5 => {
            let Some(task) = kernel.find_task(thread.pid()) else { return };
            let policy = [Policy::Normal, Policy::Fifo(1 + choice.below(98) as u32)];
            kernel
                .set_policy(task, policy[choice.below(4) as usize / 3])
                .expect("a legal priority");
        }
        _ => cx.yield_now(),
    }
}

#[test]
fn threads_survive_being_moved_parked_and_reprioritised() {
    for (cpus, clock) in
        [(1, Clock::FastForward), (2, Clock::Real), (4, Clock::FastForward), (8, Clock::Real)]
    {
        let kernel = boot(cpus, clock);
        let beats = Arc::new(AtomicU64::new(0));
        let shared = beats.clone();
        kernel.enter(move |cx| {
            let mut choice = Choice(0x9e37_79b9 + u64::from(cpus));
            let spawn = |seed: u64| {
                let beats = shared.clone();
                cx.spawn("beat", move |cx| beat(cx, &beats, seed)).expect("a thread")
            };
            let mut threads: Vec<_> = (1..=12).map(spawn).collect();
            for round in 0..400 {
                let nth = choice.below(threads.len() as u64) as usize;
                change(cx, &threads[nth], &mut choice, cpus);
                if round % 8 == 0 {
                    let old = std::mem::replace(&mut threads[nth], spawn(round + 100));
                    assert!(matches!(old.stop(cx), Ok(1) | Err(kthreads_kernel::Errno::EINTR)));
                }
                if round % 16 == 0 {
                    cx.sleep(1);
                }
            }
            for thread in threads {
                assert!(matches!(thread.stop(cx), Ok(1) | Err(kthreads_kernel::Errno::EINTR)));
            }
        });
        assert!(beats.load(Ordering::Relaxed) > 0);
        assert_eq!(kernel.bug_count(), 0);
    }
}

#[test]
fn no_wake_up_is_lost_in_rings_of_threads() {
    const RING: usize = 16;
    const ROUNDS: u32 = 500;
    for cpus in [1, 2, 8] {
        let kernel = boot(cpus, Clock::FastForward);
        kernel.enter(|cx| {
            let ring: Arc<Vec<Completion>> =
                Arc::new((0..RING).map(|_| Completion::new()).collect());
            let threads: Vec<_> = (0..RING)
                .map(|nth| {
                    let ring = ring.clone();
                    let body = move |cx: &Cx<'_>| {
                        for _ in 0..ROUNDS {
                            ring[nth].wait(cx);
                            ring[(nth + 1) % RING].complete(cx);
                        }
                    };
                    cx.create("ring", body).expect("a thread").bind(cx, nth as u32 % cpus).wake(cx)
                })
                .collect();
            ring[0].complete(cx);
            // The token comes back to the first after the last round.
            while threads.iter().any(|thread| thread.is_alive(cx)) {
                cx.sleep(4);
            }
        });
    }
}

#[test]
fn a_queue_of_writers_and_readers_loses_nothing() {
    for cpus in [1, 2, 4] {
        let kernel = boot(cpus, Clock::FastForward);
        let total = kernel.enter(|cx| {
            let shared = Arc::new((WaitQueue::new(), AtomicU32::new(0), AtomicU32::new(0)));
            let readers: Vec<_> = (0..4)
                .map(|_| {
                    let shared = shared.clone();
                    let body = move |cx: &Cx<'_>| {
                        let (queue, items, done) = &*shared;
                        let take = |n: u32| n.checked_sub(1);
                        let mut taken = 0;
                        loop {
                            let got = queue.wait(cx, || {
                                let order = Ordering::SeqCst;
                                match items.fetch_update(order, order, take) {
                                    Ok(_) => Some(true),
                                    Err(_) => (done.load(order) == 4).then_some(false),
                                }
                            });
                            if !got {
                                return taken;
                            }
                            taken += 1;
                        }
                    };
                    cx.spawn("reader", body).expect("a thread")
                })
                .collect();
            for _ in 0..4 {
                let shared = shared.clone();
                let body = move |cx: &Cx<'_>| {
                    let (queue, items, done) = &*shared;
                    for nth in 0..500 {
                        items.fetch_add(1, Ordering::SeqCst);
                        queue.wake_all(cx);
                        if nth % 7 == 0 {
                            cx.yield_now();
                        }
                    }
                    done.fetch_add(1, Ordering::SeqCst);
                    queue.wake_all(cx);
                };
                cx.spawn("writer", body).expect("a thread");
            }
            while readers.iter().any(|thread| thread.is_alive(cx)) {
                cx.sleep(4);
            }
            readers.into_iter().map(|reader| reader.stop(cx).expect("a count")).sum::<u32>()
        });
        assert_eq!(total, 2000);
    }
}

#[test]
fn kernels_live_side_by_side_and_leave_nothing() {
    let kernels: Vec<_> = (0..4).map(|_| boot(2, Clock::Real)).collect();
    for (nth, kernel) in kernels.iter().enumerate() {
        let name = format!("only{nth}");
        kernel
            .enter(|cx| cx.spawn(&name, |cx| cx.sleep_until_stopped()).map(drop))
            .expect("a thread");
    }
    for (nth, kernel) in kernels.iter().enumerate() {
        let names = kernel.enter(|cx| {
            let tasks = cx.kernel.all_tasks();
            tasks.iter().map(|task| task.comm().to_string()).collect::<Vec<_>>()
        });
        let mine = names.iter().filter(|name| name.starts_with("only"));
        assert!(mine.eq([&format!("only{nth}")]));
    }
}

#[test]
fn booting_and_ending_many_times_works() {
    for _ in 0..100 {
        let kernel = boot(2, Clock::FastForward);
        assert_eq!(
            kernel.enter(|cx| cx.spawn("t", |_| 3).and_then(|t| t.stop(cx)).unwrap_or(3)),
            3
        );
    }
}

#[test]
fn a_panic_stops_the_kernel_and_tells_who_waits() {
    for cpus in [1, 2, 8] {
        let kernel = boot(cpus, Clock::Real);
        let ended = kernel.try_enter_as("waits", |cx| {
            cx.spawn("panics", |cx| {
                cx.sleep(1);
                cx.kernel.panic(cx, "on purpose")
            })
            .map(drop)
            .expect("a thread");
            Completion::new().wait(cx);
        });
        assert_eq!(ended, Err(kthreads_kernel::EnterError::Ended));
        assert!(kernel.has_panicked());
        assert_eq!(kernel.try_enter_as("late", |_| ()), Err(kthreads_kernel::EnterError::Ended));
        assert_eq!(kernel.bug_count(), 1);
    }
}
