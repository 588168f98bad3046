//! kthread_stop, and the end of a kernel thread.

use core::sync::atomic::Ordering;

use kthreads_base::{explore_point, note};

use super::{SHOULD_PARK, SHOULD_STOP};
use crate::proc::WaitsIn;
use crate::task::Task;
use crate::task::state::PF_KTHREAD;
use crate::trace::Event;
use crate::wait::Completion;
use crate::{Cx, Fault, Kernel, observe};

impl Cx<'_> {
    /// Whether the running thread was asked for that.
    #[inline(always)]
    fn asked_to(&self, bit: u32) -> bool {
        self.head.step();
        let asked = self.task.kthread.has(bit);
        if asked {
            observe::takes_here(&self.task.kthread);
        }
        // Whoever asks now is not heard before the next look.
        self.head.step();
        asked
    }
}

impl Kernel {
    /// Tells a kernel thread to stop, wakes it and waits for its end; returns what its function
    /// returned, or -EINTR if that never ran (Linux: kthread_stop).
    ///
    /// Nothing ends the wait but the thread's end. The thread looks from now on as if a signal
    /// were pending, so its interruptible sleeps end; uninterruptible waits for a condition go
    /// on. Whoever calls this twice for one thread waits for ever the second time.
    pub fn kthread_stop(&self, cx: &Cx<'_>, task: &Task) -> i32 {
        self.trace(cx, || Event::KthreadStop { pid: task.pid(), comm: task.comm() });
        self.get_task(task);
        let before = task.kthread.stops.fetch_add(1, Ordering::Relaxed);
        self.check_stop(cx, task, before);
        self.ask_to_stop(task);
        let waits = cx.waits_in(WaitsIn::KthreadStop);
        self.wait_for_completion_though_killed(cx, &task.kthread.exited);
        drop(waits);
        let result = task.kthread.result.load(Ordering::Acquire);
        self.put_task(task);
        self.trace(cx, || Event::KthreadStopRet { result });
        result
    }

    /// Waits for a kernel thread's end and tells it nothing.
    pub(crate) fn kthread_wait_for_end(&self, cx: &Cx<'_>, task: &Task) {
        let _waits = cx.waits_in(WaitsIn::KthreadStop);
        self.wait_for_completion_though_killed(cx, &task.kthread.exited);
    }

    /// Tells a kernel thread to stop and wakes it; does not wait.
    pub(crate) fn ask_to_stop(&self, task: &Task) {
        observe::gives_here(&task.kthread);
        note(observe::TOLD_TO_STOP, task.index() as usize, 0);
        explore_point();
        if self.has_fault(Fault::StopWakesFirst) {
            self.wake_up_process(task);
            explore_point();
        }
        task.kthread.bits.fetch_or(SHOULD_STOP, Ordering::SeqCst);
        explore_point();
        self.kthread_unpark(task);
        if self.config.linux.stop_ends_interruptible_sleeps() {
            self.set_notify_signal(task);
        }
        if self.has_fault(Fault::StopForgetsWake) || self.has_fault(Fault::StopWakesFirst) {
            return;
        }
        self.wake_up_process(task);
    }

    /// What the task's function returned, if it has.
    pub(crate) fn result_of(&self, task: &Task) -> i32 {
        task.kthread.result.load(Ordering::Acquire)
    }

    /// Whether somebody has told this thread to stop (Linux: kthread_should_stop). Legal in a
    /// kernel thread only; elsewhere it warns and says no.
    #[inline(always)]
    pub fn kthread_should_stop(&self, cx: &Cx<'_>) -> bool {
        self.expect_kthread(cx, "kthread_should_stop") && cx.asked_to(SHOULD_STOP)
    }

    /// Whether somebody has told this thread to park (Linux: kthread_should_park).
    pub fn kthread_should_park(&self, cx: &Cx<'_>) -> bool {
        self.expect_kthread(cx, "kthread_should_park") && cx.asked_to(SHOULD_PARK)
    }

    /// Whether somebody has told that thread to park (Linux: __kthread_should_park).
    pub fn kthread_should_park_of(&self, task: &Task) -> bool {
        task.kthread.has(SHOULD_PARK)
    }

    #[inline(always)]
    pub(crate) fn expect_kthread(&self, cx: &Cx<'_>, what: &'static str) -> bool {
        let legal = cx.task.is_kthread();
        if !legal {
            self.report_no_kthread(*cx, what);
        }
        legal
    }

    #[cold]
    #[inline(never)]
    fn report_no_kthread(&self, cx: Cx<'_>, what: &'static str) {
        if self.first_time(what.as_ptr() as usize ^ cx.task.address()) {
            self.warn_at(&cx, format_args!("{what} outside of a kernel thread"));
        }
    }

    /// Ends the running kernel thread; the code is what kthread_stop returns (Linux:
    /// kthread_exit). The task's exit code stays 0.
    pub fn kthread_exit(&self, cx: &Cx<'_>, code: i64) -> ! {
        cx.task.kthread.result.store(code as i32, Ordering::Release);
        self.do_exit(cx, 0)
    }

    /// Completes something, then ends the running kernel thread (Linux:
    /// kthread_complete_and_exit): the end is outside the module's text, so whoever waits for the
    /// completion may unload it.
    pub fn kthread_complete_and_exit(
        &self,
        cx: &Cx<'_>,
        completion: Option<&Completion>,
        code: i64,
    ) -> ! {
        if let Some(completion) = completion {
            self.complete(completion);
        }
        self.kthread_exit(cx, code)
    }

    /// The last thing a task does that others wait for (Linux: exit_mm, mm_release).
    pub(crate) fn kthread_exited(&self, cx: &Cx<'_>) {
        if cx.task.flags() & PF_KTHREAD != 0 && !self.has_fault(Fault::ExitTellsNobody) {
            self.complete(&cx.task.kthread.exited);
        }
    }

    /// The data pointer a thread was made with (Linux: kthread_data).
    pub fn kthread_data(&self, task: &Task) -> usize {
        task.kthread.data.load(Ordering::Relaxed)
    }

    /// The address of the C function a thread was made for, None for a user task (Linux:
    /// kthread_func).
    pub fn kthread_func(&self, task: &Task) -> Option<usize> {
        let address = task.kthread.function.0.address();
        (task.is_kthread() && address != 0).then_some(address)
    }
}
