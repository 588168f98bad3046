//! The command from outside: exit statuses, messages, the order of what it prints.

mod tool;

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tool::{Run, kthreads};

/// Says hello with a number, starts a thread that says what happens to it, and stops it.
const HELLO: &str = r#"
#include <linux/module.h>
#include <linux/kthread.h>
#include <linux/delay.h>
#include <linux/signal.h>
#include <linux/sched/signal.h>
static int number = 1;
module_param(number, int, 0644);
static struct task_struct *task;
static int worker(void *data)
{
        allow_signal(SIGUSR1);
        while (!kthread_should_stop()) {
                msleep_interruptible(500);
                if (signal_pending(current) && !kthread_should_stop()) {
                        flush_signals(current);
                        pr_info("hello: signalled\n");
                }
        }
        return number;
}
static int __init hello_init(void)
{
        pr_info("hello: number %d\n", number);
        if (number < 0)
                return number;
        task = kthread_run(worker, NULL, "hello_worker");
        return PTR_ERR_OR_ZERO(task);
}
static void __exit hello_exit(void)
{
        pr_info("hello: stopped with %d\n", kthread_stop(task));
}
module_init(hello_init);
module_exit(hello_exit);
MODULE_LICENSE("GPL");
"#;

/// Its exit function waits for what nobody completes.
const STUCK: &str = r#"
#include <linux/module.h>
#include <linux/completion.h>
static DECLARE_COMPLETION(never);
static int __init stuck_init(void) { return 0; }
static void __exit stuck_exit(void) { wait_for_completion(&never); }
module_init(stuck_init);
module_exit(stuck_exit);
MODULE_LICENSE("GPL");
"#;

/// Follows a null pointer in a thread.
const OOPS: &str = r#"
#include <linux/module.h>
#include <linux/kthread.h>
static int *volatile nothing;
static int worker(void *data) { return *nothing; }
static int __init oops_init(void)
{
        return PTR_ERR_OR_ZERO(kthread_run(worker, NULL, "oops_worker"));
}
static void __exit oops_exit(void) { }
module_init(oops_init);
module_exit(oops_exit);
MODULE_LICENSE("GPL");
"#;

/// A directory with the sources above.
struct Sources(TempDir);

