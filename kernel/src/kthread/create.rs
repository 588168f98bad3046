//! kthread_create.

use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use alloc::boxed::Box;

use kthreads_base::{Slab, SpinLock, choose};

use super::PER_CPU;
use crate::proc::WaitsIn;
use crate::task::state::*;
use crate::task::{NO_TASK, Spawn, Start, Task, ThreadBody, ThreadFn, cut_at_char};
use crate::wait::Completion;
use crate::{Cx, Errno, Kernel, observe};

/// A memory node to put a thread's memory on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node(pub i32);

impl Node {
    /// Any (Linux: NUMA_NO_NODE).
    pub const ANY: Node = Node(-1);
}

/// What a kernel thread is to run.
pub(crate) enum Function {
    C { function: ThreadFn, data: usize },
    Rust(ThreadBody),
}

/// Names a create request while it is under way.
#[derive(Clone, Copy, Debug)]
pub struct RequestId(u32);

/// Who has a hold of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Phase {
    /// The creator waits.
    Waiting = 0,
    /// Somebody answers it; the creator frees it.
    Taken = 1,
    /// The creator is gone; who comes to answer frees it.
    Abandoned = 2,
}

/// A create request (Linux: struct kthread_create_info).
#[derive(Default)]
struct Request {
    function: SpinLock<Option<Function>>,
    phase: AtomicU32,
    /// The new task's slot, or a negative errno.
    answer: AtomicI32,
    done: Completion,
    next: AtomicU32,
}

#[derive(Debug)]
struct Queue {
    first: u32,
    last: u32,
    free: u32,
}

/// All create requests: those in line for kthreadd, and free ones.
pub(crate) struct Requests {
    slots: Slab<Request>,
    queue: SpinLock<Queue>,
}

impl Requests {
    pub(crate) fn new() -> Requests {
        let queue = Queue { first: NO_TASK, last: NO_TASK, free: NO_TASK };
        Requests { slots: Slab::new(), queue: SpinLock::new(queue) }
    }

    fn get(&self, id: RequestId) -> &Request {
        self.slots.get(id.0).expect("a request's id is only ever taken from a request")
    }

    fn alloc(&self, function: Function) -> Result<RequestId, Errno> {
        let mut queue = self.queue.lock();
        if queue.free == NO_TASK {
            let (first, count) =
                self.slots.grow(|_| Request::default()).map_err(|_| Errno::ENOMEM)?;
            for index in first..first + count {
                self.get(RequestId(index)).next.store(queue.free, Ordering::Relaxed);
                queue.free = index;
            }
        }
        let id = RequestId(queue.free);
        let request = self.get(id);
        queue.free = request.next.load(Ordering::Relaxed);
        drop(queue);
        request.phase.store(Phase::Waiting as u32, Ordering::Relaxed);
        request.done.init();
        *request.function.lock() = Some(function);
        Ok(id)
    }

    fn free(&self, id: RequestId) {
        drop(self.get(id).function.lock().take());
        let mut queue = self.queue.lock();
        self.get(id).next.store(queue.free, Ordering::Relaxed);
        queue.free = id.0;
    }

    fn push(&self, id: RequestId) {
        self.get(id).next.store(NO_TASK, Ordering::Relaxed);
        let mut queue = self.queue.lock();
        match queue.last {
            NO_TASK => queue.first = id.0,
            last => self.get(RequestId(last)).next.store(id.0, Ordering::Relaxed),
        }
        queue.last = id.0;
    }

    /// Takes the first request out of line.
    pub(crate) fn pop(&self) -> Option<RequestId> {
        let mut queue = self.queue.lock();
        let id = RequestId(queue.first);
        if id.0 == NO_TASK {
            return None;
        }
        queue.first = self.get(id).next.load(Ordering::Relaxed);
        if queue.first == NO_TASK {
            queue.last = NO_TASK;
        }
        Some(id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.lock().first == NO_TASK
    }

    /// How many are under way.
    pub(crate) fn in_use(&self) -> u32 {
        let queue = self.queue.lock();
        let next = |index: &u32| {
            let next = self.get(RequestId(*index)).next.load(Ordering::Relaxed);
            (next != NO_TASK).then_some(next)
        };
        let first = (queue.free != NO_TASK).then_some(queue.free);
        let free = core::iter::successors(first, next).count() as u32;
        self.slots.len() - free
    }
}

impl Kernel {
    /// Makes a kernel thread that will run `body` once it is woken (Linux:
    /// kthread_create_on_node). It sleeps uninterruptibly until then.
    ///
    /// # Errors
    ///
    /// ENOMEM, EAGAIN when there are too many tasks, EINTR when the caller is fatally signalled
    /// before kthreadd has answered.
    pub fn kthread_create_rust(
        &self,
        cx: &Cx<'_>,
        name: &str,
        body: ThreadBody,
    ) -> Result<&Task, Errno> {
        self.create(cx, name, Function::Rust(body))
    }

    /// As [`kthread_create_rust`](Kernel::kthread_create_rust), for a C function. All memory is
    /// on one node here, so a node other than 0 changes nothing.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn kthread_create_on_node(
        &self,
        cx: &Cx<'_>,
        function: ThreadFn,
        data: usize,
        _node: Node,
        name: &str,
    ) -> Result<&Task, Errno> {
        self.create(cx, name, Function::C { function, data })
    }

