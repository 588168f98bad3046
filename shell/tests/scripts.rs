//! Scripts on the host machine, with a host that has no modules to load but knows how to pretend.

use std::sync::{Arc, Mutex};

use kthreads_base::Nanos;
use kthreads_host::{Clock, HostConfig, HostMachine};
use kthreads_kernel::log::Level;
use kthreads_kernel::signal::Action;
use kthreads_kernel::sync::Completion;
use kthreads_kernel::task::state::{TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE};
use kthreads_kernel::{Booted, Config, Cx, Errno, Kernel, log};
use kthreads_shell::syntax::parse;
use kthreads_shell::{CommandError, Ended, Host, Shell, Stream};

/// Keeps what was printed. `insmod NAME` fails as the name says, or logs a line.
#[derive(Default)]
struct FakeHost {
    text: Mutex<String>,
    errors: Mutex<String>,
    level: Mutex<u8>,
    /// Lets `insmod blocked` return.
    open: Completion,
}

impl Host for FakeHost {
    fn insmod(&self, cx: &Cx<'_>, file: &str, parameters: &[String]) -> Result<(), CommandError> {
        match file {
            "invalid" => Err(Errno::EINVAL.into()),
            "broken.c" => Err(CommandError::Other("it did not compile".into())),
            "panics" => panic!("an init function that dies"),
            "hangs" => loop {
                cx.kernel.sleep_for(cx, Nanos::NEVER, TASK_UNINTERRUPTIBLE);
            },
            "blocked" => {
                self.open.wait(cx);
                Ok(())
            }
            _ => {
                let (comm, words) = (cx.task.comm(), parameters.join(" "));
                log!(cx, Level::Info, "{file} loaded by {comm} with '{words}'");
                Ok(())
            }
        }
    }

    fn rmmod(&self, _: &Cx<'_>, _: &str) -> Result<(), CommandError> {
        Err(Errno::EBUSY.into())
    }

    fn write(&self, stream: Stream, text: &str) {
        let to = match stream {
            Stream::Output => &self.text,
            Stream::Error => &self.errors,
        };
        to.lock().unwrap().push_str(text);
    }

    fn set_console_level(&self, level: u8) {
        *self.level.lock().unwrap() = level;
    }
}

struct Rig {
    kernel: Booted,
    host: Arc<FakeHost>,
    shell: Shell,
}

impl Rig {
    fn new() -> Rig {
        Rig::with_cpus(2)
    }

    fn with_cpus(cpus: u32) -> Rig {
        let config = HostConfig { cpus, clock: Clock::FastForward, ..HostConfig::default() };
        let machine = HostMachine::new(config).unwrap();
        let kernel = Kernel::boot(machine, Config::default()).unwrap();
        let host = Arc::new(FakeHost::default());
        let shell = Shell::new(host.clone());
        Rig { kernel, host, shell }
    }

    /// Runs a script to its end, jobs and all.
    fn run(&self, text: &str) -> Ended {
        let script = parse(text).unwrap();
        self.kernel.enter_as("sh", |cx| match self.shell.run(cx, &script) {
            Ended::Finished => self.shell.wait_for_jobs(cx),
            ended => ended,
        })
    }

    /// Runs a script; returns what it printed while its jobs run on.
    fn printed_meanwhile(&self, text: &str) -> String {
        let script = parse(text).unwrap();
        self.kernel.enter_as("sh", |cx| {
            let _ended = self.shell.run(cx, &script);
        });
        std::mem::take(&mut *self.host.text.lock().unwrap())
    }

    /// Runs a script; returns what it printed, to both streams.
    fn printed(&self, text: &str) -> (String, String) {
        self.run(text);
        let take = |stream: &Mutex<String>| std::mem::take(&mut *stream.lock().unwrap());
        (take(&self.host.text), take(&self.host.errors))
    }

    fn output(&self, text: &str) -> String {
        let (output, errors) = self.printed(text);
        assert_eq!(errors, "", "{text}");
        output
    }

    fn errors(&self, text: &str) -> String {
        let (output, errors) = self.printed(text);
        assert_eq!(output, "", "{text}");
        errors
    }

