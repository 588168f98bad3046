//! Sleeping for a time (Linux: schedule_timeout, msleep, usleep_range), and delays.

use core::sync::atomic::Ordering;

use kthreads_base::{IrqGuard, Nanos};

use super::*;
use crate::proc::WaitsIn;
use crate::sched::{Heap, HeapNode, NodeOf};
use crate::task::Task;
use crate::task::state::*;
use crate::{Cx, Kernel};

/// The sleepers of a CPU, by the time when they wake.
pub(crate) struct ByWakeTime;

impl NodeOf<Task> for ByWakeTime {
    fn node(task: &Task) -> &HeapNode<Task> {
        &task.sleep_node
    }
}

type Sleepers = Heap<Task, ByWakeTime>;

extern "C" fn wake_sleeper(timer: &Timer) {
    kthreads_base::with_current(|kernel: &Kernel, _| {
        kernel.wake_up_process(kernel.tasks.get(timer.data() as u32));
    });
}

pub(crate) fn first_wake_time(sleepers: &Sleepers) -> u64 {
    sleepers.peek().map_or(u64::MAX, |task| task.sleep_node.key())
}

impl Kernel {
    /// Where and when a timer is armed from here.
    pub fn here(&self) -> Here {
        self.jiffies.advance(self.machine.now());
        Here { cpu: kthreads_base::current_head().cpu(), now: self.jiffies.now() }
    }

    /// Sleeps in the state already set until `timeout` jiffies have passed or somebody wakes the
    /// task; returns the jiffies left, 0 if none, MAX_SCHEDULE_TIMEOUT for that argument (Linux:
    /// schedule_timeout). In TASK_RUNNING it returns at once.
    pub fn schedule_timeout(&self, cx: &Cx<'_>, timeout: i64) -> i64 {
        if timeout == MAX_SCHEDULE_TIMEOUT.0 as i64 {
            self.schedule(cx);
            return timeout;
        }
        if timeout < 0 {
            self.report_wrong_timeout(cx, timeout);
            cx.task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
            return 0;
        }
        let here = self.here();
        let expires = Jiffies(here.now.0.wrapping_add(timeout as u64));
        let timer = cx.task.timer_pin();
        timer.init(wake_sleeper, 0, here.cpu);
        timer.set_data(u64::from(cx.task.index()));
        self.timer_armed(self.timers.modify(timer, expires, here));
        self.schedule(cx);
        self.timers.delete_sync(timer.get_ref(), &mut || cx.task.head.relax());
        self.jiffies.advance(self.machine.now());
        expires.ticks_since(self.jiffies.now()).max(0)
    }

    /// Sleeps in `state` for that many jiffies or until woken; returns what is left.
    pub fn schedule_timeout_state(&self, cx: &Cx<'_>, timeout: i64, state: u32) -> i64 {
        cx.task.set_state(state);
        self.schedule_timeout(cx, timeout)
    }

    /// Sleeps at least that long, whatever wakes it (Linux: msleep).
    pub fn msleep(&self, cx: &Cx<'_>, ms: u32) {
        let _waits = cx.waits_in(WaitsIn::Msleep);
        let mut left = msecs_to_jiffies(ms).0 as i64 + 1;
        while left > 0 && !cx.task.is_to_end() {
            left = self.schedule_timeout_state(cx, left, TASK_UNINTERRUPTIBLE);
        }
    }

    /// Sleeps at least that long or until a signal; returns the milliseconds left (Linux:
    /// msleep_interruptible).
    pub fn msleep_interruptible(&self, cx: &Cx<'_>, ms: u32) -> u32 {
        let _waits = cx.waits_in(WaitsIn::MsleepInterruptible);
        let mut left = msecs_to_jiffies(ms).0 as i64 + 1;
        while left > 0 && !cx.task.signal_pending() && !cx.task.is_to_end() {
            left = self.schedule_timeout_state(cx, left, TASK_INTERRUPTIBLE);
        }
        jiffies_to_msecs(Jiffies(left as u64))
    }

