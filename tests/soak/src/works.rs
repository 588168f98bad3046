//! A worker with its works, and how often each was queued, cancelled and done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kthreads_kernel::sync::{SpinLock, WorkItem, WorkerThread};
use kthreads_kernel::time::Jiffies;
use kthreads_kernel::{Cx, Errno};

const ORDER: Ordering = Ordering::SeqCst;
/// How many works one worker gets.
const MOST: usize = 8;

/// How often something happened to a work.
#[derive(Default)]
struct Counts {
    queued: AtomicU64,
    cancelled: AtomicU64,
    done: AtomicU64,
    /// Cancellations that found nothing to cancel, of a work whose timer may just have run out:
    /// as on Linux, that work is not done then, and not told of.
    vague: AtomicU64,
}

impl Counts {
    /// Whether it is known of each time it was queued how that ended.
    fn is_settled(&self) -> bool {
        let [queued, cancelled, done, vague] =
            [&self.queued, &self.cancelled, &self.done, &self.vague].map(|n| n.load(ORDER) as i64);
        (0..=vague).contains(&(queued - cancelled - done))
    }
}

/// A work, counted.
struct Counted {
    item: WorkItem,
    counts: Arc<Counts>,
}

/// A worker and its works.
pub(crate) struct Bench {
    worker: WorkerThread,
    works: SpinLock<Vec<Arc<Counted>>>,
}

impl Bench {
    pub(crate) fn new(cx: &Cx<'_>, name: &str) -> Result<Bench, Errno> {
        let worker = WorkerThread::new(cx, name)?;
        Ok(Bench { worker, works: SpinLock::new(Vec::new()) })
    }

    /// Adds a work, if there are not too many.
    pub(crate) fn add(&self, cx: &Cx<'_>) {
        if self.works.lock().len() >= MOST {
            return;
        }
        let counts = Arc::new(Counts::default());
        let theirs = counts.clone();
        let item = self.worker.work(cx, move |cx| match theirs.done.fetch_add(1, ORDER) % 8 {
            0 => cx.sleep(1),
            1 => cx.yield_now(),
            _ => {}
        });
        self.works.lock().push(Arc::new(Counted { item, counts }));
    }

    fn get(&self, which: u64) -> Option<Arc<Counted>> {
        let works = self.works.lock();
        works.get(which as usize % works.len().max(1)).cloned()
    }

    pub(crate) fn queue(&self, cx: &Cx<'_>, which: u64) {
        let Some(work) = self.get(which) else { return };
        // Counted first: it may be done before this comes back.
        work.counts.queued.fetch_add(1, ORDER);
        if !work.item.queue(cx) {
            work.counts.queued.fetch_sub(1, ORDER);
        }
    }

    pub(crate) fn queue_after(&self, cx: &Cx<'_>, which: u64, jiffies: u64) {
        let Some(work) = self.get(which) else { return };
        work.counts.queued.fetch_add(1, ORDER);
        if !work.item.queue_after(cx, Jiffies(jiffies)) {
            work.counts.queued.fetch_sub(1, ORDER);
        }
    }

    pub(crate) fn flush_work(&self, cx: &Cx<'_>, which: u64) {
        if let Some(work) = self.get(which) {
            work.item.flush(cx);
        }
    }

    /// Whether a work has been done as often as it was to be. Nobody else queues works here.
    pub(crate) fn is_done(&self, which: u64) -> bool {
        self.get(which).is_none_or(|work| work.counts.is_settled())
    }

    pub(crate) fn flush(&self, cx: &Cx<'_>) {
        self.worker.flush(cx);
    }

    pub(crate) fn cancel(&self, cx: &Cx<'_>, which: u64) {
        let Some(work) = self.get(which) else { return };
        let count = match work.item.cancel(cx) {
            true => &work.counts.cancelled,
            false => &work.counts.vague,
        };
        count.fetch_add(1, ORDER);
    }

    /// Ends the worker. Nobody else uses it. Tells what does not add up.
    pub(crate) fn destroy(self, cx: &Cx<'_>) -> Result<(), String> {
        let works = self.works.lock().clone();
        works.iter().for_each(|work| work.item.flush(cx));
        self.worker.destroy(cx).map_err(|errno| format!("a worker's destruction: {errno}"))?;
        works.iter().try_for_each(|work| {
            let Counts { queued, cancelled, done, vague } = &*work.counts;
            let (queued, cancelled) = (queued.load(ORDER), cancelled.load(ORDER));
            let (done, vague) = (done.load(ORDER), vague.load(ORDER));
            if work.counts.is_settled() {
                return Ok(());
            }
            Err(format!(
                "a work was queued {queued} times, cancelled {cancelled} times (and {vague} times \
                 in vain), and done {done} times"
            ))
        })
    }
}
