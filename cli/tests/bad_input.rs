//! Bad modules, bad files, bad words: each is named, and the exit status is right.
//!
//! Each test has its module as a line or two of C: what every module begins with is put before.

mod tool;

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use tool::{Run, kthreads};

/// What every source begins with; `INIT(body)` and `EXIT(body)` make the two functions.
const PRELUDE: &str = r#"
#include <linux/module.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/delay.h>
#include <linux/completion.h>
MODULE_LICENSE("GPL");
#define INIT(...) static int __init m_init(void) { __VA_ARGS__; return 0; } module_init(m_init);
#define EXIT(...) static void __exit m_exit(void) { __VA_ARGS__; } module_exit(m_exit);
#define THREAD(name, ...) static int name(void *data) { __VA_ARGS__; return 0; }
static inline long host_call(long number, long first, long second)
{
        long result;
        asm volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second)
                     : "rcx", "r11", "memory");
        return result;
}
#line 1
"#;

struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("a path of text").to_owned()
    }

    fn module(&self, name: &str, body: &str) -> String {
        let path = self.path(&format!("{name}.c"));
        fs::write(&path, format!("{PRELUDE}{body}\n")).expect("a source");
        path
    }
}

/// Runs a module with more arguments.
fn try_module(name: &str, body: &str, more: &[&str]) -> Run {
    let folder = Folder::new();
    let path = folder.module(name, body);
    let mut arguments = vec!["run", path.as_str()];
    arguments.extend(more);
    kthreads(&arguments)
}

/// Runs a module that is loaded and then left alone for a moment.
fn run_shortly(name: &str, body: &str) -> Run {
    try_module(name, body, &["--fast-forward", "--script", "sleep 1; echo the script goes on"])
}

fn check(run: &Run, status: i32, errors: &[&str]) {
    assert_eq!(run.status, Some(status), "{}", run.describe());
    for text in errors {
        assert!(run.err.contains(text), "no {text:?}: {}", run.describe());
    }
}

/// The kernel and its script were there to the end.
fn assert_survived(run: &Run) {
    assert!(run.out.contains("the script goes on\n"), "{}", run.describe());
    assert!(run.out.contains("kthreads: nothing is left behind"), "{}", run.describe());
}

fn assert_logged(run: &Run, text: &str) {
    assert!(run.log().iter().any(|line| line.contains(text)), "no {text:?}: {}", run.describe());
}

const NOTHING: &str = "INIT() EXIT()";

#[test]
fn a_source_that_does_not_compile() {
    let run = try_module("broken", "int x = ;", &["--script", "echo never"]);
    check(&run, 3, &["broken.c:1:9: error:", "broken.c did not compile"]);
    assert_eq!(run.out, "");
}

#[test]
fn a_file_that_is_no_module() {
    let folder = Folder::new();
    fs::write(folder.path("text.ko"), "hello\n").expect("a file");
    fs::write(folder.path("empty.ko"), "").expect("a file");
    fs::copy("/proc/self/exe", folder.path("program.ko")).expect("a program");
    let good = folder.module("good", NOTHING);
    let built = kthreads(&["build", &good, "-o", &folder.path("whole.ko")]);
    assert_eq!(built.status, Some(0), "{}", built.describe());
    let whole = fs::read(folder.path("whole.ko")).expect("a module");
    fs::write(folder.path("cut.ko"), &whole[..whole.len() / 2]).expect("a file");
    for (name, why) in [
        ("text", "not an ELF object file: give the .c file, or a .ko made by `kthreads build`"),
        ("empty", "not an ELF object file"),
        ("program", "not a relocatable object"),
        ("cut", "damaged object file"),
    ] {
        let run = kthreads(&["run", &folder.path(&format!("{name}.ko")), "--script", "echo never"]);
        check(&run, 3, &[&format!("cannot load {name} ("), why]);
        assert!(!run.out.contains("never"), "{}", run.describe());
    }
    let run = kthreads(&["run", &folder.path("nothing.c")]);
    check(&run, 3, &["nothing.c: no such file or directory"]);
    let run = kthreads(&["run", &folder.path("whole.rs")]);
    check(&run, 3, &["whole.rs: no such file or directory"]);
}

