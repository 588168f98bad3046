//! What all drivers and their threads of one round share, and what is counted about it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kthreads_kernel::Cx;
use kthreads_kernel::sync::{Completion, Mutex, SpinLock, WaitQueue};
use kthreads_kernel::task::TaskId;
use kthreads_kernel::thread::TaskGuard;

use crate::journal::Journal;
use crate::works::Bench;

/// How many completions there are.
pub(crate) const COMPLETIONS: usize = 4;
/// How many threads can be named to those who do something to any thread.
const NAMED: usize = 64;
const ORDER: Ordering = Ordering::SeqCst;

/// Tokens that go in at one end and out at the other.
#[derive(Default)]
pub(crate) struct Tokens {
    pub(crate) given: AtomicU64,
    pub(crate) taken: AtomicU64,
}

impl Tokens {
    pub(crate) fn give(&self, count: u64) {
        self.given.fetch_add(count, ORDER);
    }

    pub(crate) fn take(&self) {
        self.taken.fetch_add(1, ORDER);
    }

    /// How many have been given and not been taken.
    pub(crate) fn left(&self) -> i64 {
        self.given.load(ORDER) as i64 - self.taken.load(ORDER) as i64
    }
}

/// A number under a lock, and how often it was to be raised.
#[derive(Default)]
pub(crate) struct Raised {
    pub(crate) count: AtomicU64,
}

/// All of it.
pub(crate) struct Shared {
    pub(crate) journal: Arc<Journal>,
    named: SpinLock<Vec<TaskId>>,
    completions: [(Completion, Tokens); COMPLETIONS],
    queue: WaitQueue,
    items: AtomicU64,
    pub(crate) traded: Tokens,
    pub(crate) mutex: Mutex<u64>,
    pub(crate) spin: SpinLock<u64>,
    pub(crate) raised: [Raised; 2],
    /// Threads whose function began, and whose function came to its end.
    pub(crate) began: AtomicU64,
    pub(crate) ended: AtomicU64,
    /// A worker that everybody uses.
    bench: Option<Bench>,
}

impl Shared {
    /// What a round begins with.
    pub(crate) fn new(cx: &Cx<'_>, journal: Arc<Journal>) -> Shared {
        let bench = Bench::new(cx, "shared").expect("a first worker");
        for _ in 0..4 {
            bench.add(cx);
        }
        Shared {
            journal,
            named: SpinLock::new(Vec::with_capacity(NAMED)),
            completions: Default::default(),
            queue: WaitQueue::new(),
            items: AtomicU64::new(0),
            traded: Tokens::default(),
            mutex: Mutex::new(0),
            spin: SpinLock::new(0),
            raised: Default::default(),
            began: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            bench: Some(bench),
        }
    }

    /// The worker that everybody uses.
    pub(crate) fn bench(&self) -> Option<&Bench> {
        self.bench.as_ref()
    }

    /// Takes that worker, at the end.
    pub(crate) fn take_bench(&mut self) -> Option<Bench> {
        self.bench.take()
    }

    /// Lets others do something to a thread.
    pub(crate) fn name(&self, id: TaskId, which: u64) {
        let mut named = self.named.lock();
        if named.len() < NAMED {
            named.push(id);
        } else {
            named[which as usize % NAMED] = id;
        }
    }

    /// Some thread of anybody's, if it is still there.
    pub(crate) fn any<'k>(&self, cx: &Cx<'k>, which: u64) -> Option<TaskGuard<'k>> {
        let named = self.named.lock();
        let id = *named.get(which as usize % named.len().max(1))?;
        drop(named);
        cx.kernel.hold_task(id)
    }

    /// Completes something.
    pub(crate) fn complete(&self, cx: &Cx<'_>, which: u64) {
        let (completion, tokens) = &self.completions[which as usize % COMPLETIONS];
        tokens.give(1);
        completion.complete(cx);
    }

    /// Waits for something for at most so long.
    pub(crate) fn await_completion(&self, cx: &Cx<'_>, which: u64, ms: u32) {
        let (completion, tokens) = &self.completions[which as usize % COMPLETIONS];
        let passed = match ms {
            0 => completion.try_wait(cx),
            _ => completion.wait_timeout(cx, ms).is_ok(),
        };
        if passed {
            tokens.take();
        }
    }

    /// Puts items where others wait for them.
    pub(crate) fn produce(&self, cx: &Cx<'_>, count: u64) {
        self.traded.give(count);
        self.items.fetch_add(count, ORDER);
        self.queue.wake_all(cx);
    }

    /// Waits for an item for at most so long.
    pub(crate) fn consume(&self, cx: &Cx<'_>, ms: u32) {
        let take = || {
            let one_less = |items: u64| items.checked_sub(1);
            self.items.fetch_update(ORDER, ORDER, one_less).ok()
        };
        if self.queue.wait_interruptible_timeout(cx, ms, take).is_ok() {
            self.traded.take();
        }
    }

    /// Raises the number under the mutex, or that under the spin lock.
    pub(crate) fn raise_under_mutex(&self, cx: &Cx<'_>) {
        let mut number = self.mutex.lock(cx);
        let seen = *number;
        cx.yield_now();
        *number = seen + 1;
        drop(number);
        self.raised[0].count.fetch_add(1, ORDER);
    }

    /// As above.
    pub(crate) fn raise_under_spin_lock(&self) {
        *self.spin.lock() += 1;
        self.raised[1].count.fetch_add(1, ORDER);
    }

    /// Takes what is left of all tokens; what does not add up then. Nobody else runs.
    pub(crate) fn drain(&self, cx: &Cx<'_>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (number, (completion, tokens)) in self.completions.iter().enumerate() {
            while completion.try_wait(cx) {
                tokens.take();
            }
            if tokens.left() != 0 {
                wrong.push(format!("completion {number}: {} tokens lost", tokens.left()));
            }
        }
        let (items, left) = (self.items.load(ORDER) as i64, self.traded.left());
        if items != left {
            wrong.push(format!("{items} items are left of {left}"));
        }
        let numbers = [*self.mutex.lock(cx), *self.spin.lock()];
        for (number, raised) in numbers.into_iter().zip(&self.raised) {
            let count = raised.count.load(ORDER);
            if number != count {
                wrong.push(format!("a number under a lock is {number}, was raised {count} times"));
            }
        }
        let (began, ended) = (self.began.load(ORDER), self.ended.load(ORDER));
        if began != ended {
            wrong.push(format!("{began} threads began and {ended} came to their ends"));
        }
        wrong
    }
}