    /// Makes a kernel thread that sleeps until SIGKILL or its stop, and says so.
    fn spawn(&self, name: &str) -> i32 {
        self.kernel.enter(|cx| {
            let body = Box::new(|cx: &Cx<'_>| {
                cx.task.set_signal_action(9, Action::Deliver);
                while !cx.task.signal_pending() {
                    cx.kernel.sleep_for(cx, Nanos::NEVER, TASK_INTERRUPTIBLE);
                }
                log!(cx, Level::Info, "leaving");
                0
            });
            let task = cx.kernel.kthread_create_rust(cx, name, body).unwrap();
            let pid = task.pid();
            cx.kernel.wake_up_process(task);
            cx.kernel.msleep(cx, 10);
            pid
        })
    }
}

#[test]
fn commands_run_in_order_and_a_failed_one_ends_nothing() {
    let rig = Rig::new();
    let (output, errors) = rig.printed("echo a; cat /nowhere; echo b\necho 'c  d' # e");
    assert_eq!(output, "a\nb\nc  d\n");
    assert_eq!(errors, "cat: /nowhere: No such file or directory\n");
}

#[test]
fn an_unknown_command_is_answered_as_by_sh() {
    let rig = Rig::new();
    assert_eq!(rig.errors("foo1"), "sh: foo1: command not found (`help` lists the commands)\n");
    assert_eq!(rig.errors("rmod x"), "sh: rmod: command not found (did you mean `rmmod`?)\n");
}

#[test]
fn sleep_is_kernel_time_and_background_commands_overlap() {
    let rig = Rig::new();
    let before = rig.kernel.enter(|cx| cx.kernel.uptime());
    rig.run("sleep 2 & sleep 1m & ; sleep 30");
    let passed = rig.kernel.enter(|cx| cx.kernel.uptime()) - before;
    assert!((60..62).contains(&(passed.0 / 1_000_000_000)), "{passed:?}");
}

#[test]
fn substitutions_and_redirections() {
    let rig = Rig::new();
    assert_eq!(rig.output("echo $(echo a b) \"$(echo c; echo d)\""), "a b c\nd\n");
    assert_eq!(rig.output("echo hidden > /dev/null"), "");
    assert_eq!(rig.output("echo '<3>from a script' > /dev/kmsg; grep -c script /dev/kmsg"), "1\n");
    let nested = format!("echo {}echo deep{}", "$(echo ".repeat(15), ")".repeat(15));
    assert_eq!(rig.output(&nested.replace("$(echo echo", "$(echo")), "deep\n");
    assert_eq!(
        rig.errors("echo 1 > /proc/nothing"),
        "sh: /proc/nothing: No such file or directory\n"
    );
    assert_eq!(rig.errors("echo 1 > /proc"), "sh: /proc: Is a directory\n");
}

#[test]
fn insmod_runs_in_a_task_of_its_own() {
    let rig = Rig::new();
    let text = rig.output("insmod hello a=1 b=2; dmesg");
    assert!(text.ends_with("hello loaded by insmod with 'a=1 b=2'\n"), "{text}");
    let text = rig.printed_meanwhile("insmod blocked & ; sleep 1; ps -eo ppid,stat,comm");
    rig.kernel.enter(|cx| rig.host.open.complete(cx));
    let line = text.lines().find(|line| line.contains("insmod")).unwrap();
    assert!(line.contains(" D"), "{text}");
    assert_eq!(rig.output("echo it has returned"), "it has returned\n");
}

#[test]
fn insmod_and_rmmod_fail_as_kmod_does() {
    let rig = Rig::new();
    let cases = [
        ("insmod invalid", "insmod: ERROR: could not insert module invalid: Invalid parameters\n"),
        ("insmod broken.c", "insmod: ERROR: could not load module broken.c: it did not compile\n"),
        ("insmod", "usage: insmod FILE [name=value]...\n"),
        ("rmmod pair", "rmmod: ERROR: Module pair is not currently loaded\n"),
        ("rmmod", "rmmod: ERROR: missing module name.\n"),
    ];
    for (text, expected) in cases {
        assert_eq!(rig.errors(text), expected);
    }
    assert_eq!(rig.output("lsmod"), "Module                  Size  Used by\n");
}

#[test]
fn a_command_that_an_oops_ends_is_said_to_be_killed() {
    let rig = Rig::new();
    let (output, errors) = rig.printed("insmod panics; echo after");
    assert_eq!((output.as_str(), errors.as_str()), ("after\n", "Killed\n"));
    assert_eq!(rig.kernel.bug_count(), 1);
}

