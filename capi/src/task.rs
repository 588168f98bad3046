//! Tasks: references, names, and the old ways to begin and to end one.

use core::sync::atomic::Ordering;

use kthreads_kernel::format::FixedText;
use kthreads_kernel::log::Level;
use kthreads_kernel::task::state::{PF_EXITING, TASK_COMM_LEN};
use kthreads_kernel::task::{Task, ThreadFn};
use kthreads_kernel::{Cx, Errno, log, to_c};

use crate::env;
use crate::object::{Ptr, TaskPtr, str_of, task};
use crate::va_list::VaPtr;

/// Stores a text and zeros into a C buffer of `len` bytes, cut so that a NUL fits.
pub(crate) fn fill(to: *mut u8, len: usize, text: &[u8]) {
    let taken = text.len().min(len.saturating_sub(1));
    // SAFETY: C gives a buffer of that length; where there is none, the machine ends the thread.
    unsafe {
        core::ptr::copy(text.as_ptr(), to, taken);
        core::ptr::write_bytes(to.add(taken), 0, len - taken);
    }
}

/// What a thread that was made without a function runs: it ends as a call of NULL does.
extern "C" fn no_function(_: usize) -> i32 {
    crate::export::run(|cx| -> i32 {
        let message = "kernel NULL pointer dereference, address: 0000000000000000 \
                       (the thread was made without a function)";
        cx.kernel.die_of_panic(cx, message)
    })
}

/// A thread function of C's, or what takes its place where C gave none.
pub(crate) fn thread_fn(function: Option<ThreadFn>) -> ThreadFn {
    function.unwrap_or(no_function)
}

/// Ends the running thread; kthread_stop of a kernel thread gets the code.
pub(crate) fn exit(cx: &Cx<'_>, code: i64) -> ! {
    if cx.task.is_kthread() {
        cx.kernel.kthread_exit(cx, code);
    }
    cx.kernel.do_exit(cx, code)
}

/// Drops a reference; one that was never taken is reported and kept.
pub(crate) fn put(cx: &Cx<'_>, task: &Task, what: &'static str) {
    if task.head.usage.load(Ordering::Relaxed) <= references_of_the_kernel(task) {
        return report_missing_reference(cx, task, what);
    }
    cx.kernel.put_task(task);
}

/// How many references stand for the task itself: its pid, and that it is on a CPU or may be.
fn references_of_the_kernel(task: &Task) -> u32 {
    if task.flags() & PF_EXITING == 0 {
        return 2;
    }
    u32::from(task.head.on_cpu.load(Ordering::Relaxed) != 0)
}

#[cold]
fn report_missing_reference(cx: &Cx<'_>, task: &Task, what: &'static str) {
    cx.kernel.count_bug();
    let (comm, pid) = (task.comm(), task.pid());
    log!(cx, Level::Error, "kthreads: {what} of {comm} (pid {pid}) without a reference");
    cx.kernel.dump_stack(cx);
}

export! {
    fn get_task_struct(cx, p: TaskPtr) -> usize {
        if let Some(task) = task(cx, p, "get_task_struct") {
            cx.kernel.get_task(task);
        }
        p.0
    }

    fn put_task_struct(cx, p: TaskPtr) {
        if let Some(task) = task(cx, p, "put_task_struct") {
            put(cx, task, "put_task_struct");
        }
    }

    fn get_task_comm(cx, to: *mut u8, len: usize, p: TaskPtr) -> *mut u8 {
        let task = task(cx, p, "get_task_comm");
        let comm = task.map(Task::comm);
        fill(to, len, comm.as_ref().map_or("", |comm| comm.as_str()).as_bytes());
        to
    }

    fn set_task_comm(cx, p: TaskPtr, from: Ptr<u8>, _exec: bool) {
        if let Some(task) = task(cx, p, "set_task_comm") {
            task.set_comm(str_of(from));
        }
    }

    fn kernel_thread(cx, function: Option<ThreadFn>, arg: usize, flags: u64) -> i32 {
        to_c(cx.kernel.kernel_thread(cx, thread_fn(function), arg, flags))
    }

    fn vdaemonize(cx, fmt: Ptr<u8>, args: VaPtr) {
        let mut name = FixedText::<{ TASK_COMM_LEN - 1 }>::new();
        env::write(&mut name, fmt, args.get());
        cx.kernel.daemonize(cx, name.as_str());
    }

    fn set_freezable(cx) -> bool {
        let flags = kthreads_kernel::task::state::PF_NOFREEZE;
        cx.task.head.flags.fetch_and(!flags, Ordering::Relaxed);
        false
    }

    fn set_cpus_allowed_ptr(cx, p: TaskPtr, mask: Ptr<u64>) -> i32 {
        let mask = *mask.get();
        let Some(task) = task(cx, p, "set_cpus_allowed_ptr") else { return Errno::ESRCH.to_c() };
        to_c(cx.kernel.set_cpus_allowed(task, mask).map(|()| 0))
    }
}

export_noreturn! {
    fn do_exit(cx, code: i64) {
        exit(cx, code)
    }
}

variadic!(daemonize, 1, "rsi" => vdaemonize);

exports! {
    "get_task_struct" => get_task_struct, Local;
    "put_task_struct" => put_task_struct, Local;
    "__get_task_comm" => get_task_comm, Any;
    "__set_task_comm" => set_task_comm, Local;
    "kernel_thread" => kernel_thread, Local;
    "daemonize" => daemonize, Local;
    "set_freezable" => set_freezable, Any;
    "set_cpus_allowed_ptr" => set_cpus_allowed_ptr, GplOnly;
    "do_exit" => do_exit, Local;
}
