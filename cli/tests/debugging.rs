//! What helps to write and debug a module: `new`, `flags`, `run --gdb`, `stacks`, SIGQUIT.

#[path = "tool/qemu.rs"]
mod qemu;
mod tool;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use tempfile::TempDir;
use tool::{Run, kthreads};

/// Runs the command in a directory.
fn kthreads_in(folder: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kthreads"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).env_remove("CC");
    run_of(command.output().expect("the command was built"))
}

fn run_of(output: Output) -> Run {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Run { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A directory with a new module, called pair.
fn new_module() -> TempDir {
    let folder = tempfile::tempdir().expect("a directory");
    let run = kthreads_in(folder.path(), &["new", "pair"]);
    assert_eq!(run.status, Some(0), "{}", run.describe());
    folder
}

#[test]
fn a_new_module_runs_clean_and_nothing_is_written_over() {
    let folder = new_module();
    let options = ["run", "pair/pair.c", "--fast-forward", "--script-file", "pair/pair.script"];
    let run = kthreads_in(folder.path(), &options);
    assert_eq!(run.status, Some(0), "{}", run.describe());
    assert_eq!(run.err, "", "not even a warning");
    assert!(run.log().contains(&"pair: count 3"), "{}", run.describe());
    assert!(run.out.contains("kthreads: nothing is left behind"), "{}", run.describe());
    let readme = fs::read_to_string(folder.path().join("pair/README.md")).expect("a file");
    assert!(readme.contains(&format!("`kthreads {}`", options.join(" "))), "{readme}");
    fs::remove_file(folder.path().join("pair/pair.c")).expect("a file");
    let run = kthreads_in(folder.path(), &["new", "pair"]);
    assert_eq!(run.status, Some(2), "{}", run.describe());
    assert!(run.err.contains("pair/pair.script is there already: nothing was written"));
    assert!(!folder.path().join("pair/pair.c").exists());
    let run = kthreads_in(folder.path(), &["new", "two", "pair"]);
    assert!(run.err.contains("pair/README.md is there already"), "{}", run.describe());
    for wrong in ["1st", "a-b", "a b", "", "_x"] {
        assert_eq!(kthreads_in(folder.path(), &["new", wrong]).status, Some(2), "{wrong}");
    }
}

#[test]
fn the_flags_for_editors_check_a_module() {
    if Command::new("clang").arg("--version").output().is_err() {
        eprintln!("skipped: clang is missing (apt-get install clang)");
        return;
    }
    let folder = new_module();
    let flags = kthreads(&["flags"]);
    assert_eq!(flags.status, Some(0), "{}", flags.describe());
    let mut clang = Command::new("clang");
    clang.args(flags.out.lines()).args(["-Werror", "-fsyntax-only"]);
    let checked = run_of(clang.arg(folder.path().join("pair/pair.c")).output().expect("clang"));
    assert_eq!(checked.status, Some(0), "{}", checked.describe());
}

#[test]
fn the_compilation_database_has_each_source_with_its_flags() {
    let folder = new_module();
    let place = folder.path().join("pair");
    let run = kthreads_in(&place, &["flags", "--compile-commands"]);
    assert_eq!(run.status, Some(0), "{}", run.describe());
    assert!(run.out.starts_with("[\n  {\"directory\": \""), "{}", run.out);
    assert!(run.out.contains("\"file\": \"pair.c\", \"arguments\": [\"clang\", "), "{}", run.out);
    assert!(run.out.contains("\"-DKBUILD_MODNAME=\\\"pair\\\"\""), "{}", run.out);
    assert!(run.out.ends_with("]}\n]\n"), "{}", run.out);
    let kbuild = "obj-m := both.o\nboth-y := pair.o other.o\nCFLAGS_pair.o := -DSPECIAL\n";
    fs::write(place.join("Kbuild"), kbuild).expect("a file");
    fs::write(place.join("other.c"), "int other;\n").expect("a file");
    let run = kthreads_in(&place, &["flags", "--compile-commands"]);
    assert_eq!(run.out.matches("\"file\": ").count(), 2, "{}", run.out);
    assert_eq!(run.out.matches("\"-DSPECIAL\"").count(), 1, "{}", run.out);
    assert_eq!(run.out.matches("\"-DKBUILD_MODNAME=\\\"both\\\"\"").count(), 2, "{}", run.out);
    let empty = tempfile::tempdir().expect("a directory");
    let run = kthreads_in(empty.path(), &["flags", "--compile-commands"]);
    assert_eq!(run.status, Some(3), "{}", run.describe());
    assert!(run.err.contains("has no .c file, and no Kbuild or Makefile"), "{}", run.err);
}

fn has_gdb() -> bool {
    let is_there = Command::new("gdb").arg("--version").output().is_ok();
    if !is_there {
        eprintln!("skipped: gdb is missing (apt-get install gdb)");
    }
    is_there
}

#[test]
fn gdb_knows_the_code_of_modules() {
    if !has_gdb() {
        return;
    }
    let folder = new_module();
    let commands = "set width 0\nbreak pair_thread\nrun\nbt\ninfo locals\nnext\nbreak pair_exit\n\
                    continue\nbt 2\ncontinue\nbt 2\ndelete\ncontinue\n";
    let mut child = Command::new("timeout")
        .args(["-s", "KILL", "120", env!("CARGO_BIN_EXE_kthreads")])
        .args(["run", "--gdb", "pair/pair.c", "--fast-forward", "--cpus", "2"])
        .args(["--script", "sleep 3; rmmod pair; insmod pair; sleep 1"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command was built");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(commands.as_bytes()).expect("gdb reads");
    drop(input);
    let run = run_of(child.wait_with_output().expect("an end"));
    assert_eq!(run.status, Some(0), "{}", run.describe());
    for text in [
        "hit Breakpoint 1, pair_thread (data=0x0)",
        "#0  pair_thread (data=0x0) at pair/pair.c:",
        "in kthreads_kernel::kernel::Kernel::kthread_main",
        "count = ",
        "hit Breakpoint 2, pair_exit () at pair/pair.c:",
        "#0  pair_exit () at pair/pair.c:",
        "pair: counted to ",
        "kthreads: nothing is left behind",
        "exited normally",
    ] {
        assert!(run.out.contains(text), "no {text:?}: {}", run.describe());
    }
    let hits = run.out.matches("hit Breakpoint 1, pair_thread").count();
    assert_eq!(hits, 2, "it is hit again after the module was loaded anew: {}", run.describe());
    assert!(!run.out.contains("received signal"), "{}", run.describe());
}

#[test]
fn gdb_knows_the_code_of_modules_on_bare_metal() {
    let Some(image) = qemu::image().filter(|_| has_gdb()) else { return };
    let folder = new_module();
    let mut guest = Command::new("timeout")
        .args(["-s", "KILL", "120", env!("CARGO_BIN_EXE_kthreads")])
        .args(["boot", "--gdb", "pair/pair.c", "--image", image, "--fast-forward", "--cpus", "2"])
        .args(["--script", "sleep 3; rmmod pair"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command was built");
    let mut said = BufReader::new(guest.stderr.take().expect("a pipe")).lines();
    let target = said.by_ref().map(|line| line.expect("text")).find_map(|line| {
        Some(line.split_once("-ex 'target remote ")?.1.split_once('\'')?.0.into())
    });
    let target: String = target.expect("what to type");
    let commands = [
        "set breakpoint pending on",
        &format!("target remote {target}"),
        "break pair_thread",
        "continue",
        "bt",
        "info locals",
        "break pair_exit",
        "continue",
        "bt 2",
        "info threads",
        "delete",
        "continue",
    ];
    let mut gdb = Command::new("timeout");
    gdb.args(["-s", "KILL", "120", "gdb", "-batch"]).current_dir(folder.path());
    let gdb = gdb.args(commands.iter().flat_map(|command| ["-ex", command])).arg(image);
    let debugged = run_of(gdb.stdin(Stdio::null()).output().expect("gdb"));
    for text in [
        "hit Breakpoint 1, pair_thread (data=0x0)",
        "in kthreads_kernel::kernel::Kernel::kthread_main",
        "count = ",
        "hit Breakpoint 2, pair_exit () at pair/pair.c:",
        "CPU#1",
    ] {
        assert!(debugged.out.contains(text), "no {text:?}: {}", debugged.describe());
    }
    let run = run_of(guest.wait_with_output().expect("an end"));
    assert_eq!(run.status, Some(0), "{}", run.describe());
    assert!(run.out.contains("kthreads: nothing is left behind"), "{}", run.describe());
}

#[test]
fn without_gdb_it_is_said_what_to_install() {
    let folder = new_module();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kthreads"));
    command
        .args(["run", "--gdb", "pair/pair.c"])
        .current_dir(folder.path())
        .env("PATH", "/nowhere");
    let run = run_of(command.output().expect("the command was built"));
    assert_eq!(run.status, Some(2), "{}", run.describe());
    assert_eq!(run.err, "kthreads: gdb is missing: apt-get install gdb\n");
}

/// A run in real time, read line by line.
struct Live {
    child: Child,
    out: BufReader<ChildStdout>,
    seen: String,
}

impl Live {
    fn start(folder: &Path, more: &[&str]) -> Live {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kthreads"))
            .args(["run", "pair/pair.c"])
            .args(more)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command was built");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        Live { child, out, seen: String::new() }
    }

    fn wait_for(&mut self, text: &str) {
        while !self.seen.contains(text) {
            let read = self.out.read_line(&mut self.seen).expect("text");
            assert_ne!(read, 0, "it ended without {text:?}: {}", self.seen);
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let killed = Command::new("kill").args([name, &pid]).status().expect("kill");
        assert!(killed.success());
    }

    /// Interrupts it; returns its exit status, and its standard error.
    fn end(mut self) -> (Option<i32>, String, String) {
        self.signal("-INT");
        self.out.read_to_string(&mut self.seen).expect("text");
        let output = self.child.wait_with_output().expect("an end");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), self.seen, err)
    }
}

#[test]
fn a_quit_signal_shows_all_threads_and_the_run_goes_on() {
    let folder = new_module();
    let mut live = Live::start(folder.path(), &[]);
    live.wait_for("pair: count 1");
    live.signal("-QUIT");
    live.wait_for("task:pair ");
    live.wait_for("pair_thread+");
    live.seen.clear();
    live.wait_for("pair: count ");
    let pid = live.child.id().to_string();
    let run = kthreads(&["stacks", &pid]);
    assert_eq!(run.status, Some(0), "{}", run.describe());
    assert!(run.out.contains(&format!("(pid {pid}) shows its threads")), "{}", run.out);
    live.wait_for("task:pair ");
    let (status, out, _) = live.end();
    assert_eq!(status, Some(130), "{out}");
    assert!(out.contains("pair: counted to "), "{out}");
    let run = kthreads(&["stacks", &pid]);
    assert_eq!(run.status, Some(2));
    assert!(run.err.contains(&format!("{pid} is no running kthreads of yours")), "{}", run.err);
}

#[test]
fn a_quiet_run_shows_its_threads_on_standard_error() {
    let folder = new_module();
    let mut live = Live::start(folder.path(), &["--quiet", "--script", "echo up; sleep 1h"]);
    live.wait_for("up");
    live.signal("-QUIT");
    // The answer comes on the other stream; it is there once the kernel has taken a later order.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let (status, _, err) = live.end();
    assert_eq!(status, Some(130));
    assert!(err.contains("task:pair ") && err.contains("pair_thread+"), "{err}");
}

/// The kernel's process goes with the one that supervises it.
#[test]
fn a_supervisor_that_is_killed_takes_the_kernel_along() {
    let folder = new_module();
    let mut live = Live::start(folder.path(), &[]);
    live.wait_for("pair: count 1");
    live.signal("-KILL");
    // The pipe ends when the last process that could write to it has ended.
    live.out.read_to_string(&mut live.seen).expect("text");
    assert!(!live.seen.contains("counted to"), "{}", live.seen);
    assert_eq!(live.child.wait().expect("an end").code(), None);
}
