//! renice, taskset, chrt.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use kthreads_kernel::Errno;
use kthreads_kernel::sched::Policy;
use kthreads_kernel::task::Task;
use kthreads_kernel::task::state::{PF_NO_SETAFFINITY, SCHED_FIFO, SCHED_RR};

use super::{Info, Place};
use crate::interpreter::Call;

pub(super) const COMMANDS: &[Info] = &[
    Info {
        name: "renice",
        usage: "renice [-n] N [-p] PID...",
        about: "sets the nice value, -20 to 19",
        more: "",
        place: Place::Inline,
        run: renice,
    },
    Info {
        name: "taskset",
        usage: "taskset -p [MASK] PID  |  taskset -pc [CPUS] PID",
        about: "shows or sets which CPUs a task may run on",
        more: "MASK is hexadecimal, CPUS a list such as 0,2-3. A thread that kthread_bind has \
               bound cannot be moved: EINVAL.",
        place: Place::Inline,
        run: taskset,
    },
    Info {
        name: "chrt",
        usage: "chrt -p PID  |  chrt -o | -f | -r -p PRIORITY PID",
        about: "shows or sets a task's scheduling policy",
        more: "-o is SCHED_OTHER with priority 0, -f SCHED_FIFO and -r SCHED_RR with 1 to 99.",
        place: Place::Inline,
        run: chrt,
    },
];

fn find<'k>(call: &Call<'k>, pid: &str) -> Result<&'k Task, Errno> {
    let pid = pid.parse::<i32>().map_err(|_| Errno::ESRCH)?;
    let pid = if pid == 0 { call.cx.task.pid() } else { pid };
    call.cx.kernel.find_task(pid).ok_or(Errno::ESRCH)
}

fn renice(call: &mut Call<'_>) -> i32 {
    let mut words = call.arguments.iter().filter(|word| !matches!(word.as_str(), "-n" | "-p"));
    let Some(nice) = words.next().and_then(|word| word.parse::<i64>().ok()) else {
        return call.usage();
    };
    let pids: Vec<_> = words.collect();
    if pids.is_empty() {
        return call.usage();
    }
    pids.iter().fold(0, |status, pid| status | renice_one(call, nice, pid))
}

fn renice_one(call: &mut Call<'_>, nice: i64, pid: &str) -> i32 {
    if pid.parse::<i32>().is_err() {
        return call.fail(&format!("invalid process ID argument: {pid}"));
    }
    match find(call, pid) {
        Err(errno) => call.fail(&format!("failed to get priority for {pid} (process ID): {errno}")),
        Ok(task) => {
            let old = task.nice();
            // setpriority(2) takes what is out of range for the nearest that is in it.
            call.cx.kernel.set_user_nice(task, nice.clamp(-20, 19));
            let new = task.nice();
            call.print_line(&format!("{pid} (process ID) old priority {old}, new priority {new}"));
            0
        }
    }
}

/// How taskset writes and reads sets of CPUs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Mask,
    List,
}

impl Form {
    fn show(self, mask: u64) -> (&'static str, String) {
        match self {
            Form::Mask => ("mask", format!("{mask:x}")),
            Form::List => ("list", show_list(mask)),
        }
    }

    fn read(self, text: &str) -> Option<u64> {
        match self {
            Form::Mask => u64::from_str_radix(text.trim_start_matches("0x"), 16).ok(),
            Form::List => read_list(text),
        }
    }
}

fn show_list(mask: u64) -> String {
    let is_in = |cpu: u32| cpu < 64 && mask & (1 << cpu) != 0;
    let mut parts: Vec<String> = Vec::new();
    let mut cpu = 0;
    while cpu < 64 {
        if !is_in(cpu) {
            cpu += 1;
            continue;
        }
        let first = cpu;
        while is_in(cpu + 1) {
            cpu += 1;
        }
        parts.push(match cpu - first {
            0 => format!("{first}"),
            1 => format!("{first},{cpu}"),
            _ => format!("{first}-{cpu}"),
        });
        cpu += 1;
    }
    parts.join(",")
}

fn read_list(text: &str) -> Option<u64> {
    let number = |text: &str| text.parse::<u32>().ok().filter(|cpu| *cpu < 64);
    let mut mask = 0;
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        for cpu in number(first)?..=number(last)? {
            mask |= 1 << cpu;
        }
    }
    Some(mask)
}

