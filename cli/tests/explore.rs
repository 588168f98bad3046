//! `kthreads explore`: its options, its result, and that what was found can be had again. That every
//! bug is found and every twin is clean is tested in `bugs.rs`.

mod tool;

use std::path::Path;

use tool::Run;

fn module(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../modules/bugs/interleaving");
    folder.join(name).to_string_lossy().into_owned()
}

fn explore(name: &str, options: &[&str]) -> (Run, String) {
    let path = module(name);
    let mut arguments = vec!["explore", &path];
    arguments.extend(options);
    let output = tool::kthreads(&arguments);
    let text = output.out.clone();
    (output, text)
}

#[test]
fn each_mistake_with_locks_is_told_of_once() {
    let run = || {
        let (output, text) =
            explore("../locking/two_mistakes.c", &["--keep-going", "--schedules", "60"]);
        assert_eq!(output.status, Some(1), "{text}");
        text
    };
    let text = run();
    assert_eq!(text.matches("report: WARNING: possible circular").count(), 2, "{text}");
    let reports = |text: &str| text.lines().filter(|line| !line.contains("a second")).count();
    assert_eq!(reports(&text), reports(&run()));
}

#[test]
fn the_same_seed_gives_the_same_result() {
    let run = || explore("lost_wakeup.c", &["--seed", "7", "--jobs", "1"]).1;
    let without_rate = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains("a second"));
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(without_rate(&run()), without_rate(&run()));
}

#[test]
fn a_string_of_something_else_is_told_apart() {
    let path = module("race.c");
    let output = tool::kthreads(&["replay", "kt3.2.1.0.0.AB", &path]);
    let text = &output.err;
    assert!(text.contains("warning: the modules, the script or the options"), "{text}");
    let output = tool::kthreads(&["replay", "kt2.2.1.0.AB", &path]);
    assert_eq!(output.status, Some(2));
    let text = &output.err;
    assert!(text.contains("version kt2"), "{text}");
}

#[test]
fn a_string_of_another_build_is_told_apart() {
    let path = module("lost_stop.c");
    let found = explore("lost_stop.c", &[]).1;
    let mut parts: Vec<&str> = replay_string(&found).split('.').collect();
    let (same, build) = (parts.join("."), parts[3]);
    parts[3] = if build == "1" { "2" } else { "1" };
    let warning = "kthreads: warning: another build of kthreads made the string";
    for (string, is_warned) in [(same, false), (parts.join("."), true)] {
        let output = tool::kthreads(&["replay", &string, &path]);
        assert_eq!(output.err.contains(warning), is_warned, "{}", output.describe());
        assert!(output.out.contains("lost wake-up: cleaner was"), "{}", output.describe());
    }
    // The same string, for another kernel.
    let string = replay_string(&found);
    let output = tool::kthreads(&["replay", string, "--as-linux", "5.15", &path]);
    assert!(output.err.contains("the script or the options"), "{}", output.describe());
}

#[test]
fn a_string_that_does_not_fit_stops_with_the_reason() {
    // There are not as many ways to go; and there are not as many decisions.
    for string in ["kt3.2.1.0.0.KJ", "kt3.2.1.0.0.-----fB"] {
        let output = tool::kthreads(&["replay", string, &module("lost_stop.c")]);
        assert_eq!(output.status, Some(2), "{}", output.describe());
        let reason = "kthreads: the string does not fit: 1 of its 1 choices could not be made";
        assert!(output.err.contains(reason), "{}", output.describe());
        assert_eq!(output.out, "", "{}", output.describe());
    }
}

#[test]
fn a_module_that_was_changed_is_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("changed.c");
    let replay = |string: &str, state: &str| {
        let text = std::fs::read_to_string(module("lost_stop.c")).expect("it is there");
        std::fs::write(&path, text.replace("TASK_IDLE", state)).expect("it can be written");
        let path = path.to_string_lossy();
        match string {
            "" => tool::kthreads(&["explore", &path]),
            string => tool::kthreads(&["replay", string, &path]),
        }
    };
    let found = replay("", "TASK_IDLE").out;
    let string = replay_string(&found).to_owned();
    for _ in 0..5 {
        let same = replay(&string, "TASK_IDLE");
        assert_eq!((same.status, same.err.as_str()), (Some(1), ""), "{}", same.describe());
        assert!(same.out.contains("lost wake-up: cleaner was"), "{}", same.describe());
    }
    // As long, and another state.
    let changed = replay(&string, "0x0000001");
    let warning = "kthreads: warning: the modules, the script or the options";
    assert!(changed.err.starts_with(warning), "{}", changed.describe());
}

