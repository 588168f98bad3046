//! /proc/PID and ps.

use std::sync::atomic::{AtomicI32, Ordering};

use kthreads_base::{Nanos, with_current};
use kthreads_kernel::proc::PsColumns;
use kthreads_kernel::sched::Policy;
use kthreads_kernel::{Cx, Errno, Kernel};

use crate::{boot, create, field, read, run, sleeping, stat_fields, until_stopped, write};

/// What Linux 6.1 with two CPUs prints for kthreadd; `*` stands for what differs from run to run.
const KTHREADD_STATUS: &str = "\
Name:	kthreadd
Umask:	0022
State:	S (sleeping)
Tgid:	2
Ngid:	0
Pid:	2
PPid:	0
TracerPid:	0
Uid:	0	0	0	0
Gid:	0	0	0	0
FDSize:	64
Groups:	 
NStgid:	2
NSpid:	2
NSpgid:	0
NSsid:	0
Threads:	1
SigQ:	0/*
SigPnd:	0000000000000000
ShdPnd:	0000000000000000
SigBlk:	0000000000000000
SigIgn:	ffffffffffffffff
SigCgt:	0000000000000000
CapInh:	0000000000000000
CapPrm:	000001ffffffffff
CapEff:	000001ffffffffff
CapBnd:	000001ffffffffff
CapAmb:	0000000000000000
NoNewPrivs:	0
Seccomp:	0
Seccomp_filters:	0
Speculation_Store_Bypass:	not vulnerable
SpeculationIndirectBranch:	always enabled
Cpus_allowed:	3
Cpus_allowed_list:	0-1
Mems_allowed:	00000000,*,00000001
Mems_allowed_list:	0
voluntary_ctxt_switches:	*
nonvoluntary_ctxt_switches:	*
";

const KTHREADD_STAT: &str = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 * 0 0 20 0 1 0 * 0 0 \
    18446744073709551615 0 0 0 0 0 0 0 2147483647 0 1 0 0 0 * 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

const KTHREADD_SCHED: &str = "\
kthreadd (2, #threads: 1)
-------------------------------------------------------------------
se.exec_start                                :*.*
se.vruntime                                  :*.*
se.sum_exec_runtime                          :*.*
nr_switches                                  :*
nr_voluntary_switches                        :*
nr_involuntary_switches                      :                    0
se.load.weight                               :              1048576
policy                                       :                    0
prio                                         :                  120
";

/// Whether `text` is what `pattern` says, `*` being any text without a newline.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == text };
    let Some(rest) = text.strip_prefix(before) else { return false };
    let line_end = rest.find('\n').unwrap_or(rest.len());
    (0..=line_end).any(|at| rest.is_char_boundary(at) && matches(after, &rest[at..]))
}

fn assert_lines_match(pattern: &str, text: &str) {
    for (expected, line) in pattern.lines().zip(text.lines()) {
        assert!(matches(expected, line), "expected {expected:?}, got {line:?}");
    }
    assert_eq!(text.lines().count(), pattern.lines().count(), "{text}");
    assert_eq!(text.ends_with('\n'), pattern.ends_with('\n'));
}

#[test]
fn kthreadd_shows_as_on_linux() {
    boot(2).enter(|cx| {
        sleeping(cx, cx.kernel.kthreadd());
        assert_lines_match(KTHREADD_STATUS, &read(cx, "/proc/2/status"));
        assert_lines_match(KTHREADD_STAT, &read(cx, "/proc/2/stat"));
        assert_lines_match(KTHREADD_SCHED, &read(cx, "/proc/2/sched"));
        let nodes = read(cx, "/proc/2/status");
        let nodes = nodes.lines().find(|line| line.starts_with("Mems_allowed:")).unwrap();
        assert_eq!(nodes.matches(',').count(), 31);
        assert_eq!(read(cx, "/proc/2/comm"), "kthreadd\n");
        assert_eq!(read(cx, "/proc/2/cmdline"), "");
        assert_eq!(read(cx, "/proc/2/wchan"), "kthreadd");
        assert_eq!(read(cx, "/proc/2/stack"), "");
        assert_eq!(read(cx, "/proc/2/task/2/comm"), "kthreadd\n");
        sleeping(cx, cx.kernel.find_task(1).expect("init"));
        assert_eq!(read(cx, "/proc/1/wchan"), "do_wait");
    });
}

#[test]
fn a_user_like_task_shows_an_address_space() {
    boot(2).enter_as("sh", |cx| {
        let pid = cx.task.pid();
        let status = read(cx, "/proc/self/status");
        assert!(status.contains("\nNSsid:\t0\nVmPeak:\t       0 kB\nVmSize:\t       0 kB\n"));
        assert!(status.contains("\nVmRSS:\t       0 kB\nThreads:\t1\n"));
        assert!(status.contains(&format!("\nPid:\t{pid}\nPPid:\t1\n")));
        assert!(status.contains("State:\tR (running)\n"));
        assert_eq!(read(cx, "/proc/self/cmdline"), "sh\0");
        assert_eq!(read(cx, "/proc/self/wchan"), "0");
        let (_, fields) = stat_fields(cx, cx.task.get_ref());
        assert_eq!((field(&fields, 9), field(&fields, 35)), ("64", "0"));
    });
}

#[test]
fn stat_tells_how_a_thread_is_scheduled() {
    boot(2).enter(|cx| {
        let name = "a_name_that_is_longer_than_fifteen";
        let kernel = cx.kernel;
        let [nice, fifo, bound] =
            [name, "fifo", "bound"].map(|name| create(cx, name, until_stopped));
        kernel.set_user_nice(nice, -5);
        kernel.set_policy(fifo, Policy::Fifo(50)).unwrap();
        kernel.kthread_bind(cx, bound, 1);

        let (shown, fields) = stat_fields(cx, nice);
        assert_eq!((shown.as_str(), fields.len()), (name, 50));
        assert_eq!((field(&fields, 18), field(&fields, 19)), ("15", "-5"));
        assert_eq!((field(&fields, 4), field(&fields, 38)), ("2", "17"));
        assert_eq!(nice.comm().as_str(), &name[..15]);
        assert_eq!(read(cx, &format!("/proc/{}/comm", nice.pid())), format!("{name}\n"));
        let status = read(cx, &format!("/proc/{}/status", nice.pid()));
        assert!(
            status.starts_with(&format!("Name:\t{name}\nUmask:\t0022\nState:\tD (disk sleep)\n"))
        );

        let (_, fields) = stat_fields(cx, fifo);
        assert_eq!((field(&fields, 18), field(&fields, 19)), ("-51", "0"));
        assert_eq!((field(&fields, 40), field(&fields, 41)), ("50", "1"));

        let (_, fields) = stat_fields(cx, bound);
        assert_eq!((field(&fields, 3), field(&fields, 9)), ("D", "69238848"));
        let status = read(cx, &format!("/proc/{}/status", bound.pid()));
        assert!(status.contains("\nCpus_allowed:\t2\nCpus_allowed_list:\t1\n"));

        for task in [nice, fifo, bound] {
            assert_eq!(kernel.kthread_stop(cx, task), -4);
        }
    });
}

#[test]
fn user_space_cannot_move_a_bound_thread() {
    boot(2).enter(|cx| {
        let kernel = cx.kernel;
        let [bound, free] = ["bound", "free"].map(|name| create(cx, name, until_stopped));
        kernel.kthread_bind(cx, bound, 1);
        assert_eq!(kernel.set_affinity_from_user(bound, 1), Err(Errno::EINVAL));
        assert_eq!(kernel.set_affinity_from_user(free, 1 << 40), Err(Errno::EINVAL));
        assert_eq!(kernel.set_affinity_from_user(free, 1 | 1 << 40), Ok(()));
        let status = read(cx, &format!("/proc/{}/status", free.pid()));
        assert!(status.contains("\nCpus_allowed_list:\t0\n"));
        kernel.set_nice_from_user(bound, 40);
        assert_eq!(bound.nice(), 19);
        kernel.set_nice_from_user(bound, -40);
        assert_eq!(bound.nice(), -20);
        let rt = Policy::RoundRobin(100);
        assert_eq!(kernel.set_policy_from_user(bound, rt), Err(Errno::EINVAL));
        kernel.kthread_stop(cx, bound);
        kernel.kthread_stop(cx, free);
    });
}

#[test]
fn comm_can_be_written_by_the_task_itself_only() {
    boot(1).enter(|cx| {
        assert_eq!(write(cx, "/proc/self/comm", "newname_is_too_long_for_it\n"), Ok(27));
        assert_eq!(read(cx, "/proc/self/comm"), "newname_is_too_\n");
        assert_eq!(write(cx, "/proc/2/comm", "z\n"), Err(Errno::EINVAL));
        assert_eq!(write(cx, "/proc/1/comm", "z\n"), Err(Errno::EINVAL));
        assert_eq!(read(cx, "/proc/2/comm"), "kthreadd\n");
    });
}

/// What the thread below finds as its parent once the one that made it has ended.
static FOUND: AtomicI32 = AtomicI32::new(-1);

fn parent_of_mine(cx: &Cx<'_>) -> i32 {
    let status = read(cx, "/proc/self/status");
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:\t"));
    parent.expect("a line").parse().expect("a pid")
}

extern "C" fn outlives_its_parent(parent: usize) -> i32 {
    with_current(|kernel: &Kernel, _| {
        let cx = kernel.cx();
        let is_first = parent_of_mine(&cx) == parent as i32;
        kernel.msleep(&cx, 1000);
        FOUND.store(if is_first { parent_of_mine(&cx) } else { 0 }, Ordering::Release);
    });
    0
}

#[test]
fn who_has_lost_its_parent_is_a_child_of_inits() {
    let kernel = boot(2);
    kernel.enter_as("sh", |cx| {
        let me = cx.task.pid();
        cx.kernel.kernel_thread(cx, outlives_its_parent, me as usize, 0).expect("a thread");
        // It has looked for the first time.
        cx.kernel.msleep(cx, 500);
    });
    kernel.enter_as("sh", |cx| cx.kernel.msleep(cx, 2000));
    assert_eq!(FOUND.load(Ordering::Acquire), 1);
}

#[test]
fn ps_shows_kernel_threads_in_brackets() {
    boot(2).enter_as("sh", |cx| {
        let busy = run(cx, "busy_with_a_longer_name", |cx| {
            cx.kernel.delay(cx, Nanos(5_000_000_000));
            until_stopped(cx)
        });
        cx.kernel.msleep(cx, 9_500);
        let rows = cx.kernel.ps_rows(cx);
        let row = |pid| rows.iter().find(|row| row.pid == pid).expect("a row");
        let (first, second, mine) = (row(1), row(2), row(cx.task.pid()));
        assert_eq!((first.command.as_str(), first.parent), ("init", 0));
        assert_eq!((second.command.as_str(), second.parent), ("[kthreadd]", 0));
        assert_eq!((mine.command.as_str(), mine.parent, mine.state), ("sh", 1, 'R'));
        let busy_row = row(busy.pid());
        assert_eq!(busy_row.command, "[busy_with_a_longer_name]");
        assert_eq!(busy_row.parent, 2);
        assert!((5..9).contains(&busy_row.cpu_seconds), "{busy_row:?}");
        assert!((50..=99).contains(&busy_row.cpu_percent), "{busy_row:?}");

        let full = cx.kernel.ps_table(cx, PsColumns::Full).to_string();
        let head = "UID          PID    PPID  C STIME TTY          TIME CMD\n";
        assert!(full.starts_with(head), "{full}");
        let line = full.lines().find(|line| line.ends_with("[kthreadd]")).unwrap();
        assert!(line.starts_with("root           2       0  0 "), "{line}");
        assert!(line.ends_with(" ?        00:00:00 [kthreadd]"), "{line}");
        let short = cx.kernel.ps_table(cx, PsColumns::Short).to_string();
        assert!(short.starts_with("    PID TTY          TIME CMD\n"));
        assert!(short.contains("\n      2 ?        00:00:00 kthreadd\n"));
        cx.kernel.kthread_stop(cx, busy);
    });
}

#[test]
fn ps_outlives_the_tasks_it_shows() {
    boot(4).enter(|cx| {
        let threads = run(cx, "maker", |cx| {
            for _ in 0..500 {
                let task = run(cx, "short", until_stopped);
                cx.kernel.kthread_stop(cx, task);
            }
            until_stopped(cx)
        });
        for _ in 0..200 {
            for row in cx.kernel.ps_rows(cx) {
                let known = ["init", "kthreadd", "khungtaskd", "host", "maker", "short"];
                assert!(known.contains(&&*row.name), "{row:?}");
                let _may_be_gone = cx.kernel.proc_read(cx, &format!("/proc/{}/stat", row.pid));
            }
        }
        cx.kernel.kthread_stop(cx, threads);
    });
}
