//! The list of commands that run in tasks of their own.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use alloc::{format, vec};

use kthreads_kernel::Cx;

use super::{Ended, Job, JobEnd, Shell, check_signals};
use crate::files;
use crate::host::Stream;

impl Shell {
    /// The background commands that have not been waited for.
    pub(crate) fn jobs(&self) -> Vec<Arc<Job>> {
        let mut jobs = self.inner.jobs.lock();
        jobs.retain(|job| !job.is_done());
        jobs.clone()
    }

    pub(super) fn add_job(&self, job: Arc<Job>) {
        let mut jobs = self.inner.jobs.lock();
        jobs.retain(|job| !job.is_done());
        jobs.push(job);
    }

    /// Waits for the background commands; says so of each that hangs and goes on without it.
    pub fn wait_for_jobs(&self, cx: &Cx<'_>) -> Ended {
        self.wait_until_signal(cx);
        check_signals(cx).err().unwrap_or(Ended::Finished)
    }

    /// As [`wait_for_jobs`](Shell::wait_for_jobs), but leaves the signal that ends the wait to
    /// the caller's task.
    pub(crate) fn wait_until_signal(&self, cx: &Cx<'_>) {
        for job in self.jobs() {
            match self.wait_for(cx, &job) {
                JobEnd::Interrupted => return,
                JobEnd::Hung => self.report_hung(cx, &job),
                JobEnd::Done(_) | JobEnd::Died => {}
            }
        }
    }

    /// Says on standard error which task hangs, and where; nobody waits for it any more.
    pub fn report_hung(&self, cx: &Cx<'_>, job: &Arc<Job>) {
        self.inner.jobs.lock().retain(|other| !Arc::ptr_eq(other, job));
        self.count_hung();
        let seconds = cx.kernel.hung_task_seconds();
        let (name, pid) = (job.name(), job.pid());
        let does = if job.is_running(cx) { "has run without a pause" } else { "blocked" };
        let mut lines = vec![format!(
            "kthreads: task {name}:{pid} {does} for more than {seconds} seconds; going on without it"
        )];
        match job.place(cx).filter(|_| job.is_running(cx)) {
            Some(place) => lines.push(format!("  it is in {place}")),
            None => lines.extend(files::stack_of(cx, pid)),
        }
        lines.push(String::new());
        self.host().write(Stream::Error, &lines.join("\n"));
    }
}
