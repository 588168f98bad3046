//! Rings of threads that hand a token on, each by another way to wait and wake.
//!
//! A wake-up that is lost stops its ring for good; one too many lets two threads hold the token.

use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kthreads_base::{Nanos, SpinLock};
use kthreads_kernel::Cx;
use kthreads_kernel::sync::WaitQueue;
use kthreads_kernel::task::TaskId;
use kthreads_kernel::task::state::{TASK_RUNNING, TASK_UNINTERRUPTIBLE};
use kthreads_kernel::thread::{NewThread, Thread};
use kthreads_kernel::wait::{Completion, Limit, Semaphore};

use super::hecklers::heckled;
use super::registers::{Forced, hold_registers};
use super::{PATIENCE, must};

/// How many threads sit in a ring.
const SEATS: usize = 8;

/// How the token is waited for and handed on.
#[derive(Clone, Copy, Debug)]
enum Way {
    Queue,
    Completion,
    Semaphore,
    State,
}

const WAYS: [Way; 4] = [Way::Queue, Way::Completion, Way::Semaphore, Way::State];

/// Whether the threads of a ring stay where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Each on a CPU of its own, as far as there are any: every hand-off crosses.
    Bound,
    /// Wherever the scheduler puts them.
    Free,
}

/// What came of [`rings`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rings {
    /// How often a token changed hands.
    pub hand_offs: u64,
    /// How often a thread's CPU was taken away.
    pub preemptions: u64,
    /// How often a thread came in between that wanted the CPU for a moment.
    pub interruptions: u64,
    /// How often all registers were found as they were left.
    pub patterns_held: u64,
}

struct Seat {
    completion: Completion,
    semaphore: Semaphore,
    is_mine: AtomicBool,
    task: SpinLock<Option<TaskId>>,
}

struct Ring {
    way: Way,
    place: Place,
    /// How often the token was handed on; it lies at this seat, modulo their number.
    token: AtomicU64,
    is_over: AtomicBool,
    queue: WaitQueue,
    seats: [Seat; SEATS],
}

/// Lets 64 threads, in eight rings across all CPUs, hand tokens on for `span`, beside one thread
/// per CPU that never rests and keeps a pattern in all registers.
///
/// # Panics
///
/// When a token or a register's content was lost.
pub fn rings(cx: &Cx<'_>, span: Nanos, forced: Forced) -> Rings {
    let (seen, interruptions) = heckled(cx, || turn_rings(cx, span, forced));
    Rings { interruptions, ..seen }
}

fn turn_rings(cx: &Cx<'_>, span: Nanos, forced: Forced) -> Rings {
    let places = [Place::Bound, Place::Free];
    let rings: Vec<_> = places
        .into_iter()
        .flat_map(|place| WAYS.map(|way| Arc::new(Ring::new(way, place))))
        .collect();
    let holders = start_holders(cx, forced);
    // All are made before any is woken: the first hand-off may go to the last.
    let new: Vec<_> = rings.iter().map(|ring| ring.seat_threads(cx)).collect();
    let tasks: Vec<_> = new.iter().flatten().map(NewThread::id).collect();
    rings.iter().for_each(|ring| ring.give(cx, 0));
    let sitting: Vec<Vec<_>> =
        new.into_iter().map(|ring| ring.into_iter().map(|new| new.wake(cx)).collect()).collect();
    watch(cx, &rings, span);
    let preemptions = tasks.iter().map(|task| preemptions_of(cx, *task)).sum::<u64>();
    let hand_offs = rings.iter().zip(sitting).map(|(ring, threads)| ring.end(cx, threads)).sum();
    let (patterns_held, more) = end_holders(cx, holders);
    Rings { hand_offs, preemptions: preemptions + more, patterns_held, interruptions: 0 }
}

/// Sees to it that every token keeps moving.
fn watch(cx: &Cx<'_>, rings: &[Arc<Ring>], span: Nanos) {
    let end = cx.now() + span;
    let mut last: Vec<_> = rings.iter().map(|_| (0, cx.now())).collect();
    while cx.now() < end {
        cx.sleep(200);
        for (ring, last) in rings.iter().zip(&mut last) {
            let (token, now) = (ring.token.load(Ordering::Relaxed), cx.now());
            if token != last.0 {
                *last = (token, now);
            }
            assert!(now < last.1 + PATIENCE, "{} stands still: lost wake-up", ring.name());
        }
    }
}

fn preemptions_of(cx: &Cx<'_>, task: TaskId) -> u64 {
    cx.kernel.hold_task(task).map_or(0, |task| task.head.nivcsw.load(Ordering::Relaxed))
}

type Holders = Vec<(TaskId, Thread<u64>)>;

fn start_holders(cx: &Cx<'_>, forced: Forced) -> Holders {
    let start = |cpu| {
        let new = cx.create("holder", move |cx| hold_registers(cx, forced)).expect("a thread");
        let new = new.bind(cx, cpu);
        (new.id(), new.wake(cx))
    };
    (0..cx.kernel.nr_cpus()).map(start).collect()
}