#[test]
fn a_module_of_linux_own_build() {
    let folder = Folder::new();
    let source = "__attribute__((section(\".modinfo\"))) const char v[] = \
                  \"vermagic=6.1.0-9-amd64 SMP preempt mod_unload modversions \";\n\
                  __attribute__((section(\".gnu.linkonce.this_module\"))) char m[64] = {1};\n";
    fs::write(folder.path("linux.c"), source).expect("a source");
    let mut compiler = Command::new("gcc");
    compiler.args(["-c", "linux.c", "-o", "linux.ko"]).current_dir(folder.0.path());
    let compiled = compiler.status().expect("gcc");
    assert!(compiled.success());
    assert_refused(&folder.path("linux.ko"), "6.1.0-9-amd64 SMP preempt mod_unload modversions");
}

/// The same with a module that Linux's build has really made, where its headers are installed.
#[test]
fn a_module_that_linux_own_build_has_made() {
    let Some(headers) = linux_headers() else {
        eprintln!("skipped: no kernel headers (apt-get install linux-headers-amd64)");
        return;
    };
    let folder = Folder::new();
    let text = "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\n";
    fs::write(folder.path("real.c"), text).expect("a source");
    fs::write(folder.path("Kbuild"), "obj-m := real.o\n").expect("a file");
    let place = format!("M={}", folder.path(""));
    let made = Command::new("make").args(["-s", "-C", &headers, &place, "modules"]).output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("skipped: these kernel headers make no modules here");
        return;
    }
    assert_refused(&folder.path("real.ko"), "built by Linux's own module build for kernel");
}

fn linux_headers() -> Option<String> {
    let mut folders = fs::read_dir("/usr/src").ok()?.flatten().map(|entry| entry.path());
    let folder = folders.find(|path| path.join(".config").is_file())?;
    folder.to_str().map(str::to_owned)
}

fn assert_refused(path: &str, which: &str) {
    assert!(Path::new(path).is_file());
    let run = kthreads(&["run", path, "--script", "echo never"]);
    check(&run, 3, &["built by Linux's own module build", which, "give the .c file instead"]);
}

#[test]
fn an_undefined_symbol() {
    let body = "extern int kthread_stpo(void *); INIT(return kthread_stpo(NULL))";
    let run = try_module("undefined", body, &["--script", "echo never"]);
    check(&run, 3, &["cannot load undefined (", "did you mean kthread_stop?"]);
    let body = "extern void *hrtimer_init(void *); INIT(hrtimer_init(NULL))";
    let run = try_module("later", body, &["--script", "echo never"]);
    check(&run, 3, &["hrtimer_init: high-resolution timers are not supported yet"]);
    let body = "extern int frobnicate_it(void); INIT(frobnicate_it())";
    let run = try_module("unknown", body, &["--script", "echo never"]);
    check(&run, 3, &["frobnicate_it: neither the kernel nor a module exports it"]);
}

#[test]
fn a_parameter_that_is_not_there_or_wrong() {
    let body = "static int count; module_param(count, int, 0644); INIT() EXIT()";
    let run = try_module("param", body, &["cuont=3", "--script", "echo never"]);
    check(&run, 2, &["module param has no parameter 'cuont': it has count"]);
    assert_eq!(run.out, "");
    let run = try_module("param", NOTHING, &["count=3", "--script", "echo never"]);
    check(&run, 2, &["module param has no parameter 'count': it has none"]);
    let run = try_module("param", body, &["count=many", "--script", "echo never"]);
    check(&run, 3, &["cannot load param (", "Invalid parameters"]);
    assert_logged(&run, "param: `many' invalid for parameter `count'");
    let script = "rmmod param; insmod param cuont=3; rmmod param; expect \"parameter 'cuont'\"";
    let run = try_module("param", body, &["count=3", "--script", script]);
    check(&run, 0, &[]);
}

#[test]
fn a_command_a_pid_a_path_that_are_not_there() {
    let script = "frobnicate; kill -9 99999; kill abc; cat /proc/nowhere; cat /proc/77777/stat; \
                  rmmod nobody; insmod nowhere.ko; ps --frob; pkill; echo the script goes on";
    let run = try_module("quiet", NOTHING, &["--script", script]);
    check(
        &run,
        0,
        &[
            "sh: frobnicate: ",
            "kill: (99999) - No such process",
            "kill: abc: arguments must be process IDs",
            "cat: /proc/nowhere: No such file or directory",
            "cat: /proc/77777/stat: No such file or directory",
            "rmmod: ERROR: Module nobody is not currently loaded",
            "could not load module nowhere.ko: No such file or directory",
            "ps: option -- is not supported here",
            "usage: pkill",
        ],
    );
    assert_survived(&run);
}

