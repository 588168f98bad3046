//! The seed programs, byte for byte as they are, behave as they were seen to on Linux 6.1.
//!
//! They are not part of the repository: where they are not beside it, there is nothing to check,
//! and that is said.

#[path = "tool/qemu.rs"]
mod qemu;
mod tool;

use qemu::image;
use tool::{Run, kthreads, root};

/// Runs a seed with a script, in as little time as it needs, in a process and on bare metal with
/// 1, 2 and 4 CPUs; does nothing if it is not there.
fn seed(name: &str, script: &str, check: impl Fn(&Run)) {
    let file = root().join("../shared/seeds").join(format!("{name}.c"));
    if !file.is_file() {
        return eprintln!("not checked: {} is not there", file.display());
    }
    let file = file.to_str().expect("a path of text");
    let run = |words: &[&str]| {
        let words = [words, &[file, "--fast-forward", "--script", script]].concat();
        let run = kthreads(&words);
        assert_eq!(run.status, Some(0), "{words:?}: {}", run.describe());
        let end = "kthreads: nothing is left behind\n";
        assert!(run.out.ends_with(end), "{words:?}: {}", run.describe());
        check(&run);
    };
    run(&["run"]);
    if let Some(image) = image() {
        ["1", "2", "4"].iter().for_each(|cpus| run(&["boot", "--image", image, "--cpus", cpus]));
    }
}

impl Run {
    /// How many lines of the log are `text`; blanks around it do not count.
    fn count(&self, text: &str) -> usize {
        self.log().iter().filter(|line| line.trim() == text).count()
    }

    /// The kernel time, in seconds, of the last line of the log that is `text`.
    fn time_of(&self, text: &str) -> f64 {
        let line = self.out.lines().rfind(|line| line.trim_end().ends_with(text));
        let line = line.unwrap_or_else(|| panic!("no '{text}': {}", self.describe()));
        let stamp = line.trim_start_matches('[').split(']').next().unwrap_or_default();
        stamp.trim().parse().expect("a time stamp")
    }

    /// The lines of `ps` that show a task of that name.
    fn ps(&self, command: &str) -> Vec<&str> {
        self.out
            .lines()
            .filter(|line| line.starts_with("root") && line.ends_with(command))
            .collect()
    }
}

#[test]
fn waitqueue_pair_is_unloaded_at_once() {
    let script = "sleep 25; ps -ef; pkill -9 -x mythread; sleep 1; ps -ef; rmmod waitqueue_pair; \
                  cat /proc/modules; lsmod";
    seed("waitqueue_pair", script, |run| {
        for name in ["[mythread]", "[mythread2]"] {
            let lines = run.ps(name);
            assert_eq!(lines.len(), 2, "kill -9 does nothing: {}", run.describe());
            assert!(
                lines.iter().all(|line| line.split_whitespace().nth(2) == Some("2")),
                "{lines:?}"
            );
        }
        assert_eq!(run.count("has been woke up !"), 3, "{}", run.describe());
        assert_eq!(run.count("IN thread_function_1 thread_function: 10 times"), 2);
        assert_eq!(run.count("First thread function has stopped ,return 0"), 1);
        let took = run.time_of("Second thread function_1 has stopped ,return 0")
            - run.time_of("Hello, exit!");
        assert!(took < 0.5, "rmmod took {took} s");
        assert!(
            run.out.contains("\nModule                  Size  Used by\nkthreads: "),
            "{}",
            run.out
        );
    });
}

#[test]
fn completion_pair_is_unloaded_after_the_next_complete() {
    let script = "sleep 3; ps -eo stat,comm; rmmod completion_pair & ; sleep 1; ps -eo stat,comm; \
                  ps -ef; sleep 15; lsmod";
    seed("completion_pair", script, |run| {
        assert_eq!(
            run.out.lines().filter(|line| *line == "D    mythread").count(),
            2,
            "{}",
            run.out
        );
        assert_eq!(run.out.lines().filter(|line| *line == "D    rmmod").count(), 1, "{}", run.out);
        assert_eq!(run.ps(" rmmod").len(), 1);
        let took = run.time_of("First thread function has stopped ,return 0")
            - run.time_of("Hello, exit!");
        assert!((5.0..8.0).contains(&took), "rmmod took {took} s");
        assert_eq!(run.count("Second thread function_1 has stopped ,return 0"), 1);
    });
}