/// The replay string of the first thing that was found.
fn replay_string(text: &str) -> &str {
    let string = text.lines().find_map(|line| line.strip_prefix("replay string: "));
    string.unwrap_or_else(|| panic!("nothing was found: {text}"))
}

#[test]
fn choices_at_calls_only_find_what_is_no_race() {
    let (output, text) = explore("race.c", &["--level", "lock", "--schedules", "300"]);
    assert_eq!(output.status, Some(0), "{text}");
    let (output, text) = explore("deadlock.c", &["--level", "lock"]);
    assert_eq!(output.status, Some(1), "{text}");
}

#[test]
fn a_script_is_a_scenario_of_its_own() {
    let script = ["--script", "rmmod lost_stop & ps; wait", "--schedules", "5000"];
    let (output, text) = explore("lost_stop.c", &script);
    assert_eq!(output.status, Some(1), "{}", output.describe());
    assert!(text.contains("lost wake-up: cleaner"), "{text}");
    assert!(output.log().is_empty(), "the kernels' logs are not shown: {text}");
    let (output, _) = explore("lost_stop.c", &["--script", "'"]);
    assert_eq!(output.status, Some(2));
}

/// A module with a worker of its own.
const WORKER: &str = r#"
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
MODULE_LICENSE("GPL");

static struct kthread_worker *worker;

static void work(struct kthread_work *unused)
{
}

static DEFINE_KTHREAD_WORK(item, work);

static int __init worker_init(void)
{
	worker = kthread_create_worker(0, "works");
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	kthread_queue_work(worker, &item);
	return 0;
}

static void __exit worker_exit(void)
{
	kthread_destroy_worker(worker);
}

module_init(worker_init);
module_exit(worker_exit);
"#;

/// Whoever looks what a module leaves behind meets the workers of others, which may be going too.
#[test]
fn two_modules_go_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = ["one", "two"].map(|name| folder.path().join(name).with_extension("c"));
    files.iter().for_each(|file| std::fs::write(file, WORKER).expect("a file"));
    let files = files.each_ref().map(|file| file.to_str().expect("a plain name"));
    let script = ["--script", "rmmod one & rmmod two; wait", "--schedules", "3000"];
    let output = tool::kthreads(&[&["explore"], &files[..], &script[..]].concat());
    assert_eq!(output.status, Some(0), "{}", output.describe());
}

#[test]
fn parts_of_a_campaign_are_joined() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |number: u32| folder.path().join(format!("{number}.json")).display().to_string();
    for number in 1..=2 {
        let (path, shard) = (file(number), format!("{number}/2"));
        let options = ["--shard", &shard, "--schedules", "100", "--json", &path, "--keep-going"];
        let (output, _) = explore("race.c", &options);
        assert_eq!(output.status, Some(1), "{}", output.describe());
    }
    let joined = tool::kthreads(&["explore", "--merge", &file(1), &file(2)]);
    assert_eq!(joined.status, Some(1), "{}", joined.describe());
    assert!(joined.out.contains("of 100 schedules"), "{}", joined.out);
}

/// A race two calls deep, of which one is inlined.
const DEEP: &str = r#"
#include <linux/kthread.h>
#include <linux/module.h>
static int count;
static struct task_struct *threads[2];
static inline void bump(int by)
{
	count += by;
}
static noinline void change(int by)
{
	bump(by);
}
static int work(void *by)
{
	change((long)by);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}
static int __init deep_init(void)
{
	threads[0] = kthread_run(work, (void *)1, "one");
	threads[1] = kthread_run(work, (void *)2, "two");
	return 0;
}
static void __exit deep_exit(void)
{
	kthread_stop(threads[0]);
	kthread_stop(threads[1]);
}
module_init(deep_init);
module_exit(deep_exit);
MODULE_LICENSE("GPL");
"#;

