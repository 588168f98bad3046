//! /proc, /sys and ps on the host machine, held against what Linux 6.1 printed.

mod modules;
mod system;
mod task;

use kthreads_base::Nanos;
use kthreads_host::{Clock, HostConfig, HostMachine};
use kthreads_kernel::task::Task;
use kthreads_kernel::task::state::*;
use kthreads_kernel::{Booted, Config, Cx, Errno, Kernel};

pub(crate) fn boot(cpus: u32) -> Booted {
    let config = HostConfig { cpus, clock: Clock::FastForward, ..HostConfig::default() };
    let machine = HostMachine::new(config).expect("a machine");
    Kernel::boot(machine, Config::default()).expect("a kernel")
}

pub(crate) fn read(cx: &Cx<'_>, path: &str) -> String {
    cx.kernel.proc_read(cx, path).unwrap_or_else(|errno| panic!("{path}: {errno}"))
}

pub(crate) fn write(cx: &Cx<'_>, path: &str, text: &str) -> Result<usize, Errno> {
    cx.kernel.proc_write(cx, path, text.as_bytes())
}

pub(crate) fn create<'k>(
    cx: &Cx<'k>,
    name: &str,
    body: impl FnOnce(&Cx<'_>) -> i32 + Send + 'static,
) -> &'k Task {
    cx.kernel.kthread_create_rust(cx, name, Box::new(body)).expect("a thread")
}

pub(crate) fn run<'k>(
    cx: &Cx<'k>,
    name: &str,
    body: impl FnOnce(&Cx<'_>) -> i32 + Send + 'static,
) -> &'k Task {
    let task = create(cx, name, body);
    cx.kernel.wake_up_process(task);
    task
}

pub(crate) fn until_stopped(cx: &Cx<'_>) -> i32 {
    loop {
        cx.task.set_state(TASK_INTERRUPTIBLE);
        if cx.kernel.kthread_should_stop(cx) {
            break;
        }
        cx.kernel.schedule(cx);
    }
    cx.task.set_state(TASK_RUNNING);
    0
}

/// Waits until the task sleeps, off its CPU.
pub(crate) fn sleeping(cx: &Cx<'_>, task: &Task) {
    while task.state() == TASK_RUNNING || !task.head.is_saved() {
        cx.kernel.sleep_for(cx, Nanos(100_000), TASK_UNINTERRUPTIBLE);
    }
}

pub(crate) fn stat_fields(cx: &Cx<'_>, task: &Task) -> (String, Vec<String>) {
    let text = read(cx, &format!("/proc/{}/stat", task.pid()));
    let text = text.strip_suffix('\n').expect("a line");
    let (front, rest) = text.rsplit_once(") ").expect("a name in parentheses");
    let (pid, name) = front.split_once(" (").expect("a pid");
    assert_eq!(pid, task.pid().to_string());
    (name.to_owned(), rest.split(' ').map(str::to_owned).collect())
}

/// Field `number` of /proc/PID/stat, as its manual counts them; the state is 3.
pub(crate) fn field(fields: &[String], number: usize) -> &str {
    &fields[number - 3]
}
