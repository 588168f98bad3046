//! Objects that are initialised while somebody uses them.
//!
//! What stands there before the first initialisation may be anything, also what another object
//! has left. So only what the kernel itself knows to be in use counts: a timer in a wheel, a
//! waiter in the table, a task in a queue.

use core::sync::atomic::Ordering;

use kthreads_base::{RawSpinLock, stack};

use crate::in_use::InUse;
use crate::log::Level;
use crate::task::Task;
use crate::time::Timer;
use crate::wait::{Completion, Mutex, WaitQueueHead};
use crate::{Cx, Kernel, log};

impl Kernel {
    /// Says so if a timer is set up while it is pending (Linux: debug_timer_init), and takes it
    /// out, as Linux's check does: the wheel would be torn otherwise.
    pub fn check_timer_init(&self, cx: &Cx<'_>, timer: &Timer) {
        let (flags, bucket) = (timer.flags(), timer.bucket_number());
        let is_in_use = timer.is_pending()
            && Timer::are_flags(flags)
            && self.timers.is_in_bucket(timer.address(), flags, bucket);
        if !is_in_use {
            return;
        }
        self.warn_odebug(cx, "init active", timer.function_address());
        log!(cx, Level::Error, "kthreads: the timer is {}", self.object_name(timer.address()));
        self.del_timer(timer);
    }

    /// Says so if a timer is armed that was never set up (Linux: debug_timer_assert_init).
    pub(crate) fn check_timer_armed(&self, timer: &Timer) {
        if timer.function_address() != 0 || timer.is_shut_down() {
            return;
        }
        let cx = self.cx();
        self.warn_odebug(&cx, "assert_init not available", 0);
        self.report_uninitialised("timer", timer.address());
    }

    /// Says so if a completion is initialised for which somebody waits.
    pub fn check_completion_init(&self, cx: &Cx<'_>, completion: &Completion) {
        if completion.is_initialised() {
            let address = core::ptr::from_ref(completion) as usize;
            let waiter = self.waiter_of(address);
            waiter.inspect(|task| self.report_reinit(cx, "completion", address, task));
        }
    }

    /// Says so if a mutex is initialised that somebody holds (Linux: debug_mutex_init).
    pub fn check_mutex_init(&self, cx: &Cx<'_>, mutex: &Mutex) {
        if !mutex.is_initialised() {
            return;
        }
        let address = core::ptr::from_ref(mutex) as usize;
        if let Some(task) = self.waiter_of(address) {
            self.report_reinit(cx, "mutex", address, task);
        } else if let Some(task) = self.task_at(mutex.owner()) {
            let going = crate::heap::Going::Object(size_of::<Mutex>());
            self.report_in_use(cx, address, &InUse::Mutex(task), &going);
        }
    }

    /// Says so if a spin lock is initialised that a task holds (Linux: debug_check_no_locks_freed).
    pub fn check_spin_lock_init(&self, cx: &Cx<'_>, lock: &RawSpinLock) {
        if !lock.is_locked() || !lock.is_sane() {
            return;
        }
        let address = core::ptr::from_ref(lock) as usize;
        let holder = lock.owner().and_then(|pid| self.find_task(pid));
        if let Some(task) = holder.filter(|task| task.head.held.contains(address)) {
            let going = crate::heap::Going::Object(size_of::<RawSpinLock>());
            self.report_in_use(cx, address, &InUse::SpinLock(task), &going);
        }
    }

    /// Says so if a wait queue head is initialised in which somebody waits.
    pub fn check_queue_init(&self, cx: &Cx<'_>, queue: &WaitQueueHead) {
        let (address, first) = (queue.address(), queue.first_link());
        if first == 0 || !stack::in_range(first) {
            return;
        }
        let waits = |task: &&Task| task.wait_queue.load(Ordering::Relaxed) == address;
        if let Some(task) = self.tasks.iter().find(waits) {
            self.report_reinit(cx, "wait queue head", address, task);
        }
    }

    #[cold]
    fn report_reinit(&self, cx: &Cx<'_>, kind: &str, address: usize, task: &Task) {
        self.count_bug();
        let (what, comm, pid) = (self.object_name(address), task.comm(), task.pid());
        log!(
            cx,
            Level::Error,
            "kthreads: {kind} {what} is initialised again while {comm} (pid {pid}) waits"
        );
        self.dump_stack(cx);
    }
}
