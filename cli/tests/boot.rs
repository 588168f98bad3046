//! `kthreads boot`: what `kthreads run` does, on bare metal in QEMU. Where QEMU is not installed
//! there is nothing to check, and that is said.

#[path = "tool/qemu.rs"]
mod qemu;
mod tool;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use qemu::image;
use tempfile::TempDir;
use tool::{Run, kthreads};

/// Says hello with a number, starts a thread that sleeps until it is stopped.
const HELLO: &str = r#"
#include <linux/module.h>
#include <linux/kthread.h>
#include <linux/delay.h>
static int number = 1;
module_param(number, int, 0644);
static struct task_struct *task;
static int worker(void *data)
{
        while (!kthread_should_stop())
                msleep_interruptible(500);
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

/// Follows a null pointer in a thread, in a function that another one calls.
const OOPS: &str = r#"
#include <linux/module.h>
#include <linux/kthread.h>
#include <linux/delay.h>
static int *volatile nothing;
static noinline int follow(void)
{
        int value;
        msleep(1);
        value = *nothing;
        msleep(1);
        return value;
}
static int worker(void *data)
{
        return follow() + 1;
}
static int __init oops_init(void)
{
        return PTR_ERR_OR_ZERO(kthread_run(worker, NULL, "oops_worker"));
}
static void __exit oops_exit(void) { }
module_init(oops_init);
module_exit(oops_exit);
MODULE_LICENSE("GPL");
"#;

/// Raises a machine check in a thread, as broken hardware does.
const BROKEN: &str = r#"
#include <linux/module.h>
#include <linux/kthread.h>
static int worker(void *data)
{
        asm volatile("int $18");
        return 0;
}
static int __init broken_init(void)
{
        return PTR_ERR_OR_ZERO(kthread_run(worker, NULL, "broken_worker"));
}
module_init(broken_init);
MODULE_LICENSE("GPL");
"#;

/// A directory with the sources above.
struct Sources(TempDir);

impl Sources {
    fn new() -> Sources {
        let folder = tempfile::tempdir().expect("a directory");
        for (name, text) in [("hello", HELLO), ("oops", OOPS), ("broken", BROKEN)] {
            fs::write(folder.path().join(name).with_extension("c"), text).expect("a file");
        }
        Sources(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// Runs with a script, in as little time as it needs.
    fn run(&self, words: &[&str], script: &str) -> Run {
        self.script("run", words, script)
    }

    /// Boots an image, with a script.
    fn boot(&self, image: &str, words: &[&str], script: &str) -> Run {
        self.script("boot", &[words, &["--image", image]].concat(), script)
    }

    fn script(&self, command: &str, words: &[&str], script: &str) -> Run {
        let words: Vec<_> = words
            .iter()
            .map(|word| if word.ends_with(".c") { self.path(word) } else { (*word).to_owned() })
            .collect();
        let mut arguments = vec![command, "--fast-forward", "--script", script];
        arguments.extend(words.iter().map(String::as_str));
        kthreads(&arguments)
    }
}

fn assert_status(run: &Run, status: i32) {
    assert_eq!(run.status, Some(status), "{}", run.describe());
}

#[test]
fn a_run_is_the_same_on_bare_metal() {
    let Some(image) = image() else { return };
    let sources = Sources::new();
    let script = "sleep 1; cat /sys/module/hello/parameters/number; lsmod; insmod hello; \
                  insmod nothing.ko; pgrep -x hello_worker >/dev/null; frobnicate; rmmod hello; \
                  expect stopped with 7; exit 200";
    let words = ["hello.c", "number=7"];
    let booted = sources.boot(image, &words, script);
    let here = sources.run(&words, script);
    assert_status(&booted, 200);
    assert_eq!(booted.status, here.status);
    assert_eq!(booted.err, here.err);
    assert_eq!(booted.log(), here.log());
    let printed = |run: &Run| -> Vec<String> {
        let lines = run.out.lines().filter(|line| !line.starts_with('['));
        lines.take_while(|line| !line.starts_with("kthreads: ")).map(str::to_owned).collect()
    };
    assert_eq!(printed(&booted), printed(&here));
    assert!(booted.out.ends_with("kthreads: nothing is left behind\n"), "{}", booted.describe());
}

#[test]
fn an_oops_is_told_in_the_same_words() {
    let Some(image) = image() else { return };
    let sources = Sources::new();
    let booted = sources.boot(image, &["oops.c"], "sleep 1; echo on");
    let here = sources.run(&["oops.c"], "sleep 1; echo on");
    assert_status(&booted, 1);
    assert_status(&here, 1);
    assert!(booted.out.contains("\non\n"), "the rest runs on: {}", booted.describe());
    // On which CPU it happens is no matter.
    let told = |run: &Run| -> Vec<String> {
        let lines = run.log().into_iter().filter(|line| !line.starts_with("CPU: "));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(told(&booted), told(&here));
    for place in ["0010:follow+", " worker+"] {
        assert!(booted.out.contains(place), "no {place}: {}", booted.describe());
    }
    assert!(booted.out.contains(" [oops] (oops.c:10)\n"), "{}", booted.describe());
    assert!(booted.out.contains("kthreads: the kernel reported 1 bug"), "{}", booted.describe());
}

/// The paths of the C files in a folder of modules.
fn modules(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(tool::root().join(folder)).expect("it is part of the sources");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let paths = paths.filter(|path| path.extension().is_some_and(|ending| ending == "c"));
    let mut paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
    paths.sort();
    paths
}

/// Boots modules, all of them together.
fn boot_all(image: &str, modules: &[String], more: &[&str]) -> Run {
    let script = "sleep 4; cat /proc/lockdep_stats";
    let mut arguments = vec!["boot", "--fast-forward", "--image", image, "--script", script];
    arguments.extend(more);
    arguments.extend(modules.iter().map(String::as_str));
    kthreads(&arguments)
}

#[test]
fn mistakes_with_locks_are_told_of_and_nothing_else() {
    let Some(image) = image() else { return };
    let is_twin = |path: &String| path.ends_with("_fixed.c");
    let (twins, bugs): (Vec<_>, Vec<_>) =
        modules("modules/bugs/locking").into_iter().partition(is_twin);
    let run = boot_all(image, &bugs, &[]);
    assert_status(&run, 1);
    for bug in &bugs {
        // What names the module, after what kind of report it is.
        let expected = fs::read_to_string(bug.replace(".c", ".expected")).expect("a report");
        let first = expected.lines().next().unwrap_or_default().split("...").next();
        let first = first.unwrap_or_default();
        assert!(run.out.contains(first), "{bug}: no {first}: {}", run.describe());
    }
    let reports = run.log().iter().filter(|line| line.starts_with("WARNING: ")).count();
    assert!(reports >= bugs.len(), "{reports} of {}: {}", bugs.len(), run.describe());
    let run = boot_all(image, &bugs, &["--no-lockdep"]);
    assert!(
        !run.out.contains("possible circular")
            && run.out.contains("debug_locks:                             0"),
        "{}",
        run.describe()
    );
    let mut right = modules("modules/bugs/locking/silent");
    right.retain(|path| !path.ends_with("very_many_locks.c"));
    right.extend(twins);
    let run = boot_all(image, &right, &["--cpus", "2"]);
    assert_status(&run, 0);
    assert!(run.out.contains("debug_locks:                             1"), "{}", run.describe());
    assert!(run.out.ends_with("kthreads: nothing is left behind\n"), "{}", run.describe());
}

#[test]
fn an_oops_may_stop_the_kernel() {
    let Some(image) = image() else { return };
    let words = ["oops.c", "--append", "panic_on_oops=1"];
    let run = Sources::new().boot(image, &words, "sleep 1; echo never");
    assert_status(&run, 1);
    assert!(run.log().contains(&"Kernel panic - not syncing: Fatal exception"), "{}", run.out);
    let end = "---[ end Kernel panic - not syncing: Fatal exception ]---\n";
    assert!(run.out.ends_with(end) && !run.out.contains("never"), "{}", run.describe());
    assert_eq!(run.err, "kthreads: the kernel has panicked: see the log\n");
}

#[test]
fn a_machine_that_dies_says_where_by_name() {
    let Some(image) = image() else { return };
    let sources = Sources::new();
    let run = sources.boot(image, &["broken.c"], "sleep 1");
    assert_status(&run, 1);
    assert!(run.out.contains("kthreads: fatal: machine check at 0x"), "{}", run.describe());
    let calls = run.out.split_once("Call Trace:\n").expect("a trace").1;
    let is_named = |line: &str| line.contains("::task_main+0x") && line.contains("(spawn.rs:");
    assert!(calls.lines().any(is_named), "{}", run.describe());
    assert!(run.err.contains("the guest ended with status 127"), "{}", run.describe());
}

#[test]
fn gdb_stops_in_a_module_on_bare_metal() {
    let Some(image) = image() else { return };
    if Command::new("gdb").arg("--version").output().is_err() {
        eprintln!("skipped: gdb is missing (apt-get install gdb)");
        return;
    }
    let sources = Sources::new();
    let module = sources.path("hello.c");
    let script = "sleep 1; rmmod hello";
    let arguments = ["boot", &module, "--gdb", "--image", image, "--script", script];
    let mut boot = Command::new(env!("CARGO_BIN_EXE_kthreads"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut told = String::new();
    let mut errors = BufReader::new(boot.stderr.take().expect("a pipe"));
    while !told.contains("target remote :") {
        assert_ne!(errors.read_line(&mut told).expect("text"), 0, "{told}");
    }
    let port = told.split_once("target remote :").expect("a port").1;
    let port: String = port.chars().take_while(char::is_ascii_digit).collect();
    let gdb = Command::new("gdb")
        .args(["-nx", "-batch", "-ex", "set breakpoint pending on"])
        .args(["-ex", &format!("target remote :{port}"), "-ex", "break worker"])
        .args(["-ex", "continue", "-ex", "bt", "-ex", "delete", "-ex", "detach", image])
        .output()
        .expect("gdb");
    let said = String::from_utf8_lossy(&gdb.stdout);
    assert!(
        said.contains("worker (data=0x0) at "),
        "{said}\n{}",
        String::from_utf8_lossy(&gdb.stderr)
    );
    assert!(said.contains("hello.c:"), "{said}");
    assert!(said.contains("kthread_main"), "{said}");
    let ended = boot.wait_with_output().expect("its end");
    let log = String::from_utf8_lossy(&ended.stdout);
    assert!(log.contains("hello: stopped with 1"), "{log}");
    assert_eq!(ended.status.code(), Some(0), "{log}");
}

#[test]
fn what_is_wrong_has_its_status() {
    let Some(image) = image() else { return };
    let sources = Sources::new();
    let run = sources.boot(image, &["hello.c", "number=-12"], "echo never");
    assert_status(&run, 3);
    assert!(run.err.contains("cannot load hello ("), "{}", run.describe());
    assert!(run.err.contains("): Cannot allocate memory\n"), "{}", run.describe());
    let run = sources.boot(image, &[], "expect nothing");
    assert_status(&run, 1);
    let run = sources.boot(image, &["--append", "wrong=1"], "echo never");
    assert_status(&run, 2);
    assert!(run.err.contains("'wrong=1' on the kernel's command line"), "{}", run.describe());
    let run = sources.boot("/no/such/image", &[], "echo never");
    assert_status(&run, 3);
    assert_eq!(run.err, "kthreads: there is no kernel image /no/such/image\n");
    let run = sources.boot("README.md", &[], "echo never");
    assert_status(&run, 3);
    assert!(run.err.contains("qemu-system-x86_64 gave up"), "{}", run.describe());
}

#[test]
fn a_missing_qemu_is_told_with_what_to_install() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kthreads"));
    command.args(["boot", "--image", env!("CARGO_BIN_EXE_kthreads"), "--script", "ps"]);
    let output = command.env("PATH", "/nonexistent").output().expect("the command was built");
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("apt-get install qemu-system-x86"), "{text}");
}

#[test]
fn a_script_can_compile() {
    let Some(image) = image() else { return };
    let sources = Sources::new();
    let script = format!(
        "insmod {} number=3; insmod {}; lsmod",
        sources.path("hello.c"),
        sources.path("none.c")
    );
    let run = sources.boot(image, &["--quiet"], &script);
    assert_status(&run, 0);
    assert!(run.out.contains("\nhello "), "{}", run.describe());
    let missing =
        format!("could not load module {}: No such file or directory\n", sources.path("none.c"));
    assert!(run.err.ends_with(&missing), "{}", run.describe());
}

/// Starts the command with a pipe for its input.
fn piped(arguments: &[&str]) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_kthreads"))
        .args(arguments)
        .current_dir(tool::root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command was built")
}

#[test]
fn lines_come_through_a_pipe() {
    let Some(image) = image() else { return };
    let sources = Sources::new();
    let mut child =
        piped(&["boot", "--image", image, &sources.path("hello.c"), "number=4", "--fast-forward"]);
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(b"expect number 4\nsleep 1h & \necho 'two\nlines'\n").expect("written");
    // No time passes while the kernel waits for the next line.
    thread::sleep(Duration::from_millis(50));
    input.write_all(b"cat /proc/uptime\nexit 9\n").expect("written");
    drop(input);
    let output = child.wait_with_output().expect("an end");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(9), "{text}");
    assert!(text.contains("two\nlines\n"), "{text}");
    let uptime = text.split("two\nlines\n").nth(1).and_then(|rest| rest.split(' ').next());
    let uptime: f64 = uptime.and_then(|text| text.parse().ok()).expect("an uptime");
    assert!(uptime < 60.0, "the sleep of an hour went by: {text}");
    assert!(text.contains("hello: stopped with 4"), "{text}");
}

#[test]
fn an_interrupt_unloads_cleanly() {
    use std::io::{BufRead, BufReader, Read};
    let Some(image) = image() else { return };
    let sources = Sources::new();
    let script = "echo waits; sleep 1h; echo never";
    let mut child =
        piped(&["boot", "--image", image, &sources.path("hello.c"), "--script", script]);
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut all = String::new();
    while !all.contains("waits") {
        assert_ne!(out.read_line(&mut all).expect("text"), 0, "it ended: {all}");
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.expect("kill").success());
    out.read_to_string(&mut all).expect("text");
    assert_eq!(child.wait().expect("an end").code(), Some(130), "{all}");
    assert!(all.contains("hello: stopped with 1") && !all.contains("never"), "{all}");
    assert!(all.ends_with("kthreads: nothing is left behind\n"), "{all}");
}