#[test]
fn a_command_that_hangs_is_named_and_left() {
    let rig = Rig::new();
    let (output, errors) = rig.printed("insmod hangs; echo after; insmod hangs &");
    assert_eq!(output, "after\n");
    assert_eq!(errors.matches("blocked for more than 120 seconds").count(), 2, "{errors}");
    assert!(errors.starts_with("kthreads: task insmod:"), "{errors}");
    assert_eq!(rig.shell.hung_commands(), 2);
}

#[test]
fn expectations_are_met_in_order() {
    let rig = Rig::new();
    let text = "insmod one; insmod two; expect one loaded; expect two; expect-no three";
    assert_eq!(rig.output(text), "");
    assert_eq!(rig.shell.failed_expectations(), 0);
    let errors = rig.errors("\nexpect two");
    assert!(errors.starts_with("expect: line 2: the log does not show 'two'\n"), "{errors}");
    assert_eq!(rig.shell.failed_expectations(), 1);
    assert_eq!(rig.errors("insmod two; expect two").as_str(), "");
}

#[test]
fn an_expectation_can_wait() {
    let rig = Rig::new();
    let before = rig.kernel.enter(|cx| cx.kernel.uptime());
    assert_eq!(
        rig.output("echo x & sleep 0; echo late > /dev/null; expect-no late within 3"),
        "x\n"
    );
    let script = "insmod early & ; expect early within 5";
    assert_eq!(rig.output(script), "");
    assert_eq!(rig.shell.failed_expectations(), 0);
    let errors = rig.errors("expect never within 10");
    assert!(errors.starts_with("expect: line 1: the log does not show 'never' within 10 seconds"));
    let passed = rig.kernel.enter(|cx| cx.kernel.uptime()) - before;
    assert!((13..14).contains(&(passed.0 / 1_000_000_000)), "{passed:?}");
}

#[test]
fn what_must_not_be_there_fails_with_the_line() {
    let rig = Rig::new();
    let errors = rig.errors("insmod bad; expect-no bad");
    assert!(errors.starts_with("expect-no: line 1: the log shows 'bad':\n  ["), "{errors}");
    assert!(errors.ends_with("bad loaded by insmod with ''\n"), "{errors}");
    assert_eq!(rig.output("dmesg -C; expect-no bad"), "");
    assert_eq!(rig.shell.failed_expectations(), 1);
    rig.run("expect; expect-no ''; expect a within soon");
    assert_eq!(rig.shell.failed_expectations(), 4);
}

#[test]
fn signals_to_threads() {
    let rig = Rig::new();
    let pid = rig.spawn("mythread");
    assert_eq!(rig.output("pidof mythread; pgrep ^myth; pgrep -x myth"), format!("{pid}\n{pid}\n"));
    assert_eq!(rig.output(&format!("kill {pid}; sleep 1; pidof mythread")), format!("{pid}\n"));
    let text = "pkill -9 -x mythread; expect leaving within 1; sleep 1; pidof mythread";
    assert_eq!(rig.output(text), "");
    assert_eq!(rig.shell.failed_expectations(), 0);
    assert_eq!(rig.errors(&format!("kill {pid}")), format!("kill: ({pid}) - No such process\n"));
    assert!(rig.errors("kill mythread").contains("arguments must be process IDs"));
    assert!(rig.output("kill -l").starts_with(" 1) SIGHUP"));
}

#[test]
fn nice_affinity_and_policy() {
    let rig = Rig::new();
    let pid = rig.spawn("worker");
    let text = format!("renice -n 5 -p {pid}; renice 30 {pid}; ps -p {pid} -o ni,comm");
    let expected = format!(
        "{pid} (process ID) old priority 0, new priority 5\n\
         {pid} (process ID) old priority 5, new priority 19\nNI COMMAND\n19 worker\n"
    );
    assert_eq!(rig.output(&text), expected);
    let text = format!("taskset -p 1 {pid}; taskset -pc {pid}");
    let expected = format!(
        "pid {pid}'s current affinity mask: 3\npid {pid}'s new affinity mask: 1\n\
         pid {pid}'s current affinity list: 0\n"
    );
    assert_eq!(rig.output(&text), expected);
    let (_, errors) = rig.printed(&format!("taskset -p f0 {pid}; chrt -o -p 3 {pid}"));
    let expected = format!(
        "taskset: failed to set pid {pid}'s affinity: Invalid argument\n\
         chrt: failed to set pid {pid}'s policy: Invalid argument\n"
    );
    assert_eq!(errors, expected);
    let text = rig.output(&format!("chrt -f -p 50 {pid}; chrt -p {pid}"));
    assert!(
        text.ends_with("policy: SCHED_FIFO\npid ".to_owned().as_str()) || text.contains(": 50")
    );
    assert!(rig.errors("renice 5 99999").contains("No such process"));
}