impl Sources {
    fn new() -> Sources {
        let folder = tempfile::tempdir().expect("a directory");
        let all = [("hello", HELLO), ("stuck", STUCK), ("oops", OOPS)];
        for (name, text) in all {
            fs::write(folder.path().join(format!("{name}.c")), text).expect("a source");
        }
        fs::write(folder.path().join("broken.c"), "int x = ;\n").expect("a source");
        Sources(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("a path of text").to_owned()
    }

    /// Runs modules, each given as `name.c` with its parameters, with a script.
    fn script(&self, modules: &[&str], script: &str) -> Run {
        let mut arguments = vec!["run".to_owned()];
        arguments.extend(modules.iter().map(|word| match word.ends_with(".c") {
            true => self.path(word),
            false => (*word).to_owned(),
        }));
        arguments.extend(["--fast-forward", "--script", script].map(str::to_owned));
        kthreads(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

fn assert_status(run: &Run, status: i32) {
    assert_eq!(run.status, Some(status), "{}", run.describe());
}

#[test]
fn a_clean_run_ends_with_0_and_a_summary() {
    let run = Sources::new().script(&["hello.c", "number=7"], "sleep 1; echo between; rmmod hello");
    assert_status(&run, 0);
    let lines: Vec<_> = run.out.lines().collect();
    let place = |text: &str| lines.iter().position(|line| line.contains(text));
    assert!(place("hello: number 7") < place("between"), "{}", run.describe());
    assert!(place("between") < place("hello: stopped with 7"), "{}", run.describe());
    assert!(run.out.contains("hello_worker    pid "), "{}", run.describe());
    assert!(run.out.ends_with("returned 7\nkthreads: nothing is left behind\n"), "{}", run.out);
}

#[test]
fn what_is_loaded_is_unloaded_at_the_end() {
    let sources = Sources::new();
    let hello = sources.path("hello.c");
    for arguments in [
        vec!["run", &hello, "--fast-forward", "--for", "3600"],
        vec!["run", &hello, "--fast-forward", "--for", "60", "--script", "sleep 1d; echo never"],
        vec!["run", &hello, "--fast-forward", "--for", "1d", "--script", "sleep 1; exit"],
    ] {
        let run = kthreads(&arguments);
        assert_status(&run, 0);
        assert!(run.log().contains(&"hello: stopped with 1"), "{}", run.describe());
        assert!(!run.out.contains("never"), "{}", run.describe());
        assert!(run.out.ends_with("kthreads: nothing is left behind\n"), "{}", run.describe());
    }
}

#[test]
fn quiet_shows_only_what_the_script_prints() {
    let sources = Sources::new();
    let run = kthreads(&[
        "run",
        &sources.path("hello.c"),
        "--quiet",
        "--fast-forward",
        "--script",
        "echo here; grep -c 'hello: number' /dev/kmsg",
    ]);
    assert_status(&run, 0);
    assert!(run.out.starts_with("here\n1\nkthreads: "), "{}", run.describe());
    assert!(run.log().is_empty());
}

#[test]
fn a_script_is_a_test() {
    let sources = Sources::new();
    let good = "expect number 1; pkill -USR1 -x hello_worker; expect signalled within 2; \
                expect-no BUG; rmmod hello; expect 'stopped with 1'";
    assert_status(&sources.script(&["hello.c"], good), 0);
    let run = sources.script(&["hello.c"], "expect number 1\nexpect number 1\necho goes on");
    assert_status(&run, 1);
    assert!(run.err.contains("expect: line 2: the log does not show 'number 1'"), "{}", run.err);
    assert!(run.out.contains("goes on\n"), "{}", run.out);
    assert!(run.out.ends_with("kthreads: 1 expectation failed\n"), "{}", run.out);
}

#[test]
fn wrong_usage_is_2_and_nothing_is_run() {
    let sources = Sources::new();
    for (script, why) in [("ps | grep a", "`|` is not supported"), ("echo 'a", "never closed")] {
        let run = sources.script(&["hello.c"], script);
        assert_status(&run, 2);
        assert!(run.err.contains(why) && run.out.is_empty(), "{}", run.describe());
    }
    assert_status(&kthreads(&["run", &sources.path("hello.c"), "--fast-forward"]), 2);
    assert_status(&kthreads(&["run", "x=1"]), 2);
    assert_status(&kthreads(&["run", "--script-file", "/nowhere"]), 2);
}

#[test]
fn what_does_not_compile_or_load_is_3() {
    let sources = Sources::new();
    let run = sources.script(&["broken.c"], "echo never");
    assert_status(&run, 3);
    assert!(run.err.contains("broken.c did not compile") && run.out.is_empty(), "{}", run.err);
    let run = sources.script(&["missing.c"], "echo never");
    assert_status(&run, 3);
    assert!(run.err.contains("missing.c: no such file"), "{}", run.err);
}

#[test]
fn what_was_loaded_before_a_failure_is_unloaded() {
    let sources = Sources::new();
    fs::copy(sources.path("hello.c"), sources.path("other.c")).expect("a copy");
    let run = sources.script(&["hello.c", "other.c", "number=-12"], "echo never");
    assert_status(&run, 3);
    assert!(run.err.contains("cannot load other ("), "{}", run.err);
    assert!(run.err.contains("): Cannot allocate memory"), "{}", run.err);
    assert!(run.log().contains(&"hello: stopped with 1"), "{}", run.describe());
    assert!(!run.out.contains("never"), "{}", run.out);
}

#[test]
fn a_bad_parameter_is_said_as_by_kmod() {
    let sources = Sources::new();
    let run = sources.script(&["hello.c", "number=x"], "");
    assert_status(&run, 3);
    assert!(run.err.contains("Invalid parameters"), "{}", run.err);
    let script = "rmmod hello; insmod hello number=x; insmod hello number=5; insmod hello; \
                  cat /sys/module/hello/parameters/number; echo 6 > \
                  /sys/module/hello/parameters/number; rmmod hello; expect stopped with 6";
    let run = sources.script(&["hello.c"], script);
    assert_status(&run, 0);
    let expected = "insmod: ERROR: could not insert module hello: Invalid parameters\n\
                    insmod: ERROR: could not insert module hello: File exists\n";
    assert_eq!(run.err, expected);
    assert!(run.out.contains("\n5\n"), "{}", run.out);
}

#[test]
fn a_script_can_compile() {
    let sources = Sources::new();
    let (hello, broken) = (sources.path("hello.c"), sources.path("broken.c"));
    let script = format!("insmod {hello} number=3; lsmod; insmod {broken}; insmod nothing.ko");
    let run = sources.script(&[], &script);
    assert_status(&run, 0);
    assert!(run.out.contains("\nhello "), "{}", run.describe());
    assert!(run.err.contains(&format!("could not load module {broken}: ")), "{}", run.err);
    let missing = "insmod: ERROR: could not load module nothing.ko: No such file or directory\n";
    assert!(run.err.ends_with(missing), "{}", run.err);
}

#[test]
fn an_oops_is_a_bug() {
    let run = Sources::new().script(&["oops.c"], "sleep 1");
    assert_status(&run, 1);
    assert!(run.out.contains("BUG: kernel NULL pointer dereference"), "{}", run.out);
    assert!(run.out.contains("was killed by an oops"), "{}", run.out);
    assert!(run.out.contains("kthreads: the kernel reported 1 bug"), "{}", run.out);
}

#[test]
fn what_hangs_at_the_end_is_named() {
    let run = Sources::new().script(&["stuck.c", "hello.c"], "sleep 1");
    assert_status(&run, 1);
    assert!(run.err.contains("task rmmod:"), "{}", run.err);
    assert!(run.err.contains("blocked for more than 120 seconds"), "{}", run.err);
    assert!(run.err.contains("stuck is not unloaded: its exit function hangs"), "{}", run.err);
    assert!(run.log().contains(&"hello: stopped with 1"), "{}", run.describe());
    assert!(run.out.contains("  module stuck (Going"), "{}", run.out);
}

#[test]
fn a_blocked_rmmod_is_seen_and_does_not_block_the_script() {
    let run = Sources::new().script(&["stuck.c"], "rmmod stuck & ; sleep 1; ps -eo stat,comm");
    assert_status(&run, 1);
    assert!(run.out.lines().any(|line| line.starts_with('D') && line.ends_with("rmmod")));
}

/// Starts a run in real time, and interrupts it once it shows `text`.
fn interrupted(arguments: &[&str], text: &str) -> (Option<i32>, String) {
    use std::io::{BufRead, BufReader, Read};
    let mut child = Command::new(env!("CARGO_BIN_EXE_kthreads"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command was built");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut all = String::new();
    while !all.contains(text) {
        assert_ne!(out.read_line(&mut all).expect("text"), 0, "it ended: {all}");
    }
    let pid = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &pid]).status().expect("kill");
    assert!(killed.success());
    out.read_to_string(&mut all).expect("text");
    (child.wait().expect("an end").code(), all)
}

#[test]
fn an_interrupt_unloads_cleanly() {
    let sources = Sources::new();
    let hello = sources.path("hello.c");
    let script = "echo waits; sleep 1h; echo never";
    for (arguments, text) in [
        (vec!["run", &hello], "hello: number 1"),
        (vec!["run", &hello, "--script", script], "waits"),
    ] {
        let (status, out) = interrupted(&arguments, text);
        assert_eq!(status, Some(130), "{out}");
        assert!(out.contains("hello: stopped with 1") && !out.contains("never"), "{out}");
        assert!(out.ends_with("kthreads: nothing is left behind\n"), "{out}");
    }
}

#[test]
fn nobody_reading_ends_it_quietly() {
    let sources = Sources::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_kthreads"))
        .args(["run", &sources.path("hello.c"), "--script", "sleep 0.3; echo a; echo b"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command was built");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("an end");
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn the_shell_reads_a_file_of_commands() {
    let sources = Sources::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_kthreads"))
        .args(["shell", &sources.path("hello.c"), "number=4", "--fast-forward"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command was built");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(b"expect number 4\nsleep 1h & \necho 'two\nlines'\n").expect("written");
    // No time passes while the shell waits for the next line.
    thread::sleep(Duration::from_millis(50));
    input.write_all(b"cat /proc/uptime\nexit 9\n").expect("written");
    drop(input);
    let output = child.wait_with_output().expect("an end");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(9), "{text}");
    assert!(text.contains("two\nlines\n0.0"), "{text}");
    assert!(text.contains("hello: stopped with 4"), "{text}");
}
