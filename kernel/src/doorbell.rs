//! How host threads ask for something to be run in the kernel.
//!
//! A host thread is on no kernel stack, so it can take none of the kernel's locks. It leaves its
//! job in a mailbox and makes an interrupt pending on CPU 0; the interrupt wakes init, and init
//! gives each job a user-like task of its own.

use alloc::string::String;
use core::convert::Infallible;
use core::sync::atomic::{AtomicU32, Ordering};

use kthreads_base::job::{Body, Done, Mailbox};

use crate::log::Level;
use crate::task::{Spawn, Start};
use crate::{Cx, Kernel, log};

/// A job from outside.
struct Job {
    name: String,
    body: Body,
    done: Done,
}

/// The mailbox.
#[derive(Default)]
pub(crate) struct Doorbell {
    jobs: Mailbox<Job>,
    /// How many jobs are under way: host threads wait for their ends.
    under_way: AtomicU32,
}

impl Doorbell {
    /// How many jobs are under way.
    pub(crate) fn count(&self) -> u32 {
        self.under_way.load(Ordering::SeqCst)
    }
}

impl Kernel {
    /// Leaves a job and makes init look. From any stack.
    pub(crate) fn ring(&self, name: &str, body: Body, done: Done) -> Result<(), Infallible> {
        self.doorbell.under_way.fetch_add(1, Ordering::SeqCst);
        self.doorbell.jobs.push(Job { name: String::from(name), body, done });
        self.machine.send_interrupt(0);
        // The last CPU to end drops what it finds; what comes later is dropped here.
        if self.has_ended() {
            self.drop_jobs();
        }
        Ok(())
    }

    /// What the interrupt does about the mailbox.
    pub(crate) fn check_doorbell(&self) {
        if !self.doorbell.jobs.is_empty() {
            self.wake_up_process(self.init_task());
        }
    }

    /// A job has come to its end.
    pub(crate) fn job_ended(&self) {
        self.doorbell.under_way.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether jobs are under way.
    pub(crate) fn is_awaited(&self) -> bool {
        self.doorbell.under_way.load(Ordering::SeqCst) != 0
    }

    /// Whether jobs wait.
    pub(crate) fn has_jobs(&self) -> bool {
        !self.doorbell.jobs.is_empty()
    }

    /// Drops the jobs of a kernel that has ended, which tells their owners.
    pub(crate) fn drop_jobs(&self) {
        while self.doorbell.jobs.pop().is_some() {}
    }

    /// Gives each waiting job a task. A job that gets none is dropped, which tells its owner.
    pub(crate) fn take_jobs(&self, cx: &Cx<'_>) {
        while let Some(job) = self.doorbell.jobs.pop() {
            let spawned = self.spawn(Spawn {
                name: &job.name,
                start: Start::Job(job.body),
                parent: cx.task.get_ref(),
                flags: 0,
                done: Some(job.done),
            });
            match spawned {
                Ok(task) => self.wake_up_new_task(task),
                Err(errno) => {
                    log!(cx, Level::Error, "kthreads: no task for a job: {errno}");
                    self.job_ended();
                }
            }
        }
    }
}
