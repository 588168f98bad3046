//! Making a task (Linux: copy_process) and ending one (do_exit).

use core::sync::atomic::Ordering;

use kthreads_base::explore::NOTE_NEW_MEMORY;
use kthreads_base::head::{TIF_KILLED, TIF_NEED_RESCHED};
use kthreads_base::job::{Body, Done};
use kthreads_base::switch::prepare;
use kthreads_base::{SLOT_SIZE, note};

use super::state::*;
use super::{Belongings, Task, ThreadBody, ThreadFn};
use crate::kthread::RequestId;
use crate::sched::{DEFAULT_PRIO, Rest};
use crate::{Cx, Errno, Kernel, observe};

/// What a thread that was told to end is said to have returned: as for SIGKILL.
pub(crate) const KILLED_CODE: i64 = 9;

/// What a new task begins with.
pub enum Start {
    /// The common beginning of kernel threads, for this create request (Linux: kthread()).
    Kthread(RequestId),
    /// A C function, called at once (kernel_thread).
    Function(ThreadFn, usize),
    /// A Rust function.
    Body(ThreadBody),
    /// A closure that a host thread waits for.
    Job(Body),
}

/// How a new task is to be.
pub struct Spawn<'a> {
    /// Its name, cut to 15 bytes.
    pub name: &'a str,
    /// What it begins with.
    pub start: Start,
    /// The task that becomes its parent.
    pub parent: &'a Task,
    /// PF_KTHREAD for a kernel thread, which owns no address space; 0 for a user-like task.
    pub flags: u32,
    /// Who waits outside the kernel for its end.
    pub done: Option<Done>,
}

impl Kernel {
    /// Makes a task, not yet let run: [`wake_up_new_task`](Kernel::wake_up_new_task) does that.
    ///
    /// # Errors
    ///
    /// EAGAIN when threads-max or pid_max is reached, ENOMEM when there is no memory.
    pub fn spawn(&self, spawn: Spawn<'_>) -> Result<&Task, Errno> {
        let stack = self.machine.stack_alloc().ok_or(Errno::ENOMEM)?;
        note(NOTE_NEW_MEMORY, stack.base(), SLOT_SIZE);
        let task = match self.tasks.alloc() {
            Ok(task) => task,
            Err(errno) => {
                self.machine.stack_free(stack);
                return Err(errno);
            }
        };
        prepare(self.tasks.pin(task.index()), &stack);
        self.fill(task, &spawn);
        let Spawn { start, done, .. } = spawn;
        *task.belongings.lock() =
            Belongings { stack: Some(stack), start: Some(start), done, full_name: None };
        Ok(task)
    }

    fn fill(&self, task: &Task, spawn: &Spawn<'_>) {
        let head = &task.head;
        let kthread = spawn.flags & PF_KTHREAD != 0;
        let parent = &spawn.parent.head;
        let inherited = parent.flags.load(Ordering::Relaxed) & PF_NOFREEZE;
        let zero = Ordering::Relaxed;
        task.set_comm(spawn.name);
        head.flags.store(spawn.flags | inherited | PF_FORKNOEXEC, zero);
        head.state.store(TASK_NEW, zero);
        head.rest.store(Rest::Asleep as u32, zero);
        head.ti_flags.store(0, zero);
        // A new task begins as the second half of a switch: interrupts off, count one.
        head.preempt_count.store(1, zero);
        head.irqs_off.store(1, zero);
        task.has_children.store(false, zero);
        spawn.parent.has_children.store(true, zero);
        head.parent.store(spawn.parent.address(), zero);
        head.real_parent.store(spawn.parent.address(), zero);
        head.group_leader.store(task.address(), zero);
        let mm = if kthread { 0 } else { self.user_mm_address() };
        head.mm.store(mm, zero);
        head.active_mm.store(if kthread { self.init_mm_address() } else { mm }, zero);
        head.exit_code.store(0, zero);
        head.exit_state.store(0, zero);
        head.exit_signal.store(17, zero);
        head.nvcsw.store(0, zero);
        head.nivcsw.store(0, zero);
        head.utime.store(0, zero);
        head.stime.store(0, zero);
        head.start_time.store(self.machine.now().0, zero);
        head.nsproxy.store(0, zero);
        head.journal_info.store(0, zero);
        head.usage.store(2, zero);
        head.held.clear();
        self.fill_sched(task, spawn.parent);
        task.signals.inherit(&spawn.parent.signals);
        head.blocked.store(parent.blocked.load(zero), zero);
        head.sighand.store(core::ptr::from_ref(&task.siglock) as usize, zero);
        task.kthread.reset();
        task.wait_channel.store(0, zero);
        task.entry_point.clear();
        task.mems_allowed.store(spawn.parent.mems_allowed.load(zero).max(1), zero);
    }

    fn fill_sched(&self, task: &Task, parent: &Task) {
        let head = &task.head;
        let order = Ordering::Relaxed;
        let static_prio = match parent.head.static_prio.load(order) {
            0 => DEFAULT_PRIO,
            prio => prio,
        };
        head.static_prio.store(static_prio, order);
        head.prio.store(static_prio, order);
        head.normal_prio.store(static_prio, order);
        head.rt_priority.store(0, order);
        head.policy.store(SCHED_NORMAL, order);
        let mask = match parent.head.cpus_mask.load(order) {
            0 => self.all_cpus(),
            mask => mask,
        };
        // Idle threads, the parents of the first tasks, are bound to their CPUs.
        let is_free = task.is_kthread() || parent.flags() & PF_IDLE != 0;
        let mask = if is_free { self.all_cpus() } else { mask };
        head.cpus_mask.store(mask, order);
        head.cpus_ptr.store(core::ptr::from_ref(&head.cpus_mask) as usize, order);
        head.nr_cpus_allowed.store(mask.count_ones() as i32, order);
        head.on_cpu.store(0, order);
        task.sched.reset();
    }

