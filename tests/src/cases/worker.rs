//! kthread_worker.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kthreads_kernel::Cx;
use kthreads_kernel::sync::{SpinLock, WorkerThread};
use kthreads_kernel::task::state::TASK_UNINTERRUPTIBLE;
use kthreads_kernel::time::Jiffies;
use kthreads_kernel::wait::Completion;

use super::{Case, Count, until};

pub(super) const CASES: &[Case] = &[
    Case { name: "works run one at a time in the order they were queued", run: order },
    Case { name: "a work that waits is not queued twice, one that runs is", run: queueing },
    Case { name: "flush waits for the instance, destroy for all", run: flush },
    Case { name: "cancel says whether the work waited and waits if it runs", run: cancel },
    Case { name: "a delayed work runs after its time, and can be moved", run: delayed },
    Case { name: "a flush in the moment when a work's time comes ends", run: flush_when_due },
    Case {
        name: "a flush in the moment when a delayed work is cancelled ends",
        run: flush_cancelled,
    },
];

fn order(cx: &Cx<'_>) {
    let worker = WorkerThread::new(cx, "order").expect("a worker");
    let seen = Arc::new(SpinLock::new(Vec::new()));
    let works: Vec<_> = (0..10)
        .map(|nth| {
            let seen = seen.clone();
            worker.work(cx, move |cx| {
                cx.yield_now();
                seen.lock().push(nth);
            })
        })
        .collect();
    assert!(works.iter().all(|work| work.queue(cx)));
    worker.flush(cx);
    assert_eq!(*seen.lock(), Vec::from_iter(0..10));
    assert_eq!(worker.destroy(cx), Ok(()));
}

/// A work that says it runs and waits to be let go.
struct Gate {
    runs: Count,
    go: Arc<Completion>,
}

impl Gate {
    fn new() -> Gate {
        Gate { runs: Count::default(), go: Arc::new(Completion::new()) }
    }

    fn body(&self) -> impl Fn(&Cx<'_>) + Send + Sync + 'static {
        let (runs, go) = (self.runs.clone(), self.go.clone());
        move |cx: &Cx<'_>| {
            runs.add();
            go.wait(cx);
        }
    }
}

fn queueing(cx: &Cx<'_>) {
    let worker = WorkerThread::new(cx, "queueing").expect("a worker");
    let gate = Gate::new();
    let work = worker.work(cx, gate.body());
    assert!(work.queue(cx));
    until(cx, || gate.runs.get() == 1);
    assert!(work.queue(cx));
    assert!(!work.queue(cx));
    gate.go.complete_all(cx);
    work.flush(cx);
    worker.flush(cx);
    assert_eq!(gate.runs.get(), 2);
    assert_eq!(worker.destroy(cx), Ok(()));
}

fn flush(cx: &Cx<'_>) {
    let worker = WorkerThread::new(cx, "flush").expect("a worker");
    let count = Count::default();
    let theirs = count.clone();
    let work = worker.work(cx, move |cx| {
        cx.sleep(20);
        theirs.add();
    });
    work.flush(cx);
    assert_eq!(count.get(), 0);
    work.queue(cx);
    work.flush(cx);
    assert_eq!(count.get(), 1);
    work.queue(cx);
    assert_eq!(worker.destroy(cx), Ok(()));
    assert_eq!(count.get(), 2);
}

fn cancel(cx: &Cx<'_>) {
    let worker = WorkerThread::new(cx, "cancel").expect("a worker");
    let gate = Gate::new();
    let (first, second) = (worker.work(cx, gate.body()), worker.work(cx, gate.body()));
    assert!(!second.cancel(cx));
    first.queue(cx);
    until(cx, || gate.runs.get() == 1);
    second.queue(cx);
    assert!(second.cancel(cx));
    let go = gate.go.clone();
    let helper = cx.spawn("opens", move |cx| {
        cx.sleep(20);
        go.complete(cx);
    });
    assert!(!first.cancel(cx));
    assert_eq!(gate.runs.get(), 1);
    assert_eq!(worker.destroy(cx), Ok(()));
    let _ = helper.expect("a thread").stop(cx);
}

fn delayed(cx: &Cx<'_>) {
    let worker = WorkerThread::new(cx, "delayed").expect("a worker");
    let seen = Arc::new(SpinLock::new(None));
    let theirs = seen.clone();
    let work = worker.work(cx, move |cx| {
        *theirs.lock() = Some(cx.kernel.jiffies());
    });
    let start = cx.kernel.jiffies();
    assert!(work.queue_after(cx, Jiffies(25)));
    assert!(!work.queue_after(cx, Jiffies(1)));
    until(cx, || seen.lock().is_some());
    let ran = seen.lock().take().expect("just seen");
    assert!(ran.ticks_since(start) >= 25);
    assert!(work.queue_after(cx, Jiffies(250_000)));
    assert!(work.cancel(cx));
    assert!(work.queue_after(cx, Jiffies(250_000)));
    work.flush(cx);
    assert!(seen.lock().is_some());
    assert_eq!(worker.destroy(cx), Ok(()));
}

/// The timer runs out, on another CPU where there is one, while a flush looks whether it does.
fn flush_when_due(cx: &Cx<'_>) {
    let worker = WorkerThread::new(cx, "due").expect("a worker");
    let count = Count::default();
    let theirs = count.clone();
    let work = Arc::new(worker.work(cx, move |_| {
        theirs.add();
    }));
    for round in 1..=2 {
        let (armed, theirs) = (Arc::new(Completion::new()), work.clone());
        let arms = armed.clone();
        let armer = cx.create("armer", move |cx| {
            assert!(theirs.queue_after(cx, Jiffies(1)));
            arms.complete(cx);
            cx.sleep(1);
        });
        let armer = armer.expect("a thread").bind(cx, cx.kernel.nr_cpus() - 1).wake(cx);
        armed.wait(cx);
        cx.kernel.schedule_timeout_state(cx, 1, TASK_UNINTERRUPTIBLE);
        work.flush(cx);
        assert_eq!(count.get(), round);
        assert_eq!(armer.join(cx), Ok(()));
    }
    assert_eq!(worker.destroy(cx), Ok(()));
}

/// Another has stopped the timer and is about to take the work out.
fn flush_cancelled(cx: &Cx<'_>) {
    let worker = WorkerThread::new(cx, "cancelled").expect("a worker");
    let count = Count::default();
    let theirs = count.clone();
    let work = Arc::new(worker.work(cx, move |_| {
        theirs.add();
    }));
    for _ in 0..2 {
        let (before, theirs) = (count.get(), work.clone());
        assert!(work.queue_after(cx, Jiffies(1000)));
        let canceller = cx.create("canceller", move |cx| theirs.cancel(cx));
        let canceller = canceller.expect("a thread").bind(cx, cx.kernel.nr_cpus() - 1).wake(cx);
        work.flush(cx);
        let was_cancelled = canceller.join(cx).expect("whether it waited");
        assert_eq!(count.get() - before, u32::from(!was_cancelled));
    }
    assert_eq!(worker.destroy(cx), Ok(()));
}
