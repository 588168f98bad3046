//! kill, pkill, pgrep, pidof.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kthreads_kernel::Errno;
use kthreads_kernel::signal::{Sender, Target};
use kthreads_kernel::task::Task;

use super::{Info, Place};
use crate::interpreter::Call;
use crate::pattern::Pattern;
use crate::signal::{Kill, NameMatch, Pkill, Signal};

pub(super) const COMMANDS: &[Info] = &[
    Info {
        name: "kill",
        usage: "kill [-SIG | -s SIG] PID...  |  kill -l",
        about: "sends a signal, SIGTERM unless told otherwise",
        more: "A kernel thread ignores every signal until it calls allow_signal: kill succeeds \
               then and does nothing.",
        place: Place::Inline,
        run: kill,
    },
    Info {
        name: "pkill",
        usage: "pkill [-SIG | -s SIG] [-x] NAME",
        about: "sends a signal to all tasks whose name contains NAME (-x: is NAME)",
        more: "NAME is plain text; ^ ties it to the beginning, $ to the end.",
        place: Place::Inline,
        run: pkill,
    },
    Info {
        name: "pgrep",
        usage: "pgrep [-lx] NAME",
        about: "prints the pids of all tasks whose name contains NAME (-x: is NAME, -l: names too)",
        more: "NAME is plain text; ^ ties it to the beginning, $ to the end.",
        place: Place::Inline,
        run: pgrep,
    },
    Info {
        name: "pidof",
        usage: "pidof NAME...",
        about: "prints the pids of all tasks with that name",
        more: "",
        place: Place::Inline,
        run: pidof,
    },
];

fn kill(call: &mut Call<'_>) -> i32 {
    match Kill::parse(call.arguments) {
        Ok(Kill::List) => list(call),
        Ok(Kill::Send { signal, pids }) => {
            pids.iter().fold(0, |status, pid| status | kill_pid(call, signal, *pid))
        }
        Err(error) => call.fail(&error.to_string()),
    }
}

fn list(call: &mut Call<'_>) -> i32 {
    let mut text = String::new();
    for signal in Signal::all() {
        let end = if signal.number() % 5 == 0 { "\n" } else { "" };
        text.push_str(&format!("{:>2}) SIG{:<10}{end}", signal.number(), signal.to_string()));
    }
    call.print_line(text.trim_end());
    0
}

fn kill_pid(call: &Call<'_>, signal: Signal, pid: i32) -> i32 {
    match send(call, signal, pid) {
        Ok(()) => 0,
        Err(errno) => call.fail(&format!("({pid}) - {errno}")),
    }
}

/// Does what kill(2) does. Kernel threads are in no process group, and each user-like task is in
/// one of its own.
fn send(call: &Call<'_>, signal: Signal, pid: i32) -> Result<(), Errno> {
    let (kernel, me) = (call.cx.kernel, call.cx.task.pid());
    if pid == -1 {
        // All but init and the sender.
        for task in kernel.all_tasks().iter().filter(|task| task.pid() > 1 && task.pid() != me) {
            // One that has just ended needs no signal.
            let _ = send_to(call, signal, task);
        }
        return Ok(());
    }
    let pid = if pid == 0 { me } else { pid.saturating_abs() };
    let task = kernel.find_task(pid).ok_or(Errno::ESRCH)?;
    send_to(call, signal, task)
}

fn send_to(call: &Call<'_>, signal: Signal, task: &Task) -> Result<(), Errno> {
    let number = u32::from(signal.number());
    call.cx.kernel.send_signal(task, number, Sender::User, Target::Process)
}

/// The tasks with a name that matches, by pid; not the caller.
fn named<'k>(call: &Call<'k>, pattern: Pattern<'_>) -> Vec<&'k Task> {
    let me = call.cx.task.pid();
    let mut tasks = call.cx.kernel.all_tasks();
    tasks.retain(|task| {
        let is_named = pattern.matches(task.comm().as_str()) || pattern.matches(&task.full_name());
        task.pid() != me && is_named
    });
    tasks
}

fn pkill(call: &mut Call<'_>) -> i32 {
    let Pkill { signal, matching, name } = match Pkill::parse(call.arguments) {
        Ok(parsed) => parsed,
        Err(error) => return call.fail(&error.to_string()),
    };
    let pattern = match matching {
        NameMatch::Exact => Pattern::exact(&name),
        NameMatch::Contains => Pattern::new(&name),
    };
    let mut status = 1;
    for task in named(call, pattern) {
        match send_to(call, signal, task) {
            Ok(()) => status = 0,
            Err(Errno::ESRCH) => {}
            Err(errno) => {
                call.fail(&format!("killing pid {} failed: {errno}", task.pid()));
            }
        }
    }
    status
}

fn pgrep(call: &mut Call<'_>) -> i32 {
    let (options, names): (Vec<_>, Vec<_>) =
        call.arguments.iter().partition(|argument| argument.starts_with('-'));
    let letters: String = options.iter().map(|option| &option[1..]).collect();
    let ([name], true) = (names.as_slice(), letters.chars().all(|c| "lx".contains(c))) else {
        return call.usage();
    };
    let pattern = if letters.contains('x') { Pattern::exact(name) } else { Pattern::new(name) };
    let mut text = String::new();
    for task in named(call, pattern) {
        match letters.contains('l') {
            true => text.push_str(&format!("{} {}\n", task.pid(), task.full_name())),
            false => text.push_str(&format!("{}\n", task.pid())),
        }
    }
    call.print(&text);
    i32::from(text.is_empty())
}

fn pidof(call: &mut Call<'_>) -> i32 {
    if call.arguments.is_empty() {
        return call.usage();
    }
    let patterns = call.arguments.iter().map(|name| Pattern::exact(name));
    let mut pids: Vec<_> =
        patterns.flat_map(|pattern| named(call, pattern)).map(|task| task.pid()).collect();
    // The newest first, as procps prints them.
    pids.sort_unstable_by(|a, b| b.cmp(a));
    if pids.is_empty() {
        return 1;
    }
    let pids: Vec<_> = pids.iter().map(ToString::to_string).collect();
    call.print_line(&pids.join(" "));
    0
}
