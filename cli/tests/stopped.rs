//! A run that is stopped by its user and let go on: nobody is blamed for the time between.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

/// One thread does something for a second and a half, another waits for it.
const MODULE: &str = r#"
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
MODULE_LICENSE("GPL");

static DECLARE_COMPLETION(done);

static inline void compute(void)
{
	unsigned long end = jiffies + HZ / 2;

	while (time_before(jiffies, end))
		barrier();
}

static int run(void *unused)
{
	int i;

	pr_info("stop me\n");
	for (i = 0; i < 3; i++)
		WHAT;
	complete(&done);
	return 0;
}

static int __init stopped_init(void)
{
	struct task_struct *thread = kthread_run(run, NULL, "runner");

	if (IS_ERR(thread))
		return PTR_ERR(thread);
	wait_for_completion(&done);
	return 0;
}

static void __exit stopped_exit(void)
{
}

module_init(stopped_init);
module_exit(stopped_exit);
"#;
const COMPUTES: &str = "compute()";
const DELAYS: &str = "mdelay(500)";
const SLEEPS: &str = "schedule_timeout_interruptible(HZ / 2)";

/// How long the run is stopped: longer than a lockup or a hung task may last.
const STOPPED: Duration = Duration::from_secs(7);
const LIMITS: [&str; 4] = ["--watchdog-thresh", "2", "--hung-task-timeout", "5"];

fn signal_group(group: u32, signal: libc::c_int) {
    let group = libc::pid_t::try_from(group).expect("a process id");
    // SAFETY: a signal to processes that this test has started.
    assert_eq!(unsafe { libc::kill(-group, signal) }, 0);
}

/// Stops a run once its module says so, for a while; nothing may be reported.
fn is_not_blamed(what: &str, options: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("stopped.c");
    std::fs::write(&path, MODULE.replace("WHAT", what)).expect("the source is written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_kthreads"));
    command.arg("run").arg(&path).args(["--for", "0", "--cpus", "2"]).args(LIMITS).args(options);
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut run = command.spawn().expect("the command was built");
    let mut out = BufReader::new(run.stdout.take().expect("a pipe"));
    let mut said = String::new();
    while !said.contains("stop me") {
        assert_ne!(out.read_line(&mut said).expect("text"), 0, "it ended early: {said}");
    }
    signal_group(run.id(), libc::SIGSTOP);
    std::thread::sleep(STOPPED);
    signal_group(run.id(), libc::SIGCONT);
    out.read_to_string(&mut said).expect("text");
    let status = run.wait().expect("it ends");
    assert!(status.success(), "{status}: {said}");
}

#[test]
fn a_thread_that_computes() {
    is_not_blamed(COMPUTES, &[]);
}

#[test]
fn a_thread_that_computes_where_time_jumps() {
    is_not_blamed(COMPUTES, &["--fast-forward"]);
}

#[test]
fn a_thread_that_delays() {
    is_not_blamed(DELAYS, &[]);
}

#[test]
fn threads_that_all_sleep() {
    is_not_blamed(SLEEPS, &[]);
}