#[test]
fn an_rmmod_of_a_module_in_use() {
    let folder = Folder::new();
    let lender = folder.module("lender", "int lent; EXPORT_SYMBOL(lent); INIT() EXIT()");
    let user = folder.module("user", "extern int lent; INIT(return lent) EXIT()");
    let script = "rmmod lender; echo the script goes on";
    let run = kthreads(&["run", &lender, &user, "--script", script]);
    check(&run, 0, &["rmmod: ERROR: Module lender is in use by: user"]);
    assert_survived(&run);
}

#[test]
fn an_init_that_fails() {
    let run = try_module("fails", "INIT(return -EBUSY) EXIT()", &["--script", "echo never"]);
    check(&run, 3, &["cannot load fails (", "Device or resource busy"]);
    assert!(run.out.ends_with("kthreads: nothing is left behind\n"), "{}", run.describe());
}

#[test]
fn an_init_that_never_returns() {
    let waits = "static DECLARE_COMPLETION(never); INIT(wait_for_completion(&never)) EXIT()";
    let run = try_module("waits", waits, &["--fast-forward", "--script", "echo never"]);
    check(
        &run,
        3,
        &[
            "task insmod:",
            "blocked for more than 120 seconds",
            "the init function of waits does not return",
        ],
    );
    let options = ["--hung-task-timeout", "1", "--cpus", "2", "--script", "echo never"];
    let run = try_module("spins", "INIT(for (;;) barrier()) EXIT()", &options);
    check(
        &run,
        3,
        &[
            "has run without a pause for more than 1 seconds",
            "it is in init_module+",
            "(spins.c:1)",
            "the init function of spins does not return",
        ],
    );
    assert!(run.out.contains("module spins (Coming"), "{}", run.describe());
}

#[test]
fn an_init_that_locks_its_cpu_up() {
    let options =
        ["--cpus", "1", "--hung-task-timeout", "2", "--watchdog-thresh", "1", "--script", "x"];
    for (name, call) in [("soft", "preempt_disable()"), ("hard", "local_irq_disable()")] {
        let body = format!("INIT({call}; for (;;) barrier()) EXIT()");
        let run = try_module(name, &body, &options);
        check(&run, 1, &["the kernel is locked up", "init_module+", &format!("{name}.c:1")]);
        assert_logged(&run, if name == "soft" { "soft lockup" } else { "hard LOCKUP" });
    }
}

#[test]
fn an_exit_that_never_returns() {
    let waits = "static DECLARE_COMPLETION(never); INIT() EXIT(wait_for_completion(&never))";
    let run = run_shortly("waits", waits);
    check(&run, 1, &["task rmmod:", "waits is not unloaded: its exit function hangs"]);
    let options = ["--hung-task-timeout", "1", "--cpus", "2", "--script", "echo x"];
    let run = try_module("spins", "INIT() EXIT(for (;;) barrier())", &options);
    check(&run, 1, &["it is in cleanup_module+", "spins is not unloaded: its exit function hangs"]);
    assert!(run.out.contains("module spins (Going"), "{}", run.describe());
}

#[test]
fn a_thread_that_prints_without_end() {
    let body = "static struct task_struct *task;\n\
                THREAD(printer, while (!kthread_should_stop()) pr_info(\"again\\n\"))\n\
                INIT(task = kthread_run(printer, NULL, \"printer\")) EXIT(kthread_stop(task))";
    let run = try_module("prints", body, &["--script", "sleep 0.2; echo the script goes on"]);
    check(&run, 0, &[]);
    assert_survived(&run);
}

#[test]
fn a_module_that_allocates_without_end() {
    let body = "INIT(long n = 0; while (kmalloc(64, GFP_KERNEL)) n++;\n\
                pr_info(\"got %s\\n\", n > 100000 ? \"many\" : \"few\"); return -ENOMEM)";
    let run = try_module("allocates", body, &["--memory", "32M", "--script", "echo never"]);
    check(&run, 3, &["cannot load allocates (", "Cannot allocate memory"]);
    assert_logged(&run, "got many");
}

#[test]
fn a_module_that_makes_threads_without_end() {
    let body = "THREAD(idler, while (!kthread_should_stop()) msleep_interruptible(1000))\n\
                static struct task_struct *last; static LIST_HEAD(all);\n\
                struct one { struct list_head list; struct task_struct *task; };\n\
                INIT(long n = 0; struct one *one;\n\
                while (!IS_ERR(last = kthread_run(idler, NULL, \"idler\"))) {\n\
                one = kmalloc(sizeof(*one), GFP_KERNEL); one->task = last;\n\
                list_add(&one->list, &all); n++; }\n\
                pr_info(\"%ld threads, then %ld\\n\", n / 1000, PTR_ERR(last)))\n\
                EXIT(struct one *one; struct one *next;\n\
                list_for_each_entry_safe(one, next, &all, list) {\n\
                kthread_stop(one->task); kfree(one); })";
    let script = "expect '8 threads, then -'; echo the script goes on";
    let run = try_module("threads", body, &["--memory", "64M", "--script", script]);
    check(&run, 0, &[]);
    assert_survived(&run);
}