    /// The body of every task: what `Start` says, then the end.
    pub(crate) fn task_main(&self) -> ! {
        let cx = self.cx();
        self.finish_switch(&cx);
        cx.task.head.preempt_sub(1);
        cx.task.head.irq_restore(0);
        observe::takes(cx.head, cx.task.address(), observe::NO_LOCK);
        let start = cx.task.belongings.lock().start.take();
        match start {
            Some(Start::Kthread(request)) => self.kthread_main(&cx, request),
            Some(Start::Function(function, data)) => {
                cx.task.entry_point.set(function);
                let code = function(data);
                self.do_exit(&cx, i64::from(code));
            }
            Some(Start::Body(body)) => {
                let code = self.run_body(&cx, body);
                self.do_exit(&cx, i64::from(code));
            }
            Some(Start::Job(body)) => {
                body();
                self.do_exit(&cx, 0);
            }
            None => self.do_exit(&cx, 0),
        }
    }

    /// Calls a Rust thread function; a panic in it is an oops of this thread.
    pub(crate) fn run_body(&self, cx: &Cx<'_>, body: ThreadBody) -> i32 {
        let mut body = Some(body);
        let mut code = 0;
        let caught = self.machine.catch(&mut || {
            if let Some(body) = body.take() {
                code = body(cx);
            }
        });
        match caught {
            Ok(()) => code,
            Err(message) => self.die_of_panic(cx, &message),
        }
    }

    /// Ends the running task (Linux: do_exit). What it holds and has armed stays as it is.
    pub fn do_exit(&self, cx: &Cx<'_>, code: i64) -> ! {
        let task = cx.task.get_ref();
        self.check_exit(cx);
        // Whoever has a link to its entry in a wait queue has one to its stack.
        if task.wait_queue.load(Ordering::Relaxed) != 0 {
            task.pinned_frames.fetch_add(1, Ordering::Relaxed);
        }
        task.head.flags.fetch_or(PF_EXITING, Ordering::Relaxed);
        cx.head.note(observe::EXITED, task.index() as usize, code as usize);
        task.head.exit_code.store(code as i32, Ordering::Relaxed);
        self.cancel_sleep(cx.task);
        // A worker's thread that was killed.
        if !task.worker.is_null() {
            self.leave_worker(task);
        }
        task.signals.clear(&task.head);
        let (start, done) = {
            let mut belongings = task.belongings.lock();
            (belongings.start.take(), belongings.done.take())
        };
        drop(start);
        self.kthread_exited(cx);
        self.reparent_children(task);
        self.tasks.release_pid(task);
        // The reference that stood for the pid; the one that stands for running is dropped by
        // whoever takes over the CPU.
        self.put_task(task);
        self.note_exit(task);
        if done.is_some() {
            self.job_ended();
        }
        task.head.exit_state.store(0x10, Ordering::Relaxed);
        drop(done);
        self.schedule_dead(cx)
    }

    /// Tells a task to end where it stands in no function of the kernel, and wakes it whatever it
    /// sleeps for: its waits end as if by a fatal signal, and it does not return to its module.
    pub(crate) fn kill(&self, task: &Task) {
        task.head.ti_flags.fetch_or(TIF_KILLED | TIF_NEED_RESCHED, Ordering::SeqCst);
        self.wake_up_state(task, TASK_NORMAL | TASK_PARKED);
        let cpu = task.head.cpu();
        self.machine.send_interrupt(cpu);
    }

    /// Ends the running task, which was told to.
    pub(crate) fn end_killed(&self, cx: &Cx<'_>) {
        // In an interrupt, or with preemption off in its own code: at a later point.
        if cx.in_atomic() {
            return;
        }
        cx.task.head.ti_flags.fetch_and(!TIF_KILLED, Ordering::Relaxed);
        cx.task.mark_killed();
        self.end_thread(cx, KILLED_CODE)
    }

    /// Drops a reference to a task (Linux: put_task_struct); the last one frees it.
    pub fn put_task(&self, task: &Task) {
        if task.head.usage.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.tasks.free(task);
        }
    }

    /// Takes a reference to a task that may be on its way to be freed; returns whether it was
    /// still there.
    pub(crate) fn try_get_task(&self, task: &Task) -> bool {
        let more = |usage: u32| (usage > 0).then_some(usage + 1);
        task.head.usage.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }

    /// Takes a reference to a task (Linux: get_task_struct).
    pub fn get_task(&self, task: &Task) {
        task.head.usage.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives the children of an ending task to init, as user space has them.
    fn reparent_children(&self, task: &Task) {
        if task.is_kthread() || !task.has_children.load(Ordering::Relaxed) {
            return;
        }
        let init = self.init_task().address();
        let mine = task.address();
        for child in self.tasks.iter() {
            for field in [&child.head.parent, &child.head.real_parent] {
                let _ = field.compare_exchange(mine, init, Ordering::Relaxed, Ordering::Relaxed);
            }
        }
    }
}
