//! /proc/PID: status, stat, sched and the small files (Linux: fs/proc/array.c, base.c).
//!
//! A kernel thread has no address space, so its status has no Vm lines. A user-like task has one
//! that nothing is mapped in: status shows VmPeak, VmSize, VmHWM and VmRSS with 0 kB and leaves
//! the other lines of an address space out. Nobody makes process groups or sessions, so those of
//! all tasks are 0, as they are on Linux until a process makes one.

use alloc::string::String;
use core::fmt::{self, Write};
use core::sync::atomic::Ordering;

use super::bitmap::{Hex, List};
use crate::task::Task;
use crate::task::state::{TASK_RUNNING, state_letter};
use crate::{Errno, Kernel};

/// Nanoseconds in one of the ticks that user space counts time in (USER_HZ is 100).
const USER_TICK: u64 = 10_000_000;
/// How many memory nodes there could be (Linux: MAX_NUMNODES).
const MAX_NODES: u32 = 1024;
/// All capabilities of Linux 6.1.
const ALL_CAPABILITIES: u64 = (1 << 41) - 1;
/// The bits of a signal set that /proc/PID/stat shows: those of an old, signed set.
const OLD_SIGNALS: u64 = 0x7fff_ffff;

/// A file of /proc/PID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskFile {
    Cmdline,
    Comm,
    Sched,
    Stack,
    Stat,
    Status,
    Wchan,
}

impl TaskFile {
    pub(super) const ALL: &[(&str, TaskFile)] = &[
        ("cmdline", TaskFile::Cmdline),
        ("comm", TaskFile::Comm),
        ("sched", TaskFile::Sched),
        ("stack", TaskFile::Stack),
        ("stat", TaskFile::Stat),
        ("status", TaskFile::Status),
        ("wchan", TaskFile::Wchan),
    ];
}

impl Kernel {
    /// The text of a file of /proc/PID; ESRCH when the task ended meanwhile.
    pub(super) fn read_task(&self, task: &Task, file: TaskFile) -> Result<String, Errno> {
        let id = task.id();
        let text = super::render(|out| match file {
            TaskFile::Cmdline if task.is_kthread() => Ok(()),
            TaskFile::Cmdline => write!(out, "{}\0", task.comm()),
            TaskFile::Comm => writeln!(out, "{}", task.full_name()),
            TaskFile::Sched => self.write_sched(task, out),
            TaskFile::Stack => self.stack_text(task, out),
            TaskFile::Stat => self.write_stat(task, out),
            TaskFile::Status => self.write_status(task, out),
            TaskFile::Wchan => {
                let place = self.wait_channel(task);
                out.write_str(place.as_deref().unwrap_or("0"))
            }
        });
        self.task_by_id(id).map(|_| text).ok_or(Errno::ESRCH)
    }

    /// Sets the comm of `task` for the task `writer`: a task may name itself, nobody else.
    pub(super) fn write_comm(
        &self,
        writer: &Task,
        task: &Task,
        bytes: &[u8],
    ) -> Result<usize, Errno> {
        if writer.id() != task.id() {
            return Err(Errno::EINVAL);
        }
        let cut = &bytes[..bytes.len().min(crate::task::state::TASK_COMM_LEN - 1)];
        let name = cut.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        task.set_comm(name);
        Ok(bytes.len())
    }

    /// The task's parent, 0 for init and kthreadd.
    pub(super) fn parent_pid(&self, task: &Task) -> i32 {
        let parent = task.head.real_parent.load(Ordering::Relaxed);
        self.task_at(parent).map_or(0, Task::pid)
    }

