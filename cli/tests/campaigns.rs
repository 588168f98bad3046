//! Campaigns of `kthreads explore` that do not run to their end in peace: interrupted, short of
//! memory, with a compiler that cannot do all, with workers that die; and campaigns in parts.

mod tool;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use tool::{Run, kthreads, root};

fn module(name: &str) -> String {
    root().join("modules/bugs/interleaving").join(name).display().to_string()
}

/// A campaign that goes on for ever, with its result in a file.
struct Endless {
    child: Child,
    folder: tempfile::TempDir,
}

impl Endless {
    /// Starts it, and waits until its result says `is_ready`.
    fn start(name: &str, is_ready: impl Fn(&Value) -> bool) -> Endless {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_kthreads"));
        command.args(["explore", &module(name), "--keep-going", "--time", "10m", "--jobs", "2"]);
        command.arg("--json").arg(folder.path().join("out.json"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.env_remove("CC").spawn().expect("it can be started");
        let mut campaign = Endless { child, folder };
        while !campaign.result().is_some_and(|result| is_ready(&result)) {
            let ended = campaign.child.try_wait().expect("it is a child");
            assert!(ended.is_none(), "it has ended: {ended:?}");
            sleep(Duration::from_millis(10));
        }
        campaign
    }

    /// The result so far, if there is one; it must be whole.
    fn result(&self) -> Option<Value> {
        let text = fs::read_to_string(self.folder.path().join("out.json")).ok()?;
        Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    /// The processes of its workers.
    fn workers(&self) -> Vec<String> {
        let id = self.child.id();
        let path = format!("/proc/{id}/task/{id}/children");
        let text = fs::read_to_string(path).expect("the kernel tells of children");
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn end(mut self) -> Run {
        let (mut out, mut err) = (String::new(), String::new());
        let pipes = (self.child.stdout.take(), self.child.stderr.take());
        let (Some(mut stdout), Some(mut stderr)) = pipes else { panic!("both are piped") };
        stdout.read_to_string(&mut out).expect("text");
        stderr.read_to_string(&mut err).expect("text");
        let status = self.child.wait().expect("it ends").code();
        Run { status, out, err }
    }
}

fn kill(signal: &str, process: &str) {
    let status = Command::new("kill").args([signal, process]).status();
    assert!(status.is_ok_and(|status| status.success()), "kill {signal} {process}");
}

fn has_found(result: &Value) -> bool {
    result["found"].as_array().is_some_and(|found| !found.is_empty())
}

#[test]
fn ctrl_c_ends_a_campaign_with_its_summary() {
    let campaign = Endless::start("race.c", has_found);
    kill("-INT", &campaign.child.id().to_string());
    let run = campaign.end();
    assert_eq!(run.status, Some(130), "{}", run.describe());
    assert!(run.out.contains("data race on count: work race.c:13\n"), "{}", run.describe());
    let last = run.out.lines().last().unwrap_or_default();
    assert!(last.starts_with("kthreads: ") && last.contains(" schedules, "), "{}", run.describe());
    assert_eq!(run.err, "", "{}", run.describe());
    assert!(run.log().is_empty(), "the kernels' logs are not shown: {}", run.describe());
}

#[test]
fn the_result_is_whole_whenever_a_campaign_is_killed() {
    let campaign = Endless::start("race.c", has_found);
    let workers = campaign.workers();
    assert_eq!(workers.len(), 2);
    kill("-KILL", &campaign.child.id().to_string());
    let Endless { mut child, folder } = campaign;
    child.wait().expect("it ends");
    let file = folder.path().join("out.json").display().to_string();
    let merged = kthreads(&["explore", "--merge", &file]);
    assert_eq!(merged.status, Some(1), "{}", merged.describe());
    assert!(merged.out.contains("data race on count"), "{}", merged.describe());
    for worker in workers {
        while Path::new("/proc").join(&worker).join("exe").exists() {
            sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn a_worker_that_dies_is_told_of() {
    let campaign = Endless::start("race.c", has_found);
    let workers = campaign.workers();
    // As if Rust had found no memory.
    kill("-ABRT", &workers[0]);
    while campaign.workers().len() == 2 {
        sleep(Duration::from_millis(10));
    }
    kill("-INT", &campaign.child.id().to_string());
    let run = campaign.end();
    let death = format!("kthreads: worker {} was killed by SIGABRT", workers[0]);
    assert!(run.err.contains(&death), "{}", run.describe());
    assert!(run.out.contains("data race on count"), "{}", run.describe());
}

#[test]
fn a_campaign_whose_workers_die_is_not_clean() {
    let has_run = |result: &Value| result["schedules"].as_u64() > Some(0);
    let campaign = Endless::start("race_fixed.c", has_run);
    campaign.workers().iter().for_each(|worker| kill("-KILL", worker));
    let run = campaign.end();
    assert_eq!(run.status, Some(1), "{}", run.describe());
    assert_eq!(run.err.matches("was killed by SIGKILL").count(), 2, "{}", run.describe());
    assert!(run.out.ends_with(" 0 bugs\n"), "{}", run.describe());
}

#[test]
fn little_memory_is_enough_to_find_something() {
    // Too little for stacks and memory that schedules go back to: kernels are booted anew.
    let script = format!(
        "ulimit -v 400000; exec {} explore --jobs 1 {}",
        env!("CARGO_BIN_EXE_kthreads"),
        module("lost_stop.c")
    );
    let output = Command::new("sh").args(["-c", &script]).output().expect("there is a shell");
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(out.starts_with("lost wake-up: cleaner was to be woken"), "{out}");
}

#[test]
fn memory_that_runs_out_is_an_error_of_the_module_s_call() {
    let text = "#include <linux/module.h>\n#include <linux/slab.h>\n\
                static int __init hungry_init(void)\n{\n\tint count = 0;\n\n\
                \twhile (kmalloc(1 << 22, GFP_KERNEL))\n\t\tcount++;\n\
                \tWARN_ON(count > 1);\n\treturn -ENOMEM;\n}\n\
                module_init(hungry_init);\nMODULE_LICENSE(\"GPL\");\n";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hungry.c");
    fs::write(&path, text).expect("it can be written");
    let script = format!(
        "ulimit -v 4000000; exec {} explore --jobs 1 --schedules 5 {}",
        env!("CARGO_BIN_EXE_kthreads"),
        path.display()
    );
    let output = Command::new("sh").args(["-c", &script]).output().expect("there is a shell");
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(out.contains("WARNING: ") && out.contains("hungry.c:9"), "{out}");
}

#[test]
fn a_compiler_that_cannot_instrument_is_told_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cc");
    let text = "#!/bin/sh\nfor word; do\n\tcase $word in\n\t-fsanitize=thread*) \
                echo \"unrecognized option '$word'\" >&2; exit 1 ;;\n\tesac\ndone\nexec gcc \"$@\"\n";
    fs::write(&path, text).expect("it can be written");
    let status = Command::new("chmod").arg("+x").arg(&path).status();
    assert!(status.is_ok_and(|status| status.success()));
    for (name, status) in [("lost_stop.c", 1), ("race.c", 0)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kthreads"));
        command.args(["explore", &module(name), "--schedules", "1000"]).env("CC", &path);
        let output = command.output().expect("the command was built");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), output.stderr.as_slice());
        let err = String::from_utf8_lossy(err);
        assert_eq!(output.status.code(), Some(status), "{name}: {out}{err}");
        let warning = "kthreads: warning: this compiler cannot instrument accesses of memory\n";
        assert!(err.starts_with(warning), "{name}: {err}");
        assert!(err.contains("at calls of the kernel only, and no races are found"), "{err}");
    }
}

/// A thread that goes by the host's clock, which no replay brings back: 32 times, and in a way that
/// shows each time, so that two runs do not agree by chance. What is read in a loop has a stride;
/// it is mixed.
const CLOCK: &str = "\
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
static DECLARE_COMPLETION(heard);
static struct task_struct *thread;
static int work(void *unused)
{
	unsigned int low, high;
	int i;

	while (!kthread_should_stop()) {
		for (i = 0; i < 32; i++) {
			__asm__ volatile(\"rdtsc\" : \"=a\"(low), \"=d\"(high));
			low = (low ^ low >> 15) * 2654435761u;
			low = (low ^ low >> 13) * 2246822519u;
			if (low >> 31)
				complete(&heard);
			else
				complete_all(&heard);
		}
		msleep(10);
	}
	return 0;
}
static int __init clock_init(void)
{
	thread = kthread_run(work, NULL, \"worker\");
	return PTR_ERR_OR_ZERO(thread);
}
static void __exit clock_exit(void)
{
	kthread_stop(thread);
}
module_init(clock_init);
module_exit(clock_exit);
MODULE_LICENSE(\"GPL\");
";

#[test]
fn what_cannot_be_repeated_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("clock.c");
    fs::write(&path, CLOCK).expect("it can be written");
    let run = kthreads(&["explore", "--schedules", "20", &path.display().to_string()]);
    assert_eq!(run.status, Some(0), "{}", run.describe());
    let warning = "what is run again goes another way, from worker/";
    assert!(run.err.contains(warning), "{}", run.describe());
    assert!(run.err.contains(" in work clock.c:"), "{}", run.describe());
    let right = kthreads(&["explore", "--schedules", "20", &module("race_fixed.c")]);
    assert_eq!(right.err, "", "{}", right.describe());
}

#[test]
fn a_module_that_is_never_loaded_is_told_of() {
    let text = "#include <linux/module.h>\nstatic int __init no_init(void)\n{\n\
                \treturn -ENODEV;\n}\nmodule_init(no_init);\nMODULE_LICENSE(\"GPL\");\n";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("no.c");
    fs::write(&path, text).expect("it can be written");
    let run = kthreads(&["explore", "--schedules", "20", &path.display().to_string()]);
    assert_eq!(run.status, Some(0), "{}", run.describe());
    let warning = "kthreads: warning: a module was loaded in no schedule: no: ";
    assert!(run.err.starts_with(warning), "{}", run.describe());
}

/// What a result says was found: how often each, and in which schedule first.
fn findings(path: &Path) -> BTreeMap<String, (u64, u64)> {
    let text = fs::read_to_string(path).expect("a result");
    let result: Value = serde_json::from_str(&text).expect("it is JSON");
    let found = result["found"].as_array().expect("a list");
    let number = |bug: &Value, what: &str| bug[what].as_u64().expect("a number");
    let entry = |bug: &Value| {
        let key = format!("{} {}", bug["kind"], bug["key"]);
        (key, (number(bug, "count"), number(bug, "schedule")))
    };
    found.iter().map(entry).collect()
}

#[test]
fn the_parts_of_a_campaign_find_what_it_finds() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).display().to_string();
    let path = module("stopped_by_two.c");
    let explore = |name: &str, more: &[&str]| {
        let out = file(name);
        let plain = ["explore", &path, "--keep-going", "--schedules", "1500", "--json", &out];
        let run = kthreads(&[&plain[..], more].concat());
        assert!(matches!(run.status, Some(0 | 1)), "{}", run.describe());
    };
    explore("all", &["--jobs", "1"]);
    explore("one", &["--shard", "1/3", "--jobs", "1"]);
    explore("two", &["--shard", "2/3", "--jobs", "2"]);
    explore("three", &["--shard", "3/3", "--jobs", "1"]);
    let parts = [file("one"), file("two"), file("three")];
    let merged = file("merged");
    let words = ["explore", "--merge", &parts[0], &parts[1], &parts[2], "--json", &merged];
    let run = kthreads(&words);
    assert_eq!(run.status, Some(1), "{}", run.describe());
    let all = findings(Path::new(&file("all")));
    assert!(all.len() >= 2, "{all:?}");
    assert_eq!(findings(Path::new(&merged)), all);
}
