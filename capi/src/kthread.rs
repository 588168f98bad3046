//! Kernel threads (Linux: linux/kthread.h).

use kthreads_kernel::format::{Args, FixedText};
use kthreads_kernel::kthread::Node;
use kthreads_kernel::task::ThreadFn;
use kthreads_kernel::task::state::FULL_NAME_MAX;
use kthreads_kernel::wait::Completion;
use kthreads_kernel::{Cx, Errno, to_c};

use crate::env;
use crate::object::{Ptr, TaskPtr, error_pointer, task};
use crate::task::{fill, thread_fn};
use crate::va_list::VaPtr;

/// Makes a thread whose name is a C format; the address of its task_struct.
pub(crate) fn create<'k>(
    cx: &Cx<'k>,
    function: ThreadFn,
    data: usize,
    fmt: Ptr<u8>,
    args: &mut dyn Args,
) -> Result<&'k kthreads_kernel::task::Task, Errno> {
    let mut name = FixedText::<FULL_NAME_MAX>::new();
    env::write(&mut name, fmt, args);
    cx.kernel.kthread_create_on_node(cx, function, data, Node::ANY, name.as_str())
}

/// The one argument of the name that kthread_create_on_cpu formats.
struct Cpu(u32);

impl Args for Cpu {
    fn next(&mut self) -> u64 {
        u64::from(self.0)
    }
}

hot_export! {
    fn kthread_should_stop(cx) -> bool {
        cx.kernel.kthread_should_stop(cx)
    }
}

export! {
    fn vkthread_create(
        cx,
        function: Option<ThreadFn>,
        data: usize,
        _node: i32,
        fmt: Ptr<u8>,
        args: VaPtr,
    ) -> usize {
        match create(cx, thread_fn(function), data, fmt, args.get()) {
            Ok(task) => task.address(),
            Err(errno) => error_pointer(errno),
        }
    }

    fn kthread_create_on_cpu(
        cx,
        function: Option<ThreadFn>,
        data: usize,
        cpu: u32,
        fmt: Ptr<u8>,
    ) -> usize {
        match create(cx, thread_fn(function), data, fmt, &mut Cpu(cpu)) {
            Ok(task) => {
                cx.kernel.kthread_bind(cx, task, cpu);
                task.address()
            }
            Err(errno) => error_pointer(errno),
        }
    }

    fn kthread_stop(cx, k: TaskPtr) -> i32 {
        task(cx, k, "kthread_stop").map_or(0, |task| cx.kernel.kthread_stop(cx, task))
    }

    fn kthread_bind(cx, k: TaskPtr, cpu: u32) {
        let Some(task) = task(cx, k, "kthread_bind") else { return };
        if cpu >= cx.kernel.nr_cpus() {
            return cx.kernel.warn(cx, "kthread_bind to a CPU that does not exist");
        }
        cx.kernel.kthread_bind(cx, task, cpu);
    }

    fn kthread_bind_mask(cx, k: TaskPtr, mask: Ptr<u64>) {
        let mask = *mask.get();
        if let Some(task) = task(cx, k, "kthread_bind_mask") {
            cx.kernel.kthread_bind_mask(cx, task, mask);
        }
    }

    fn kthread_park(cx, k: TaskPtr) -> i32 {
        let Some(task) = task(cx, k, "kthread_park") else { return Errno::ENOSYS.to_c() };
        to_c(cx.kernel.kthread_park(cx, task).map(|()| 0))
    }

    fn kthread_unpark(cx, k: TaskPtr) {
        if let Some(task) = task(cx, k, "kthread_unpark") {
            cx.kernel.check_unpark(cx, task);
            cx.kernel.kthread_unpark(task);
        }
    }

    fn kthread_should_park(cx) -> bool {
        cx.kernel.kthread_should_park(cx)
    }

    fn kthread_should_park_of(cx, k: TaskPtr) -> bool {
        let task = task(cx, k, "__kthread_should_park");
        task.is_some_and(|task| cx.kernel.kthread_should_park_of(task))
    }

    fn kthread_parkme(cx) {
        cx.kernel.kthread_parkme(cx);
    }

    fn kthread_data(cx, k: TaskPtr) -> usize {
        let Some(task) = task(cx, k, "kthread_data") else { return 0 };
        if !task.is_kthread() {
            cx.kernel.warn(cx, "kthread_data of a task that is no kernel thread");
            return 0;
        }
        cx.kernel.kthread_data(task)
    }

    fn kthread_probe_data(cx, k: TaskPtr) -> usize {
        let live = cx.kernel.task_at(k.0).filter(|task| task.is_kthread());
        live.map_or(0, |task| cx.kernel.kthread_data(task))
    }

    fn kthread_func(cx, k: TaskPtr) -> usize {
        task(cx, k, "kthread_func").and_then(|task| cx.kernel.kthread_func(task)).unwrap_or(0)
    }

    fn get_kthread_comm(cx, buf: *mut u8, size: usize, k: TaskPtr) {
        let name = task(cx, k, "get_kthread_comm").map(|task| task.full_name());
        fill(buf, size, name.unwrap_or_default().as_bytes());
    }

    fn kthread_set_per_cpu(cx, k: TaskPtr, cpu: i32) {
        if let Some(task) = task(cx, k, "kthread_set_per_cpu") {
            cx.kernel.kthread_set_per_cpu(cx, task, cpu);
        }
    }

    fn kthread_is_per_cpu(cx, k: TaskPtr) -> bool {
        let task = task(cx, k, "kthread_is_per_cpu");
        task.is_some_and(|task| cx.kernel.kthread_is_per_cpu(task))
    }
}

export_noreturn! {
    fn kthread_complete_and_exit(cx, completion: Ptr<Completion>, code: i64) {
        if let Some(completion) = completion.option() {
            cx.kernel.complete(completion);
        }
        crate::task::exit(cx, code)
    }

    fn kthread_exit(cx, code: i64) {
        crate::task::exit(cx, code)
    }
}

variadic!(kthread_create_on_node, 4, "r8" => vkthread_create);

exports! {
    "kthread_create_on_node" => kthread_create_on_node, Any;
    "kthread_create_on_cpu" => kthread_create_on_cpu, Any;
    "kthread_stop" => kthread_stop, Any;
    "kthread_should_stop" => kthread_should_stop, Any;
    "kthread_bind" => kthread_bind, Any;
    "kthread_bind_mask" => kthread_bind_mask, Local;
    "kthread_park" => kthread_park, GplOnly;
    "kthread_unpark" => kthread_unpark, GplOnly;
    "kthread_should_park" => kthread_should_park, GplOnly;
    "__kthread_should_park" => kthread_should_park_of, GplOnly;
    "kthread_parkme" => kthread_parkme, GplOnly;
    "kthread_data" => kthread_data, GplOnly;
    "kthread_func" => kthread_func, GplOnly;
    "kthread_probe_data" => kthread_probe_data, Local;
    "get_kthread_comm" => get_kthread_comm, Local;
    "kthread_set_per_cpu" => kthread_set_per_cpu, Local;
    "kthread_is_per_cpu" => kthread_is_per_cpu, Local;
    "kthread_complete_and_exit" => kthread_complete_and_exit, Any;
    "kthread_exit" => kthread_exit, Local;
}
