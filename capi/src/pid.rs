//! Process ids (Linux: linux/pid.h).
//!
//! A `struct pid` is the `pid` field of its task: C sees one int, the number. A reference to it is
//! one to the task, whose slot is not used again while somebody has one; so a held pid keeps its
//! number, and tells whether its task still lives.

use core::mem::offset_of;

use kthreads_base::Head;
use kthreads_kernel::signal::Target;
use kthreads_kernel::task::Task;
use kthreads_kernel::{Cx, Errno, to_c};

use crate::object::{TaskPtr, task};
use crate::signal::sender;

/// A `struct pid *` of C.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub(crate) struct PidPtr(usize);

const NULL: PidPtr = PidPtr(0);

fn pid_of(task: &Task) -> PidPtr {
    PidPtr(task.address() + offset_of!(Head, pid))
}

/// The slot that the pid belongs to, dead or alive; None for NULL.
fn slot<'k>(cx: &Cx<'k>, pid: PidPtr, what: &'static str) -> Option<&'k Task> {
    if pid.0 == 0 {
        return None;
    }
    task(cx, TaskPtr(pid.0.wrapping_sub(offset_of!(Head, pid))), what)
}

/// The task that has the pid now.
fn owner<'k>(cx: &Cx<'k>, pid: PidPtr, what: &'static str) -> Option<&'k Task> {
    let task = slot(cx, pid, what)?;
    cx.kernel.find_task(task.pid()).filter(|found| core::ptr::eq(*found, task))
}

fn found(task: Option<&Task>) -> PidPtr {
    task.map_or(NULL, pid_of)
}

fn address(task: Option<&Task>) -> usize {
    task.map_or(0, Task::address)
}

/// The same with a reference taken.
fn held<'k>(cx: &Cx<'k>, task: Option<&'k Task>) -> Option<&'k Task> {
    task.inspect(|task| cx.kernel.get_task(task))
}

export! {
    fn find_vpid(cx, number: i32) -> PidPtr {
        found(cx.kernel.find_task(number))
    }

    fn find_get_pid(cx, number: i32) -> PidPtr {
        found(held(cx, cx.kernel.find_task(number)))
    }

    fn pid_task(cx, pid: PidPtr, _kind: u32) -> usize {
        address(owner(cx, pid, "pid_task"))
    }

    fn get_pid_task(cx, pid: PidPtr, _kind: u32) -> usize {
        address(held(cx, owner(cx, pid, "get_pid_task")))
    }

    fn get_task_pid(cx, p: TaskPtr, _kind: u32) -> PidPtr {
        found(held(cx, task(cx, p, "get_task_pid")))
    }

    fn task_pid(cx, p: TaskPtr) -> PidPtr {
        found(task(cx, p, "task_pid"))
    }

    fn get_pid(cx, pid: PidPtr) -> PidPtr {
        held(cx, slot(cx, pid, "get_pid"));
        pid
    }

    fn put_pid(cx, pid: PidPtr) {
        if let Some(task) = slot(cx, pid, "put_pid") {
            crate::task::put(cx, task, "put_pid");
        }
    }

    fn kill_pid(cx, pid: PidPtr, signal: i32, private: i32) -> i32 {
        let Ok(signal) = u32::try_from(signal) else { return Errno::EINVAL.to_c() };
        let Some(task) = owner(cx, pid, "kill_pid") else { return Errno::ESRCH.to_c() };
        let sender = sender(private != 0);
        to_c(cx.kernel.send_signal(task, signal, sender, Target::Process).map(|()| 0))
    }
}

exports! {
    "find_vpid" => find_vpid, GplOnly;
    "find_get_pid" => find_get_pid, GplOnly;
    "pid_task" => pid_task, Any;
    "get_pid_task" => get_pid_task, GplOnly;
    "get_task_pid" => get_task_pid, GplOnly;
    "task_pid" => task_pid, Local;
    "get_pid" => get_pid, Local;
    "put_pid" => put_pid, Any;
    "kill_pid" => kill_pid, Any;
}
