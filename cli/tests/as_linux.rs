//! `--as-linux`: what differs between releases that modules are still written for, on every machine
//! that a command can take.

#[path = "tool/qemu.rs"]
mod qemu;
mod tool;

use std::fs;

use qemu::image;
use tempfile::TempDir;
use tool::{Run, kthreads};

/// Is asked to stop between its test and its sleep, and has a long name.
const CLEANER: &str = r#"
#include <linux/module.h>
#include <linux/kthread.h>
#include <linux/delay.h>
static struct task_struct *task;
static int clean(void *data)
{
        while (!kthread_should_stop()) {
                msleep(100);
                set_current_state(TASK_INTERRUPTIBLE);
                schedule();
        }
        return 0;
}
static int __init cleaner_init(void)
{
        task = kthread_run(clean, NULL, "cleaner_of_all_segments");
        return PTR_ERR_OR_ZERO(task);
}
static void __exit cleaner_exit(void)
{
        kthread_stop(task);
}
module_init(cleaner_init);
module_exit(cleaner_exit);
MODULE_LICENSE("GPL");
"#;

/// Loads the cleaner and unloads it after 50 ms.
fn unload(command: &[&str], release: &[&str]) -> Run {
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("cleaner.c");
    fs::write(&file, CLEANER).expect("a file");
    let file = file.to_str().expect("a path of letters");
    let script = ["--script", "sleep 0.05; ps -ef; rmmod cleaner"];
    let options = ["--fast-forward", "--cpus", "1", "--hung-task-timeout", "5"];
    kthreads(&[command, &[file], &script[..], &options, release].concat())
}

fn check(command: &[&str]) {
    for release in [&["--as-linux", "6.1"][..], &[]] {
        let run = unload(command, release);
        assert_eq!(run.status, Some(0), "{}", run.describe());
        assert!(run.out.contains("[cleaner_of_all_segments]"), "{}", run.describe());
    }
    let run = unload(command, &["--as-linux", "5.15"]);
    assert_eq!(run.status, Some(1), "{}", run.describe());
    assert!(run.out.contains("[cleaner_of_all_]\n"), "{}", run.describe());
    let is_hung = |line: &&str| line.contains("blocked for more than 5 seconds");
    assert!(run.log().iter().any(is_hung), "{}", run.describe());
}

#[test]
fn on_the_host() {
    check(&["run"]);
}

#[test]
fn on_bare_metal() {
    let Some(image) = image() else { return };
    check(&["boot", "--image", image]);
}

#[test]
fn a_release_that_nobody_knows() {
    let run = kthreads(&["run", "--as-linux", "2.4"]);
    assert_eq!(run.status, Some(2), "{}", run.describe());
    assert!(run.err.contains("write 5.15 or 6.1"), "{}", run.describe());
}