    /// Sleeps in `state` until `deadline`, whatever wakes it (Linux: usleep_range_state). With a
    /// signal that `state` lets through it returns early; returns whether the time has come.
    pub fn sleep_until(&self, cx: &Cx<'_>, deadline: Nanos, state: u32) -> bool {
        self.might_sleep(cx);
        while self.machine.now() < deadline {
            if self.signal_pending_state(state, cx.task.get_ref()) {
                return false;
            }
            cx.task.set_state(state);
            self.add_sleeper(cx, deadline);
            self.schedule(cx);
            self.remove_sleeper(cx.task.get_ref());
        }
        cx.task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
        true
    }

    /// Sleeps in the state already set until `deadline` or until woken; returns whether the time
    /// came first (Linux: schedule_hrtimeout_range).
    pub fn schedule_until(&self, cx: &Cx<'_>, deadline: Nanos) -> bool {
        self.add_sleeper(cx, deadline);
        self.schedule(cx);
        !self.remove_sleeper(cx.task.get_ref())
    }

    /// Sleeps for at least `span`, in `state`.
    pub fn sleep_for(&self, cx: &Cx<'_>, span: Nanos, state: u32) -> bool {
        self.sleep_until(cx, self.machine.now() + span, state)
    }

    fn add_sleeper(&self, cx: &Cx<'_>, deadline: Nanos) {
        let irqs = IrqGuard::new();
        let cpu = cx.cpu();
        let here = &self.cpus[cpu as usize];
        cx.task.sleep_cpu.store(cpu, Ordering::Relaxed);
        // The heap orders keys that lie within half of their range; what is beyond never comes.
        if deadline.0 > i64::MAX as u64 {
            return;
        }
        let mut sleepers = here.sleepers.lock();
        sleepers.push(cx.task, deadline.0);
        here.next_sleeper.store(first_wake_time(&sleepers), Ordering::Relaxed);
        drop(sleepers);
        self.program_clock(here);
        drop(irqs);
    }

    /// Takes a task out of the sleepers, if it is among them; returns whether it was.
    fn remove_sleeper(&self, task: &Task) -> bool {
        let cpu = &self.cpus[task.sleep_cpu.load(Ordering::Relaxed) as usize];
        let mut sleepers = cpu.sleepers.lock();
        let was_asleep = sleepers.remove(task);
        if was_asleep {
            cpu.next_sleeper.store(first_wake_time(&sleepers), Ordering::Relaxed);
        }
        was_asleep
    }

    /// Takes an ending task out of what it may have slept in.
    pub(crate) fn cancel_sleep(&self, task: crate::task::TaskPin<'_>) {
        if task.sleep_node.is_queued() {
            self.remove_sleeper(task.get_ref());
        }
        self.timers.delete(task.timer_pin().get_ref());
    }

    /// Wakes the sleepers of `cpu` whose time has come. In the interrupt.
    pub(crate) fn wake_sleepers(&self, cpu: u32, now: Nanos) {
        let here = &self.cpus[cpu as usize];
        if here.next_sleeper.load(Ordering::Relaxed) > now.0 {
            return;
        }
        let mut sleepers = here.sleepers.lock();
        while first_wake_time(&sleepers) <= now.0 {
            let Some(task) = sleepers.pop() else { break };
            self.wake_up_process(task.get_ref());
        }
        here.next_sleeper.store(first_wake_time(&sleepers), Ordering::Relaxed);
    }

    /// Spends `span` busily (Linux: udelay): the CPU serves interrupts, and whoever has begun to
    /// wait for the CPU gets it at once if the caller may be preempted. A clock that jumps over
    /// delays may stand still meanwhile, so the tick cannot be relied on here.
    pub fn delay(&self, cx: &Cx<'_>, span: Nanos) {
        let deadline = self.machine.now() + span;
        let slice = self.delay_slice();
        while self.machine.now() < deadline && !cx.task.is_to_end() {
            let cpu = cx.cpu();
            self.note_delay(cpu, true);
            self.machine.delay(cpu, deadline.min(self.machine.now() + slice));
            self.judge_myself(cx);
            self.note_delay(cpu, false);
            kthreads_base::interrupt_point();
            if !cx.in_atomic() {
                self.give_way(cx);
            }
        }
    }
}