fn taskset(call: &mut Call<'_>) -> i32 {
    let words: Vec<&str> = call.arguments.iter().map(String::as_str).collect();
    let (form, rest) = match words.as_slice() {
        ["-p", "-c", rest @ ..] | ["-c", "-p", rest @ ..] | ["-pc" | "-cp", rest @ ..] => {
            (Form::List, rest)
        }
        ["-p", rest @ ..] => (Form::Mask, rest),
        _ => return call.usage(),
    };
    let (wanted, pid) = match rest {
        [pid] => (None, *pid),
        [wanted, pid] => (Some(*wanted), *pid),
        _ => return call.usage(),
    };
    let task = match find(call, pid) {
        Ok(task) => task,
        Err(errno) => {
            return call.fail(&format!("failed to get pid {pid}'s affinity: {errno}"));
        }
    };
    show_affinity(call, form, "current", pid, task);
    let Some(wanted) = wanted else { return 0 };
    let Some(mask) = form.read(wanted) else {
        return call.fail(&format!("failed to parse CPU {}: {wanted}", form.show(0).0));
    };
    match set_affinity(call, task, mask) {
        Ok(()) => {
            show_affinity(call, form, "new", pid, task);
            0
        }
        Err(errno) => call.fail(&format!("failed to set pid {pid}'s affinity: {errno}")),
    }
}

fn show_affinity(call: &mut Call<'_>, form: Form, which: &str, pid: &str, task: &Task) {
    let (kind, mask) = form.show(task.head.cpus_mask.load(Ordering::Relaxed));
    call.print_line(&format!("pid {pid}'s {which} affinity {kind}: {mask}"));
}

/// Does what sched_setaffinity(2) does.
fn set_affinity(call: &Call<'_>, task: &Task, mask: u64) -> Result<(), Errno> {
    if task.flags() & PF_NO_SETAFFINITY != 0 {
        return Err(Errno::EINVAL);
    }
    call.cx.kernel.set_cpus_allowed(task, mask)
}

fn chrt(call: &mut Call<'_>) -> i32 {
    let words: Vec<&str> = call.arguments.iter().map(String::as_str).collect();
    let letters: String = words.iter().filter_map(|word| word.strip_prefix('-')).collect();
    let rest: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with('-')).collect();
    if !letters.contains('p') || !letters.chars().all(|c| "pofr".contains(c)) {
        return call.usage();
    }
    let (priority, pid) = match rest.as_slice() {
        [pid] => (None, *pid),
        [priority, pid] => (Some(*priority), *pid),
        _ => return call.usage(),
    };
    let task = match find(call, pid) {
        Ok(task) => task,
        Err(errno) => return call.fail(&format!("failed to get pid {pid}'s policy: {errno}")),
    };
    let Some(priority) = priority else { return show_policy(call, pid, task) };
    let Ok(priority) = priority.parse::<u32>() else {
        return call.fail(&format!("invalid priority argument: '{priority}'"));
    };
    let policy = match (letters.contains('o'), letters.contains('f')) {
        (true, _) => Policy::Normal,
        (false, true) => Policy::Fifo(priority),
        // What chrt takes when it is not told.
        (false, false) => Policy::RoundRobin(priority),
    };
    let set = match (policy, priority) {
        (Policy::Normal, 1..) => Err(Errno::EINVAL),
        _ => call.cx.kernel.set_policy(task, policy),
    };
    set.map_or_else(
        |errno| call.fail(&format!("failed to set pid {pid}'s policy: {errno}")),
        |()| 0,
    )
}

fn show_policy(call: &mut Call<'_>, pid: &str, task: &Task) -> i32 {
    let policy = match task.head.policy.load(Ordering::Relaxed) {
        SCHED_FIFO => "SCHED_FIFO",
        SCHED_RR => "SCHED_RR",
        _ => "SCHED_OTHER",
    };
    let priority = task.head.rt_priority.load(Ordering::Relaxed);
    call.print(&format!(
        "pid {pid}'s current scheduling policy: {policy}\n\
         pid {pid}'s current scheduling priority: {priority}\n"
    ));
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cpus() {
        for (mask, list) in [(0b1, "0"), (0b11, "0,1"), (0b111, "0-2"), (0b1101, "0,2,3")] {
            assert_eq!(show_list(mask), list);
            assert_eq!(read_list(list), Some(mask));
        }
        assert_eq!(show_list(u64::MAX), "0-63");
        assert_eq!(read_list("0-63"), Some(u64::MAX));
        for bad in ["", "a", "64", "0-64", "1-", "-1"] {
            assert_eq!(read_list(bad), None, "{bad}");
        }
    }
}
