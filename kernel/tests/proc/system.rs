//! /proc itself, /proc/sys, and the errors.

use kthreads_base::Nanos;
use kthreads_kernel::Errno;
use kthreads_kernel::report::TAINT_OUT_OF_TREE;

use crate::{boot, field, read, run, stat_fields, until_stopped, write};

#[test]
fn errors_are_those_that_root_gets() {
    boot(1).enter(|cx| {
        let reads = [
            ("", Errno::ENOENT),
            ("/proc", Errno::EISDIR),
            ("/proc/2", Errno::EISDIR),
            ("/", Errno::EISDIR),
            ("/proc/nope", Errno::ENOENT),
            ("/proc/02/stat", Errno::ENOENT),
            ("/proc/+2/stat", Errno::ENOENT),
            ("/proc/4000000/stat", Errno::ENOENT),
            ("/proc/99999999999/stat", Errno::ENOENT),
            ("/proc/2/nope", Errno::ENOENT),
            ("/proc/2/task/1/comm", Errno::ENOENT),
            ("/proc/uptime/", Errno::ENOTDIR),
            ("/proc/uptime/x", Errno::ENOTDIR),
            ("/sys/module/nope/refcnt", Errno::ENOENT),
            ("/etc/passwd", Errno::ENOENT),
        ];
        for (path, errno) in reads {
            assert_eq!(cx.kernel.proc_read(cx, path), Err(errno), "{path}");
        }
        let writes = [
            ("/proc/uptime", Errno::EIO),
            ("/proc/2/stat", Errno::EINVAL),
            ("/proc/sys/kernel/ostype", Errno::EACCES),
            ("/proc/2", Errno::EISDIR),
            ("/proc/nope", Errno::ENOENT),
            ("/sys/module/nope", Errno::EACCES),
        ];
        for (path, errno) in writes {
            assert_eq!(write(cx, path, "1\n"), Err(errno), "{path}");
        }
        assert_eq!(read(cx, "//proc/./2/../2//comm"), "kthreadd\n");
        assert_eq!(read(cx, "/../proc/2/comm"), "kthreadd\n");
    });
}

#[test]
fn settings_can_be_changed() {
    boot(1).enter(|cx| {
        let path = |name| format!("/proc/sys/kernel/{name}");
        let set = |name, text| write(cx, &path(name), text).map(|_| read(cx, &path(name)));
        let said = |text: &str| Ok(text.to_owned());
        let invalid = Err(Errno::EINVAL);
        assert_eq!(read(cx, &path("pid_max")), "4194304\n");
        assert_eq!(set("pid_max", "300\n"), invalid);
        assert_eq!(set("pid_max", "abc\n"), invalid);
        assert_eq!(set("pid_max", "32768\n"), said("32768\n"));
        assert_eq!(set("threads-max", "0\n"), invalid);
        assert_eq!(set("threads-max", "2000\n"), said("2000\n"));
        assert_eq!(read(cx, &path("hung_task_timeout_secs")), "120\n");
        assert_eq!(set("hung_task_timeout_secs", "-1\n"), invalid);
        assert_eq!(set("hung_task_timeout_secs", "  0x10 7\n"), said("16\n"));
        assert_eq!(cx.kernel.hung_task_seconds(), 16);
        assert_eq!(read(cx, &path("panic_on_oops")), "0\n");
        assert_eq!(set("panic_on_oops", "x\n"), invalid);
        assert_eq!(set("panic_on_oops", "1\n"), said("1\n"));
        assert!(cx.kernel.panics_on_oops());
        assert_eq!(read(cx, &path("printk")), "7\t4\t1\t7\n");
        assert_eq!(set("printk", "8\n"), said("8\t4\t1\t7\n"));
        assert_eq!(set("printk", "3 5\n"), said("3\t5\t1\t7\n"));
        assert_eq!(set("printk", "x\n"), invalid);
        assert_eq!(cx.kernel.console_loglevel(), 3);
        cx.kernel.add_taint(TAINT_OUT_OF_TREE);
        assert_eq!(set("tainted", "512\n"), said("4608\n"));
        assert_eq!(set("tainted", "0\n"), said("4608\n"));
        assert_eq!(set("tainted", "-1\n"), invalid);
        assert_eq!(read(cx, &path("ostype")), "Linux\n");
        assert!(read(cx, &path("osrelease")).starts_with("6.1."));
    });
}

#[test]
fn few_threads_may_be_made_when_threads_max_is_small() {
    boot(1).enter(|cx| {
        let there = cx.kernel.task_count();
        write(cx, "/proc/sys/kernel/threads-max", &there.to_string()).unwrap();
        let made = cx.kernel.kthread_create_rust(cx, "more", Box::new(until_stopped));
        assert_eq!(made.err(), Some(Errno::EAGAIN));
    });
}

#[test]
fn the_system_counts_time_and_tasks() {
    boot(2).enter(|cx| {
        let busy = run(cx, "busy", |cx| {
            cx.kernel.delay(cx, Nanos(3_000_000_000));
            until_stopped(cx)
        });
        cx.kernel.msleep(cx, 10_000);
        let (_, fields) = stat_fields(cx, busy);
        let ticks: u64 = field(&fields, 15).parse().unwrap();
        assert!((300..900).contains(&ticks), "{ticks}");

        let uptime = read(cx, "/proc/uptime");
        let times: Vec<f64> = uptime.split_whitespace().map(|text| text.parse().unwrap()).collect();
        assert!(times[0] >= 10.0 && times[1] >= 10.0 && times[1] <= 2.0 * times[0], "{uptime}");

        let load = read(cx, "/proc/loadavg");
        let parts: Vec<&str> = load.trim_end().split(' ').collect();
        let [_, _, _, counts, last_pid] = parts[..] else { panic!("{load}") };
        assert_eq!(counts, format!("1/{}", cx.kernel.task_count()));
        assert_eq!(last_pid, busy.pid().to_string());

        let stat = read(cx, "/proc/stat");
        let names: Vec<&str> = stat.lines().map(|line| line.split(' ').next().unwrap()).collect();
        let expected =
            ["cpu", "cpu0", "cpu1", "ctxt", "btime", "processes", "procs_running", "procs_blocked"];
        assert_eq!(names, expected);
        assert!(stat.starts_with("cpu  0 0 ") && stat.contains("\nprocs_running 1\n"));
        assert!(stat.contains(&format!("\nprocesses {last_pid}\n")));
        assert_eq!(stat.lines().nth(1).unwrap().split(' ').count(), 11);
        let switches: u64 =
            stat.lines().nth(3).unwrap().strip_prefix("ctxt ").unwrap().parse().unwrap();
        assert!(switches > 4, "{stat}");
        cx.kernel.kthread_stop(cx, busy);
    });
}

#[test]
fn meminfo_version_and_cpuinfo_keep_their_form() {
    boot(2).enter(|cx| {
        let memory = read(cx, "/proc/meminfo");
        for line in memory.lines() {
            assert_eq!((line.len(), &line[line.len() - 3..]), (27, " kB"), "{line:?}");
        }
        let value = |name| {
            let line = memory.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
        };
        assert!(value("MemFree:") <= value("MemTotal:") && value("MemTotal:") > 0);
        assert!(read(cx, "/proc/version").starts_with("Linux version 6.1."));
        assert_eq!(read(cx, "/proc/cpuinfo").matches("processor\t: ").count(), 2);
    });
}
