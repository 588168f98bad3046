//! Works and workers used wrongly.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kthreads_kernel::Errno;
use kthreads_kernel::sync::{Completion, SpinLock, WorkItem, WorkerThread};
use kthreads_kernel::time::Jiffies;

use super::{on_all, threads};

#[test]
fn a_work_that_panics_ends_alone() {
    on_all(|cx| {
        let worker = WorkerThread::new(cx, "worker").expect("a worker");
        let done = Arc::new(AtomicU32::new(0));
        let count = done.clone();
        let bad = worker.work(cx, |_| panic!("on purpose"));
        let good = worker.work(cx, move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        for _ in 0..3 {
            bad.queue(cx);
            good.queue(cx);
            bad.flush(cx);
            worker.flush(cx);
        }
        assert_eq!(worker.destroy(cx), Ok(()));
        assert_eq!(done.load(Ordering::SeqCst), 3);
        assert_eq!(cx.kernel.bug_count(), 3);
    });
}

#[test]
fn works_of_a_worker_that_has_ended_do_nothing() {
    on_all(|cx| {
        let worker = WorkerThread::new(cx, "worker").expect("a worker");
        let work = worker.work(cx, |_| ());
        let again = worker.work_with(cx, |cx, this| {
            this.queue_after(cx, Jiffies(2));
        });
        let at_once = worker.work_with(cx, |cx, this| {
            this.queue(cx);
        });
        assert!(work.queue(cx) && again.queue(cx) && at_once.queue(cx));
        cx.sleep(20);
        assert_eq!(worker.destroy(cx), Ok(()));
        for work in [&work, &again, &at_once] {
            assert!(!work.queue(cx));
            assert!(!work.queue_after(cx, Jiffies(1)));
            work.flush(cx);
            assert!(!work.cancel(cx));
        }
        cx.sleep(100);
    });
}

#[test]
fn handles_of_works_and_workers_may_be_dropped_early() {
    on_all(|cx| {
        let done = Arc::new(Completion::new());
        let theirs = done.clone();
        let worker = WorkerThread::new(cx, "worker").expect("a worker");
        let work = worker.work(cx, move |cx| theirs.complete(cx));
        assert!(work.queue_after(cx, Jiffies(10)));
        drop(work);
        drop(worker);
        done.wait(cx);
    });
}

/// Where a work finds handles that were made after it.
#[derive(Default)]
struct Later {
    worker: SpinLock<Option<WorkerThread>>,
    work: SpinLock<Option<Arc<WorkItem>>>,
    answer: SpinLock<Option<Result<(), Errno>>>,
}

#[test]
fn a_work_that_waits_for_its_own_worker_is_told_so() {
    on_all(|cx| {
        let later = Arc::new(Later::default());
        let theirs = later.clone();
        let worker = WorkerThread::new(cx, "worker").expect("a worker");
        let flushes = worker.work(cx, move |cx| {
            let me = theirs.work.lock().clone().expect("a work");
            // Does not wait for itself; it is not in line now.
            assert!(!me.cancel(cx));
            me.flush(cx);
        });
        let flushes = Arc::new(flushes);
        *later.work.lock() = Some(flushes.clone());
        flushes.queue(cx);
        flushes.flush(cx);
        assert_eq!(cx.kernel.bug_count(), 1);

        let theirs = later.clone();
        let destroys = worker.work_with(cx, move |cx, this| {
            let worker = theirs.worker.lock().take().expect("a worker");
            let answer = worker.destroy(cx);
            *theirs.answer.lock() = Some(answer);
            this.queue_after(cx, Jiffies(10));
        });
        *later.worker.lock() = Some(worker);
        assert!(destroys.queue(cx));
        destroys.flush(cx);
        assert_eq!(later.answer.lock().take(), Some(Err(Errno::EDEADLK)));
        drop((destroys, flushes, later));
        cx.sleep(1000);
        assert_eq!(threads(cx, "worker"), 0);
    });
}