#[test]
fn a_thread_that_recurses_without_end() {
    let body = "static noinline int deep(int n) { volatile int a[10]; a[n % 10] = n;\n\
                return deep(n + 1) + a[n % 10]; }\n\
                THREAD(worker, return deep(0)) INIT(kthread_run(worker, NULL, \"deep\")) EXIT()";
    let run = run_shortly("recurses", body);
    check(&run, 1, &[]);
    assert_logged(&run, "kthreads: stack overflow");
    assert_logged(&run, "(recurses.c:2)");
    assert_survived(&run);
}

/// What lies above its frame goes, too, its return address first: that may end the thread or all.
#[test]
fn a_thread_that_smashes_its_stack() {
    let body = "static noinline int smash(long length) { volatile char b[16]; long i;\n\
                for (i = 0; i < length; i++) ((volatile char *)b)[i] = 0x41;\n\
                return b[3]; }\n\
                static long length = 48; module_param(length, long, 0);\n\
                THREAD(worker, return smash(length))\n\
                INIT(kthread_run(worker, NULL, \"smash\")) EXIT()";
    let script = ["--fast-forward", "--script", "sleep 1; echo the script goes on"];
    let run = try_module("smash", body, &script);
    check(&run, 1, &[]);
    assert_logged(&run, "general protection fault");
    assert_logged(&run, "smash");
    assert_survived(&run);
    let run = try_module("smash", body, &[&["length=400000"], &script[..]].concat());
    check(&run, 1, &[]);
    let all = format!("{}{}", run.out, run.err);
    assert!(all.contains("[smash] (smash.c:"), "{}", run.describe());
}

/// It begins with its own task_struct: the kernel that is written over cannot survive that.
#[test]
fn a_thread_that_writes_over_the_kernel() {
    let body = "THREAD(worker, char *p = (char *)current; long i;\n\
                pr_info(\"the last words\\n\");\n\
                for (i = 0; i < (1L << 30); i++)\n\
                p[i] = 0x41)\n\
                INIT(kthread_run(worker, NULL, \"wild\")) EXIT()";
    let run = try_module("wild", body, &["--quiet", "--script", "sleep 1"]);
    check(
        &run,
        1,
        &[
            "kthreads: the program died of signal",
            "the last words",
            "worker+",
            "[wild] (wild.c:",
            "a module wrote where it must not, or kthreads has a bug",
        ],
    );
}

#[test]
fn a_thread_that_writes_through_wild_pointers() {
    for (pointer, cause) in [
        ("8", "NULL pointer dereference"),
        ("0x4141414141414141", "general protection fault"),
        ("0x700000000000", "unable to handle page fault for address: 0000700000000000"),
    ] {
        let body = format!(
            "THREAD(worker, *(volatile int *){pointer} = 1)\n\
             INIT(kthread_run(worker, NULL, \"wild\")) EXIT()"
        );
        let run = run_shortly("wild", &body);
        check(&run, 1, &[]);
        assert_logged(&run, cause);
        assert_logged(&run, "(wild.c:1)");
        assert_survived(&run);
    }
}

#[test]
fn a_module_that_ends_the_process() {
    let abort = "INIT(pr_info(\"the last words\\n\"); host_call(62, host_call(39, 0, 0), 6);\n\
                 for (;;) barrier())";
    let run = try_module("abort", abort, &["--quiet", "--script", "echo never"]);
    check(&run, 1, &["the program died of signal 6 (SIGABRT)", "the last words"]);
    assert!(run.err.contains("init_module+") && run.err.contains("(abort.c:"), "{}", run.err);
    let leave = "INIT(pr_info(\"the last words\\n\"); host_call(231, 0, 0))";
    let run = try_module("leave", leave, &["--quiet", "--script", "echo never"]);
    check(&run, 1, &["the program ended with status 0 before its time", "the last words"]);
    let kill = "INIT(pr_info(\"the last words\\n\"); host_call(62, host_call(39, 0, 0), 9);\n\
                for (;;) barrier())";
    let run = try_module("killed", kill, &["--quiet", "--script", "echo never"]);
    check(&run, 137, &["the program died of signal 9 (SIGKILL)", "the last words"]);
}