#[test]
fn ps_has_the_columns_of_procps() {
    let rig = Rig::new();
    let text = rig.output("ps -ef");
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("UID ") && lines[0].ends_with(" C STIME TTY          TIME CMD"));
    assert!(lines[2].ends_with("[kthreadd]"), "{text}");
    assert!(lines.last().unwrap().ends_with(" sh"), "{text}");
    assert!(rig.errors("ps aux").starts_with("ps: 'aux' is not supported here; use `ps -ef`"));
    assert!(rig.errors("ps -eo pid,foo").starts_with("ps: unknown column 'foo'"));
}

#[test]
fn files_of_proc() {
    let rig = Rig::new();
    assert_eq!(
        rig.output("cat /proc/2/comm; grep ^SigIgn /proc/2/status"),
        "kthreadd\nSigIgn:\tffffffffffffffff\n"
    );
    assert_eq!(
        rig.errors("cat /proc/999/status"),
        "cat: /proc/999/status: No such file or directory\n"
    );
    assert_eq!(rig.errors("cat /proc"), "cat: /proc: Is a directory\n");
    assert!(rig.output("ls /proc/2").contains("status\n"));
    assert_eq!(
        rig.errors("ls /nowhere"),
        "ls: cannot access '/nowhere': No such file or directory\n"
    );
}

#[test]
fn the_log_is_printed_and_cleared() {
    let rig = Rig::new();
    let text = rig.output("insmod a; dmesg -c; insmod b; dmesg -r");
    assert_eq!(text.matches("a loaded").count(), 1, "{text}");
    assert!(text.lines().last().unwrap().starts_with("<6>["), "{text}");
    rig.run("dmesg -n err");
    assert_eq!(*rig.host.level.lock().unwrap(), 4);
}

#[test]
fn exit_ends_the_script_with_its_number() {
    let rig = Rig::new();
    assert_eq!(rig.run("exit 7; echo never"), Ended::Exit(7));
    assert_eq!(rig.run("echo $(exit 3; echo never)again"), Ended::Finished);
    assert_eq!(*rig.host.text.lock().unwrap(), "again\n");
    assert_eq!(rig.run("exit x; true; false"), Ended::Finished);
}

#[test]
fn a_signal_ends_the_script() {
    for script in ["sleep 100; echo never", "insmod hangs; echo never", "expect x within 1d"] {
        let rig = Rig::new();
        let parsed = parse(script).unwrap();
        let shell = rig.shell.clone();
        let ended = rig.kernel.enter_as("sh", |cx| {
            let shell = shell.clone();
            let body = Box::new(move |cx: &Cx<'_>| {
                cx.kernel.msleep(cx, 1000);
                i32::from(shell.signal_script(cx, 2))
            });
            let task = cx.kernel.kthread_create_rust(cx, "killer", body).unwrap();
            cx.kernel.wake_up_process(task);
            rig.shell.run(cx, &parsed)
        });
        assert_eq!(ended, Ended::Killed(2), "{script}");
        assert_eq!(*rig.host.text.lock().unwrap(), "");
    }
}

#[test]
fn help_tells_of_every_command() {
    let rig = Rig::new();
    let text = rig.output("help");
    for name in kthreads_shell::command_names() {
        assert!(text.contains(&format!("\n  {name}")), "{name}");
        assert!(rig.output(&format!("help {name}")).starts_with(name));
    }
    assert!(rig.errors("help nothing1").contains("command not found"));
}

#[test]
fn everything_works_on_one_cpu_and_on_eight() {
    for cpus in [1, 8] {
        let rig = Rig::with_cpus(cpus);
        let text =
            "sleep 1 & sleep 2 & insmod a & ; insmod b; wait; ps -ef; uptime; uname -r; trace";
        let output = rig.output(text);
        assert!(!output.contains("sleep") && !output.contains("insmod"), "{output}");
        assert!(output.ends_with("6.1.192\n"), "{output}");
    }
}
