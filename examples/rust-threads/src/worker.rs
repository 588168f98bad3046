//! A worker: one thread that runs works, one after the other, and some of them later.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kthreads_kernel::log::Level;
use kthreads_kernel::sync::{WorkItem, WorkerThread};
use kthreads_kernel::time::msecs_to_jiffies;
use kthreads_kernel::{Cx, Errno, Kernel, log};

const REPORT_MS: u32 = 2000;
/// How long each job takes.
const JOBS_MS: [u32; 3] = [300, 200, 100];

fn make_jobs(cx: &Cx<'_>, worker: &WorkerThread, done: &Arc<AtomicU32>) -> Vec<WorkItem> {
    let job = |(number, takes_ms)| {
        let done = done.clone();
        worker.work(cx, move |cx| {
            cx.sleep(takes_ms);
            done.fetch_add(1, Ordering::Relaxed);
            log!(cx, Level::Info, "worker: job {number} done");
        })
    };
    (1..).zip(JOBS_MS).map(job).collect()
}

/// A work that queues itself anew.
fn make_report(cx: &Cx<'_>, worker: &WorkerThread, done: &Arc<AtomicU32>) -> WorkItem {
    let done = done.clone();
    worker.work_with(cx, move |cx, this| {
        let done = done.load(Ordering::Relaxed);
        log!(cx, Level::Info, "worker: {done} jobs done so far");
        this.queue_after(cx, msecs_to_jiffies(REPORT_MS));
    })
}

/// Has a worker do three jobs twice, with reports in between; returns how many were done.
///
/// # Errors
///
/// What making the worker fails with.
pub fn worker(kernel: &Kernel) -> Result<u32, Errno> {
    kernel.enter(|cx| {
        let done = Arc::new(AtomicU32::new(0));
        let worker = WorkerThread::new(cx, "jobs")?;
        let jobs = make_jobs(cx, &worker, &done);
        let report = make_report(cx, &worker, &done);

        for job in &jobs {
            job.queue(cx);
        }
        let again = match jobs[jobs.len() - 1].queue(cx) {
            true => "queued",
            false => "is queued already",
        };
        log!(cx, Level::Info, "worker: the last job again: {again}");
        worker.flush(cx);
        log!(cx, Level::Info, "worker: all jobs are done");

        // Reports come after 2 and 4 seconds.
        report.queue_after(cx, msecs_to_jiffies(REPORT_MS));
        cx.sleep(5000);

        report.cancel(cx);
        // These are done before the worker's thread ends.
        for job in &jobs {
            job.queue(cx);
        }
        worker.destroy(cx)?;
        let done = done.load(Ordering::Relaxed);
        log!(cx, Level::Info, "worker: {done} jobs done in all");
        Ok(done)
    })
}