    fn write_status(&self, task: &Task, out: &mut String) -> fmt::Result {
        let pid = task.pid();
        let parent = self.parent_pid(task);
        let (letter, word) = state_of(task);
        writeln!(out, "Name:\t{}", Escaped(&task.full_name()))?;
        write!(out, "Umask:\t0022\nState:\t{letter} ({word})\nTgid:\t{pid}\nNgid:\t0\n")?;
        write!(out, "Pid:\t{pid}\nPPid:\t{parent}\nTracerPid:\t0\n")?;
        write!(out, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t \n")?;
        write!(out, "NStgid:\t{pid}\nNSpid:\t{pid}\nNSpgid:\t0\nNSsid:\t0\n")?;
        if !task.is_kthread() {
            for name in ["VmPeak", "VmSize", "VmHWM", "VmRSS"] {
                writeln!(out, "{name}:\t{:8} kB", 0)?;
            }
        }
        self.write_signals(task, out)?;
        write_rights(out)?;
        self.write_allowed(task, out)?;
        let (given, taken) = switches_of(task);
        writeln!(out, "voluntary_ctxt_switches:\t{given}")?;
        writeln!(out, "nonvoluntary_ctxt_switches:\t{taken}")
    }

    fn write_signals(&self, task: &Task, out: &mut String) -> fmt::Result {
        let sets = task.signal_sets();
        // Nothing is ever queued; the limit is that of Linux's first process.
        write!(out, "Threads:\t1\nSigQ:\t0/{}\n", self.tasks.threads_max() / 2)?;
        let named = [
            ("SigPnd", sets.pending),
            ("ShdPnd", sets.shared),
            ("SigBlk", sets.blocked),
            ("SigIgn", sets.ignored),
            ("SigCgt", sets.caught),
        ];
        named.iter().try_for_each(|(name, set)| writeln!(out, "{name}:\t{set:016x}"))
    }

    fn write_allowed(&self, task: &Task, out: &mut String) -> fmt::Result {
        let cpus = task.head.cpus_mask.load(Ordering::Relaxed);
        let nodes = task.mems_allowed.load(Ordering::Relaxed);
        writeln!(out, "Cpus_allowed:\t{}", Hex { mask: cpus, bits: self.nr_cpus() })?;
        writeln!(out, "Cpus_allowed_list:\t{}", List(cpus))?;
        writeln!(out, "Mems_allowed:\t{}", Hex { mask: nodes, bits: MAX_NODES })?;
        writeln!(out, "Mems_allowed_list:\t{}", List(nodes))
    }

    /// The 52 fields of /proc/PID/stat (Linux: do_task_stat).
    fn write_stat(&self, task: &Task, out: &mut String) -> fmt::Result {
        let head = &task.head;
        let order = Ordering::Relaxed;
        let parent = self.parent_pid(task);
        let name = task.full_name();
        // 1 to 9: pid, comm, state, ppid, pgrp, session, tty_nr, tpgid, flags.
        write!(out, "{} ({name}) {} ", task.pid(), state_of(task).0)?;
        write!(out, "{parent} 0 0 0 -1 {} ", task.flags())?;
        // 10 to 17: page faults, utime, stime and those of children.
        write!(out, "0 0 0 0 0 {} 0 0 ", self.cpu_time(task).0 / USER_TICK)?;
        // 18 to 22: priority, nice, threads, itrealvalue, starttime.
        let prio = head.prio.load(order) - crate::sched::MAX_RT_PRIO;
        let start = head.start_time.load(order) / USER_TICK;
        write!(out, "{prio} {} 1 0 {start} ", task.nice())?;
        // 23 to 30: vsize, rss, rsslim, code, stack, kstkesp, kstkeip.
        write!(out, "0 0 {} 0 0 0 0 0 ", u64::MAX)?;
        // 31 to 34: signals.
        let sets = task.signal_sets();
        for set in [sets.pending, sets.blocked, sets.ignored, sets.caught] {
            write!(out, "{} ", set & OLD_SIGNALS)?;
        }
        // 35 to 41: wchan, swap, exit_signal, processor, rt_priority, policy.
        let sleeps = u32::from(task.state() != TASK_RUNNING);
        let (cpu, rt) = (task.sched.cpu_number(), head.rt_priority.load(order));
        let (signal, policy) = (head.exit_signal.load(order), head.policy.load(order));
        write!(out, "{sleeps} 0 0 {signal} {cpu} {rt} {policy} ")?;
        // 42 to 52: delays, guest time, addresses of data, heap, arguments; exit_code.
        writeln!(out, "0 0 0 0 0 0 0 0 0 0 {}", head.exit_code.load(order))
    }

    /// The lines of /proc/PID/sched that mean something here (Linux: proc_sched_show_task).
    fn write_sched(&self, task: &Task, out: &mut String) -> fmt::Result {
        let order = Ordering::Relaxed;
        writeln!(out, "{} ({}, #threads: 1)", task.comm(), task.pid())?;
        writeln!(out, "{:-<67}", "")?;
        let (given, taken) = switches_of(task);
        let times = [
            ("se.exec_start", task.sched.charged_at.load(order)),
            ("se.vruntime", task.sched.vruntime.load(order)),
            ("se.sum_exec_runtime", self.cpu_time(task).0),
        ];
        for (name, nanos) in times {
            writeln!(out, "{name:<45}:{:>14}.{:06}", nanos / 1_000_000, nanos % 1_000_000)?;
        }
        let static_prio = task.head.static_prio.load(order);
        let numbers = [
            ("nr_switches", given + taken),
            ("nr_voluntary_switches", given),
            ("nr_involuntary_switches", taken),
            ("se.load.weight", crate::sched::weight(static_prio) << 10),
            ("policy", u64::from(task.head.policy.load(order))),
            ("prio", task.head.prio.load(order) as u64),
        ];
        numbers.iter().try_for_each(|(name, number)| writeln!(out, "{name:<45}:{number:>21}"))
    }
}

fn write_rights(out: &mut String) -> fmt::Result {
    let sets = [0, ALL_CAPABILITIES, ALL_CAPABILITIES, ALL_CAPABILITIES, 0];
    for (name, set) in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].iter().zip(sets) {
        writeln!(out, "{name}:\t{set:016x}")?;
    }
    write!(out, "NoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n")?;
    writeln!(out, "Speculation_Store_Bypass:\tnot vulnerable")?;
    writeln!(out, "SpeculationIndirectBranch:\talways enabled")
}

fn state_of(task: &Task) -> (char, &'static str) {
    state_letter(task.state(), task.head.exit_state.load(Ordering::Relaxed))
}

fn switches_of(task: &Task) -> (u64, u64) {
    let head = &task.head;
    (head.nvcsw.load(Ordering::Relaxed), head.nivcsw.load(Ordering::Relaxed))
}

/// A name in one line: status escapes newlines and backslashes (Linux: proc_task_name).
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\n' => f.write_str("\\n")?,
                '\\' => f.write_str("\\\\")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Escaped;
    use alloc::string::ToString;

    #[test]
    fn names_stay_in_their_line() {
        assert_eq!(Escaped("a\nb\\c").to_string(), "a\\nb\\\\c");
        assert_eq!(Escaped("worker/0:1").to_string(), "worker/0:1");
    }
}
