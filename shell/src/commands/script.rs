//! What steers the script: sleep, wait, true, false, help, exit.

use alloc::format;
use alloc::string::{String, ToString};

use kthreads_base::Nanos;
use kthreads_kernel::task::state::TASK_INTERRUPTIBLE;

use super::{Info, Place, all, find, not_found};
use crate::duration::parse_sleep;
use crate::interpreter::Call;

pub(super) const COMMANDS: &[Info] = &[
    Info {
        name: "sleep",
        usage: "sleep TIME...",
        about: "waits, in kernel time: 2, 0.5, 500ms, 1m",
        more: "With --fast-forward that takes no longer than the kernel has something to do.",
        place: Place::Inline,
        run: sleep,
    },
    Info {
        name: "wait",
        usage: "wait",
        about: "waits for all commands that were ended by `&`",
        more: "The end of a script does so too.",
        place: Place::Inline,
        run: wait,
    },
    Info {
        name: "true",
        usage: "true",
        about: "does nothing, with success",
        more: "",
        place: Place::Inline,
        run: |_| 0,
    },
    Info {
        name: "false",
        usage: "false",
        about: "does nothing, without success",
        more: "",
        place: Place::Inline,
        run: |_| 1,
    },
    Info {
        name: "help",
        usage: "help [COMMAND]",
        about: "lists the commands, or tells about one",
        more: "",
        place: Place::Inline,
        run: help,
    },
    Info {
        name: "exit",
        usage: "exit [N]",
        about: "ends the script; with N as exit status if all else was well",
        more: "",
        place: Place::Inline,
        run: exit,
    },
];

fn sleep(call: &mut Call<'_>) -> i32 {
    let time = match parse_sleep(call.arguments) {
        Ok(time) => time,
        Err(error) => return call.fail(&error.to_string()),
    };
    let span = Nanos(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    // A signal ends the sleep, and then the script.
    call.cx.kernel.sleep_for(call.cx, span, TASK_INTERRUPTIBLE);
    0
}

fn wait(call: &mut Call<'_>) -> i32 {
    call.shell.wait_until_signal(call.cx);
    0
}

fn help(call: &mut Call<'_>) -> i32 {
    let Some(name) = call.arguments.first() else {
        call.print(&overview());
        return 0;
    };
    let Some(info) = find(name) else { return call.error(not_found(name).trim_end()) };
    let mut text = format!("{}\n  {}\n", info.usage, info.about);
    for line in wrapped(info.more, 76) {
        text.push_str(&format!("  {line}\n"));
    }
    call.print(&text);
    0
}

fn overview() -> String {
    let mut text = String::from(
        "A newline or ; ends a command, & ends it and runs it in the background. Quotes, #,\n\
         > PATH, >> PATH and $(...) mean what they mean in sh.\n\n",
    );
    for info in all() {
        text.push_str(&format!("  {}\n      {}\n", info.usage, info.about));
    }
    text
}

/// Breaks a text into lines at blanks.
fn wrapped(text: &str, width: usize) -> alloc::vec::Vec<String> {
    let mut lines: alloc::vec::Vec<String> = alloc::vec::Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

fn exit(call: &mut Call<'_>) -> i32 {
    let code = match call.arguments {
        [] => 0,
        [code] => match code.parse::<u8>() {
            Ok(code) => i32::from(code),
            Err(_) => return call.fail(&format!("{code}: numeric argument required")),
        },
        _ => return call.fail("too many arguments"),
    };
    call.exit_with(code);
    code
}