    fn create(&self, cx: &Cx<'_>, name: &str, function: Function) -> Result<&Task, Errno> {
        self.might_sleep(cx);
        let id = self.requests.alloc(function)?;
        let request = self.requests.get(id);
        self.requests.push(id);
        self.wake_up_process(self.kthreadd());
        let _waits = cx.waits_in(WaitsIn::KthreadCreate);
        if let Err(errno) = self.wait_for_completion_killable(cx, &request.done) {
            debug_assert_eq!(errno, Errno::ERESTARTSYS);
            let old = request.phase.swap(Phase::Abandoned as u32, Ordering::AcqRel);
            if old == Phase::Waiting as u32 {
                return Err(Errno::EINTR);
            }
            // Whoever has taken it answers in a moment.
            self.wait_for_completion_though_killed(cx, &request.done);
        }
        let answer = request.answer.load(Ordering::Acquire);
        self.requests.free(id);
        if answer < 0 {
            return Err(Errno::from_raw(answer));
        }
        let task = self.tasks.get(answer as u32);
        self.name_kthread(task, name);
        Ok(task)
    }

    fn name_kthread(&self, task: &Task, name: &str) {
        task.set_comm(name);
        if name.len() >= TASK_COMM_LEN && self.config.linux.keeps_long_names() {
            task.belongings.lock().full_name = Some(Box::from(cut_at_char(name, FULL_NAME_MAX)));
        }
    }

    /// What kthreadd does with a request (Linux: create_kthread).
    pub(super) fn answer_request(&self, cx: &Cx<'_>, id: RequestId) {
        let spawn = Spawn {
            name: "kthreadd",
            start: Start::Kthread(id),
            parent: cx.task.get_ref(),
            flags: PF_KTHREAD,
            done: None,
        };
        let fails = choose(observe::CHOOSE_THREAD, 2) != 0;
        let made = if fails { Err(Errno::ENOMEM) } else { self.spawn(spawn) };
        match made {
            Ok(task) => self.wake_up_new_task(task),
            Err(errno) => {
                let request = self.requests.get(id);
                let old = request.phase.swap(Phase::Taken as u32, Ordering::AcqRel);
                if old == Phase::Abandoned as u32 {
                    return self.requests.free(id);
                }
                request.answer.store(errno.to_c(), Ordering::Release);
                self.complete(&request.done);
            }
        }
    }

    /// The common beginning of all kernel threads (Linux: kthread()).
    pub(crate) fn kthread_main(&self, cx: &Cx<'_>, id: RequestId) -> ! {
        let task = cx.task.get_ref();
        let request = self.requests.get(id);
        let function = request.function.lock().take();
        let old = request.phase.swap(Phase::Taken as u32, Ordering::AcqRel);
        let Some(function) = function.filter(|_| old == Phase::Waiting as u32) else {
            self.requests.free(id);
            self.kthread_exit(cx, i64::from(Errno::EINTR.to_c()));
        };
        if let Function::C { function, data } = function {
            task.kthread.data.store(data, Ordering::Relaxed);
            task.kthread.function.0.set(function);
            task.entry_point.set(function);
        }
        let _ = self.set_policy(task, crate::sched::Policy::Normal);
        request.answer.store(task.index() as i32, Ordering::Release);
        // The creator must find the thread asleep: no preemption between the answer and it.
        task.set_state(TASK_UNINTERRUPTIBLE);
        task.head.preempt_add(1);
        self.complete(&request.done);
        task.head.preempt_sub(1);
        let waits = cx.waits_in(WaitsIn::Kthread);
        self.schedule(cx);
        drop(waits);
        if task.kthread.has(super::SHOULD_STOP) {
            drop(function);
            self.kthread_exit(cx, i64::from(Errno::EINTR.to_c()));
        }
        self.kthread_parkme(cx);
        let code = match function {
            Function::C { function, data } => function(data),
            Function::Rust(body) => self.run_body(cx, body),
        };
        self.kthread_exit(cx, i64::from(code));
    }

    /// Binds a thread that has not run yet to one CPU, for good (Linux: kthread_bind).
    pub fn kthread_bind(&self, cx: &Cx<'_>, task: &Task, cpu: u32) {
        self.kthread_bind_mask(cx, task, 1 << cpu);
    }

    /// Binds a thread that has not run yet to some CPUs, for good (Linux: kthread_bind_mask).
    pub fn kthread_bind_mask(&self, cx: &Cx<'_>, task: &Task, mask: u64) {
        let settled = || task.state() & TASK_UNINTERRUPTIBLE != 0 && task.head.is_saved();
        while task.state() & TASK_UNINTERRUPTIBLE != 0 && !settled() {
            cx.task.head.relax();
        }
        if !settled() || self.set_cpus_allowed(task, mask).is_err() {
            return self.warn(cx, "kthread_bind of a thread that is not newly created");
        }
        task.head.flags.fetch_or(PF_NO_SETAFFINITY, Ordering::Relaxed);
    }

    /// Whether a thread is its CPU's own (Linux: kthread_is_per_cpu).
    pub fn kthread_is_per_cpu(&self, task: &Task) -> bool {
        task.is_kthread() && task.kthread.has(PER_CPU)
    }

    /// Marks a thread as its CPU's own (Linux: kthread_set_per_cpu); a negative CPU unmarks it.
    pub fn kthread_set_per_cpu(&self, cx: &Cx<'_>, task: &Task, cpu: i32) {
        if task.flags() & PF_NO_SETAFFINITY == 0 {
            self.warn(cx, "kthread_set_per_cpu of a thread that is not bound");
        }
        match u32::try_from(cpu) {
            Ok(cpu) => {
                task.kthread.cpu.store(cpu, Ordering::Relaxed);
                task.kthread.bits.fetch_or(PER_CPU, Ordering::SeqCst);
            }
            Err(_) => {
                task.kthread.bits.fetch_and(!PER_CPU, Ordering::SeqCst);
            }
        }
    }
}