#[test]
fn killable_ends_by_sigkill_only() {
    let script = "sleep 5; grep ^Sig /proc/$(pidof my_function)/status; \
                  pkill -15 -x my_function; sleep 1; ps -ef; pkill -9 -x my_function; sleep 1; \
                  pidof my_function; rmmod killable";
    seed("killable", script, |run| {
        assert!(run.out.contains("SigIgn:\tfffffffffffffeff\nSigCgt:\t0000000000000100\n"));
        assert_eq!(run.ps("[my_function]").len(), 1);
        assert_eq!(run.count("Leaving my_function"), 1);
        let left = run.time_of("Leaving my_function");
        assert!((6.0..6.5).contains(&left), "it left after {left} s");
        assert_eq!(run.count("<1> init wait_for_completion()"), 1);
        assert_eq!(run.count("Goodbye"), 1);
        assert!(!run.out.contains("has stopped ,return"), "rmmod stopped it: {}", run.out);
    });
}

#[test]
fn killable_is_stopped_by_rmmod() {
    seed("killable", "sleep 4; rmmod killable", |run| {
        assert_eq!(run.count("should stop: 1"), 1, "{}", run.describe());
        assert_eq!(run.count("First thread function has stopped ,return 0"), 1);
        let stopped = run.time_of("First thread function has stopped ,return 0");
        assert!((4.0..4.5).contains(&stopped), "it was stopped after {stopped} s");
    });
}

#[test]
fn waitqueue_noreset_spins_for_a_second() {
    seed("waitqueue_noreset", "sleep 15; ps -ef; rmmod waitqueue_noreset", |run| {
        let spun = run.ps("[mythread]")[0].contains("00:00:01");
        assert!(spun, "{:?}", run.ps("[mythread]"));
        assert!(
            run.out.contains("printk messages dropped") || run.count("has been woke up !") > 1000
        );
        for thread in ["First thread function", "Second thread function_1"] {
            let text = format!("{thread} has stopped ,return 15");
            assert_eq!(run.count(&text), 1, "{thread}");
        }
    });
}

/// What exploring a seed says; None if it is not there.
fn explored(name: &str, options: &[&str]) -> Option<Run> {
    let file = root().join("../shared/seeds").join(format!("{name}.c"));
    if !file.is_file() {
        eprintln!("not checked: {} is not there", file.display());
        return None;
    }
    let file = file.to_str().expect("a path of text");
    Some(kthreads(&[&["explore", file], options].concat()))
}

#[test]
fn the_busy_loop_of_waitqueue_noreset_is_told_with_its_line() {
    let script = ["--no-races", "--script", "sleep 12; rmmod waitqueue_noreset"];
    let Some(run) = explored("waitqueue_noreset", &script) else { return };
    assert_eq!(run.status, Some(1), "{}", run.describe());
    let start = "busy loop: the schedule does not end: mythread in thread_function ";
    let place = run.out.lines().next().and_then(|line| line.strip_prefix(start));
    let line = place.and_then(|place| place.strip_prefix("waitqueue_noreset.c:"));
    let line = line.and_then(|line| line.parse::<u32>().ok());
    assert!(line.is_some_and(|line| (14..=18).contains(&line)), "{}", run.describe());
}

#[test]
fn the_races_of_waitqueue_pair_are_told_with_both_places() {
    let Some(run) = explored("waitqueue_pair", &["--keep-going", "--schedules", "200"]) else {
        return;
    };
    assert_eq!(run.status, Some(1), "{}", run.describe());
    let lines: Vec<&str> = run.out.lines().collect();
    let races = lines.iter().enumerate();
    let races = races.filter(|(_, line)| line.starts_with("data race on tc: "));
    let races: Vec<usize> = races.map(|(at, _)| at).collect();
    assert!(!races.is_empty(), "{}", run.describe());
    for at in races {
        let accesses = lines[at + 1..].iter().filter(|line| line.contains(" bytes "));
        let accesses: Vec<&&str> = accesses.take(2).collect();
        assert!(
            accesses
                .iter()
                .all(|line| line.contains(" at thread_function")
                    && line.contains("waitqueue_pair.c:")),
            "{accesses:?}"
        );
        let names = ["by mythread/", "by mythread2/"];
        let has = |name: &str| accesses.iter().any(|line| line.contains(name));
        assert!(names.into_iter().all(has), "{accesses:?}");
    }
}
