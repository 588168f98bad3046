//! Deliberate faults in the primitives, to show that testing would notice real ones.
//!
//! A kernel has none unless its configuration names one. Each is a mistake that somebody could make
//! in that place: a wake-up that is left out, a test and a store in the wrong order.

use kthreads_base::Current;

use crate::Kernel;

macro_rules! faults {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// A deliberate fault, named by its primitive.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $($(#[doc = $doc])* $name,)*
        }

        impl Fault {
            /// All of them.
            pub const ALL: &[Fault] = &[$(Fault::$name,)*];
        }
    };
}

faults! {
    /// complete() wakes nobody.
    CompleteWakesNobody,
    /// complete() does not count.
    CompleteForgetsCount,
    /// complete_all() wakes one waiter only.
    CompleteAllWakesOne,
    /// wait_for_completion() sets its state after it has let others complete.
    CompletionWaitSetsStateLate,
    /// wait_event() does not look at its condition again once it is in the queue.
    WaitEventLooksOnce,
    /// wake_up() wakes the first waiter only.
    WakeUpWakesFirst,
    /// A wake-up leaves a task that has not left its CPU yet as it is.
    WakeIgnoresQueued,
    /// A wake-up does not tell the CPU that the task is queued on.
    WakeTellsNoCpu,
    /// A task that is preempted on its way to sleep is taken for asleep.
    PreemptedSleeps,
    /// kthread_stop() does not wake its thread.
    StopForgetsWake,
    /// kthread_stop() wakes its thread before it tells it to stop.
    StopWakesFirst,
    /// The end of a thread is not told.
    ExitTellsNobody,
    /// kthread_parkme() does not tell that it parks.
    ParkTellsNobody,
    /// kthread_unpark() wakes its thread before it lets it go on.
    UnparkWakesFirst,
    /// kthread_unpark() does not wake its thread.
    UnparkForgetsWake,
    /// kthreadd looks for requests before it sets its state.
    KthreaddLooksFirst,
    /// mutex_unlock() wakes nobody.
    MutexForgetsWake,
    /// mutex_unlock() looks for waiters before it frees the mutex.
    MutexLooksFirst,
    /// up() does not wake whom it gives its count to.
    UpForgetsWake,
    /// up() wakes a waiter and does not give it the count.
    UpForgetsGrant,
    /// A worker looks for works before it sets its state.
    WorkerLooksFirst,
    /// kthread_queue_work() does not wake the worker.
    QueueForgetsWake,
    /// kthread_flush_work() waits for what comes before the work, not for the work.
    FlushWaitsTooShort,
    /// A signal does not wake its receiver.
    SignalForgetsWake,
}

impl Kernel {
    /// Whether this kernel is to have that fault.
    #[inline(always)]
    pub(crate) fn has_fault(&self, fault: Fault) -> bool {
        self.config.fault == Some(fault)
    }

    /// As [`has_fault`](Kernel::has_fault), for hot paths: costs nothing where the running thread
    /// is known not to be observed.
    #[inline(always)]
    pub(crate) fn has_fault_in(&self, current: Current, fault: Fault) -> bool {
        current.is_observed() && self.has_fault(fault)
    }
}
