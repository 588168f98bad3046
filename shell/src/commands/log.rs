//! dmesg and trace.

use alloc::format;
use alloc::string::String;

use super::{Info, Place};
use crate::interpreter::Call;
use crate::log::{self, Form};

pub(super) const COMMANDS: &[Info] = &[
    Info {
        name: "dmesg",
        usage: "dmesg [-c | -C | -r | -n LEVEL]",
        about: "prints the log, messages for debugging too",
        more: "-c prints and clears it, -C clears it, -r shows the levels, -n 1..8 lets only \
               messages below that level reach the console. The log is the file /dev/kmsg too: \
               `grep TEXT /dev/kmsg`.",
        place: Place::Inline,
        run: dmesg,
    },
    Info {
        name: "trace",
        usage: "trace [on | off]",
        about: "prints the recorded trace events, such as sched_kthread_stop",
        more: "As on Linux, none are recorded before `trace on`.",
        place: Place::Inline,
        run: trace,
    },
];

fn dmesg(call: &mut Call<'_>) -> i32 {
    let kernel = call.cx.kernel;
    let arguments: alloc::vec::Vec<&str> = call.arguments.iter().map(String::as_str).collect();
    let form = match arguments.as_slice() {
        [] | ["-c" | "--read-clear"] => Form::Plain,
        ["-r" | "--raw"] => Form::Raw,
        ["-C" | "--clear"] => {
            kernel.log_ring().clear();
            return 0;
        }
        ["-n" | "--console-level", level] => return console_level(call, level),
        [argument, ..] => return call.misused(&format!("unknown argument '{argument}'")),
    };
    kernel.finish_log();
    call.print(&log::text(kernel.log_ring(), form));
    if !arguments.is_empty() && form == Form::Plain {
        kernel.log_ring().clear();
    }
    0
}

fn console_level(call: &Call<'_>, level: &str) -> i32 {
    const NAMES: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
    let named = NAMES.iter().position(|name| *name == level).map(|index| index as u8 + 1);
    match named.or_else(|| level.parse().ok()).filter(|level| (1..=8).contains(level)) {
        Some(level) => {
            call.host().set_console_level(level);
            0
        }
        None => call.fail(&format!("unknown level '{level}'")),
    }
}

fn trace(call: &mut Call<'_>) -> i32 {
    let arguments: alloc::vec::Vec<&str> = call.arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => {}
        ["on"] => {
            call.cx.kernel.set_tracing(true);
            return 0;
        }
        ["off"] => {
            call.cx.kernel.set_tracing(false);
            return 0;
        }
        [argument, ..] => return call.misused(&format!("unknown argument '{argument}'")),
    }
    let records = call.cx.kernel.trace_records();
    let text: String = records.iter().map(|record| format!("{record}\n")).collect();
    call.print(&text);
    0
}
