//! The thread of a worker: what it does, and how it ends.

use core::pin::Pin;
use core::sync::atomic::{Ordering, compiler_fence};

use super::flush::{is_flush, tell};
use super::{CLOSED, ORDER, Work, WorkFn, Worker};
use crate::proc::WaitsIn;
use crate::report::{AtomicState, Left};
use crate::task::Task;
use crate::task::state::*;
use crate::{Cx, Fault, Kernel};

impl Kernel {
    /// What a worker's thread does until it is told to stop; what waits then stays (Linux:
    /// kthread_worker_fn).
    pub fn worker_main(&self, cx: &Cx<'_>, worker: Pin<&Worker>) -> i32 {
        match cx.unobserved() {
            Some(cx) => self.worker_body(&cx, worker),
            None => self.worker_body(cx, worker),
        }
    }

    #[inline(always)]
    fn worker_body(&self, cx: &Cx<'_>, worker: Pin<&Worker>) -> i32 {
        let task = cx.task.get_ref();
        worker.set_task(task.address());
        task.worker.set(Some(worker));
        loop {
            if self.kthread_should_stop(cx) || task.is_to_end() {
                let held = worker.get_ref().lock.lock();
                worker.set_task(0);
                drop(held);
                self.leave_worker(task);
                return 0;
            }
            match self.take_work(cx, worker) {
                // The kernel's own leaves nothing behind and takes no lock of a module's.
                Some((func, work)) if is_flush(func) => tell(cx, work),
                Some((func, work)) => {
                    let before = AtomicState::now(cx);
                    self.call_work(&task.head, work.address(), || func(work));
                    if let Some(left) = before.restore(cx) {
                        self.report_work_left(*cx, func, &left);
                    }
                }
                None => self.sleep_for_work(*cx),
            }
            self.cond_resched(cx);
        }
    }

    /// A task lets go of the worker whose works it has done, which may be freed then.
    pub(crate) fn leave_worker(&self, task: &Task) {
        let _nobody_looks = self.worker_looks.lock();
        task.worker.set(None);
    }

    /// Sleeps until there is something to do.
    #[inline(never)]
    fn sleep_for_work(&self, cx: Cx<'_>) {
        let task = cx.task.get_ref();
        if self.has_fault_in(cx.head, Fault::WorkerLooksFirst) {
            cx.head.step();
            task.store_state(TASK_INTERRUPTIBLE);
        }
        cx.head.step();
        if !self.kthread_should_stop(&cx) {
            let _waits = cx.waits_in(WaitsIn::KthreadWorkerFn);
            self.schedule(&cx);
        }
        task.head.state.store(TASK_RUNNING, ORDER);
    }

    #[cold]
    #[inline(never)]
    fn report_work_left(&self, cx: Cx<'_>, func: WorkFn, left: &Left) {
        let name = self.variable_name(func as usize);
        self.report_left(&cx, format_args!("work {name}"), left);
    }

    /// Takes the first work that waits; if there is none, the state is that of a sleeper. Who queues
    /// a work does so with the lock held, and wakes who sleeps then; who stops the thread says so
    /// before it looks at the state. The state comes before the lock is taken, which is a full
    /// barrier (see `wait::queue`).
    #[inline(always)]
    fn take_work<'w>(&self, cx: &Cx<'_>, worker: Pin<&'w Worker>) -> Option<(WorkFn, &'w Work)> {
        let state = &cx.task.get_ref().head.state;
        if !self.has_fault_in(cx.head, Fault::WorkerLooksFirst) {
            state.store(TASK_INTERRUPTIBLE, ORDER);
        }
        let worker = worker.get_ref();
        let held = worker.lock.lock_of(cx.head);
        compiler_fence(Ordering::SeqCst);
        let work = worker.work_list.take_first(&held).map(Pin::get_ref);
        worker.current_work.store(work.map_or(0, Work::address), ORDER);
        let work = work?;
        state.store(TASK_RUNNING, ORDER);
        Some((work.func.get()?, work))
    }

    /// Closes a worker at the end of its thread: works that still wait are taken out of line, and
    /// whoever waits for them goes on.
    pub(crate) fn close_worker(&self, worker: Pin<&Worker>) {
        let worker = worker.get_ref();
        loop {
            let held = worker.lock.lock();
            worker.flags.fetch_or(CLOSED, ORDER);
            worker.current_work.store(0, ORDER);
            let Some(work) = worker.work_list.take_first(&held) else { return };
            let work = work.get_ref();
            let is_flush = work.func.get().is_some_and(is_flush);
            drop(held);
            if is_flush {
                tell(&self.cx(), work);
            }
        }
    }

    /// Has the worker do what waits, then stops its thread (Linux: kthread_destroy_worker, which
    /// also frees the worker). Works must no longer queue themselves.
    pub fn stop_worker(&self, cx: &Cx<'_>, worker: Pin<&Worker>) {
        let Some(task) = self.task_at(worker.task()) else {
            return self.warn(cx, "kthread_destroy_worker of a worker without a thread");
        };
        self.flush_worker(cx, worker);
        self.kthread_stop(cx, task);
        if worker.has_works() {
            self.warn(cx, "kthread_destroy_worker leaves works behind");
        }
    }
}