/// Returns how many patterns were held, and how often a holder was preempted.
fn end_holders(cx: &Cx<'_>, holders: Holders) -> (u64, u64) {
    let preemptions = holders.iter().map(|(task, _)| preemptions_of(cx, *task)).sum();
    let held = holders.into_iter().map(|(_, thread)| thread.stop(cx).expect("it ran")).sum();
    (held, preemptions)
}

impl Ring {
    fn new(way: Way, place: Place) -> Ring {
        let seat = || Seat {
            completion: Completion::new(),
            semaphore: Semaphore::new(0),
            is_mine: AtomicBool::new(false),
            task: SpinLock::new(None),
        };
        Ring {
            way,
            place,
            token: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            queue: WaitQueue::new(),
            seats: core::array::from_fn(|_| seat()),
        }
    }

    fn name(&self) -> alloc::string::String {
        let token = self.token.load(Ordering::Relaxed);
        format!("the ring {:?}/{:?} at hand-off {token}", self.way, self.place)
    }

    fn seat_threads<'k>(self: &Arc<Self>, cx: &Cx<'k>) -> Vec<NewThread<'k, u64>> {
        let seat_thread = |seat: usize| {
            let ring = self.clone();
            let new = cx.create("ring", move |cx| ring.sit(cx, seat)).expect("a thread");
            *self.seats[seat].task.lock() = Some(new.id());
            match self.place {
                Place::Bound => new.bind(cx, seat as u32 % cx.kernel.nr_cpus()),
                Place::Free => new,
            }
        };
        (0..SEATS).map(seat_thread).collect()
    }

    /// What each thread does; returns how often it had the token.
    fn sit(&self, cx: &Cx<'_>, seat: usize) -> u64 {
        let mut had = 0;
        loop {
            self.wait(cx, seat);
            let token = self.token.load(Ordering::Relaxed);
            assert_eq!(token as usize % SEATS, seat, "{}: two threads have it", self.name());
            if token.is_multiple_of(16) {
                work(token);
            }
            // Read while the token is here: whoever gets it next sees the end too.
            let is_over = self.is_over.load(Ordering::SeqCst);
            had += 1;
            let next = self.token.fetch_add(1, Ordering::SeqCst) + 1;
            self.give(cx, next as usize % SEATS);
            if is_over {
                return had;
            }
        }
    }

    fn wait(&self, cx: &Cx<'_>, seat: usize) {
        let mine = &self.seats[seat];
        match self.way {
            Way::Queue => self.queue.wait(cx, || {
                let token = self.token.load(Ordering::SeqCst);
                (token as usize % SEATS == seat).then_some(())
            }),
            Way::Completion => mine.completion.wait(cx),
            Way::Semaphore => {
                let state = TASK_UNINTERRUPTIBLE;
                cx.kernel.down(cx, &mine.semaphore, state, Limit::Never).expect("no signal");
            }
            Way::State => {
                loop {
                    cx.task.set_state(TASK_UNINTERRUPTIBLE);
                    if mine.is_mine.swap(false, Ordering::SeqCst) {
                        break;
                    }
                    cx.kernel.schedule(cx);
                }
                cx.task.set_state(TASK_RUNNING);
            }
        }
    }

    /// Lets the thread at `seat` have the token, which is there.
    fn give(&self, cx: &Cx<'_>, seat: usize) {
        let next = &self.seats[seat];
        match self.way {
            Way::Queue => self.queue.wake_all(cx),
            Way::Completion => next.completion.complete(cx),
            Way::Semaphore => cx.kernel.up(&next.semaphore),
            Way::State => {
                next.is_mine.store(true, Ordering::SeqCst);
                let task = *next.task.lock();
                // At the end the first thread may be gone when the last hands on.
                if let Some(task) = task.and_then(|id| cx.kernel.hold_task(id)) {
                    cx.kernel.wake_up_process(&task);
                }
            }
        }
    }

    /// Lets every thread have the token once more; returns how often it changed hands.
    fn end(&self, cx: &Cx<'_>, threads: Vec<Thread<u64>>) -> u64 {
        self.is_over.store(true, Ordering::SeqCst);
        let is_ended = || threads.iter().all(|thread| !thread.is_alive(cx));
        must(cx, &format!("the end of {}", self.name()), is_ended);
        let had: u64 = threads.into_iter().map(|thread| thread.join(cx).expect("it ended")).sum();
        assert_eq!(had, self.token.load(Ordering::SeqCst), "{}", self.name());
        had
    }
}

/// Some ordinary work that allocates and computes, for interrupts to come in.
fn work(number: u64) {
    let text = (number * 0x1_0001).to_string();
    assert_eq!(text.parse(), Ok(number * 0x1_0001));
}