#[test]
fn a_race_is_told_with_the_calls_that_led_to_both_accesses() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep.c");
    std::fs::write(&path, DEEP).expect("it can be written");
    let output = tool::kthreads(&["explore", &path.to_string_lossy()]);
    assert_eq!(output.status, Some(1), "{}", output.describe());
    let place = "at change deep.c:8 in bump, inlined at deep.c:12";
    let lines: Vec<&str> = output.out.lines().collect();
    for name in ["one/", "two/"] {
        let by = format!("by {name}");
        let at = lines.iter().position(|line| line.contains(&by) && line.ends_with(place));
        let at = at.unwrap_or_else(|| panic!("no access of {name}: {}", output.out));
        assert_eq!(lines[at + 1].trim(), "called at work deep.c:16", "{}", output.out);
    }
}

/// Modules that never end by themselves, and what is said of them.
const ENDLESS: &[(&str, &str, &str)] = &[
    (
        "spins",
        "for (;;)\n\t\t;",
        "busy loop: the schedule does not end: sh in init_module spins.c:1",
    ),
    ("recurses", "depth = down(0);", "BUG: stack guard page was hit"),
    (
        "prints",
        "for (;;)\n\t\tpr_info(\"again\\n\");",
        "busy loop: the schedule does not end: sh in init_module prints.c:1",
    ),
];

#[test]
fn modules_that_never_end_are_bounded_and_named() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, body, report) in ENDLESS {
        let text = format!(
            "#include <linux/module.h>\n#include <linux/printk.h>\n\
             static volatile int depth;\n\
             static noinline int down(int n)\n{{\n\tvolatile char room[100];\n\troom[0] = n;\n\t\
             depth++;\n\treturn down(n + 1) + room[0];\n}}\n\
             static int __init endless_init(void)\n{{\n\t{body}\n\treturn depth ? down(1) : 0;\n}}\n\
             module_init(endless_init);\nMODULE_LICENSE(\"GPL\");\n"
        );
        let path = folder.path().join(format!("{name}.c"));
        std::fs::write(&path, text).expect("it can be written");
        let output = tool::kthreads(&["explore", "--jobs", "1", &path.to_string_lossy()]);
        assert_eq!(output.status, Some(1), "{name}: {}", output.describe());
        assert!(output.out.contains(report), "{name}: {}", output.out);
    }
}

/// A thread calls what is gone since init is over.
const LATE_INIT: &str = r#"#include <linux/init.h>
#include <linux/kthread.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/err.h>

MODULE_LICENSE("GPL");

static int (*volatile later)(void);
static struct task_struct *caller;

static noinline int __init once(void)
{
	return 3;
}

static int call(void *unused)
{
	msleep(1);
	later();
	while (!kthread_should_stop())
		msleep(1);
	return 0;
}

static int __init start(void)
{
	later = once;
	once();
	caller = kthread_run(call, NULL, "caller");
	return PTR_ERR_OR_ZERO(caller);
}

static void __exit end(void)
{
	kthread_stop(caller);
}

module_init(start);
module_exit(end);
"#;

#[test]
fn text_that_is_gone_after_init_faults_in_schedule_after_schedule() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("late_init.c");
    std::fs::write(&path, LATE_INIT).expect("it can be written");
    let options = ["explore", "--jobs", "1", "--schedules", "100", "--keep-going"];
    let path = path.to_string_lossy();
    let output = tool::kthreads(&options.into_iter().chain([&*path]).collect::<Vec<_>>());
    assert_eq!(output.status, Some(1), "{}", output.describe());
    assert!(output.out.contains("BUG: unable to handle page fault"), "{}", output.out);
    assert!(output.out.contains("which is gone since init is over"), "{}", output.out);
    // Where the thread is stopped before it gets there, all is well.
    let count = output.out.split("\nin ").nth(1).and_then(|rest| rest.split(' ').next());
    let count: u32 = count.and_then(|count| count.parse().ok()).expect("a count");
    assert!((50..100).contains(&count), "{}", output.out);
}
