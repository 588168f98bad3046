//! uptime, uname, sysrq.

use alloc::format;
use alloc::string::{String, ToString};

use super::{Info, Place};
use crate::interpreter::Call;

/// The release that include/linux/version.h tells modules.
const RELEASE: &str = "6.1.192";

pub(super) const COMMANDS: &[Info] = &[
    Info {
        name: "uptime",
        usage: "uptime",
        about: "prints the time, how long the kernel has run, and the load averages",
        more: "",
        place: Place::Inline,
        run: uptime,
    },
    Info {
        name: "uname",
        usage: "uname [-asrm]",
        about: "prints the kernel's name (-r: the release of Linux that it follows)",
        more: "",
        place: Place::Inline,
        run: uname,
    },
    Info {
        name: "sysrq",
        usage: "sysrq LETTER",
        about: "logs what the kernel does: t all tasks, w those blocked, l those running, d locks",
        more: "As `echo LETTER > /proc/sysrq-trigger`. Each task is shown with its calls in \
               modules, what it waits for, and who could end that.",
        place: Place::Inline,
        run: sysrq,
    },
];

fn sysrq(call: &mut Call<'_>) -> i32 {
    let [word] = call.arguments else { return call.usage() };
    let [letter] = word.as_bytes() else { return call.usage() };
    match call.cx.kernel.sysrq(call.cx, *letter) {
        Ok(()) => 0,
        Err(_) => call.misused(&format!("unknown letter '{word}'")),
    }
}

fn uptime(call: &mut Call<'_>) -> i32 {
    let kernel = call.cx.kernel;
    let day = kernel.wall_clock().0 / 1_000_000_000 % 86_400;
    let clock = format!("{:02}:{:02}:{:02}", day / 3600, day / 60 % 60, day % 60);
    let up = up_for(kernel.uptime().0 / 60_000_000_000);
    let load = kernel.load_averages().map(hundredths).join(", ");
    call.print_line(&format!(" {clock} up {up},  0 users,  load average: {load}"));
    0
}

fn up_for(minutes: u64) -> String {
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let days = match days {
        0 => String::new(),
        1 => "1 day, ".to_string(),
        days => format!("{days} days, "),
    };
    match hours {
        0 => format!("{days}{minutes} min"),
        hours => format!("{days}{hours:>2}:{minutes:02}"),
    }
}

/// A load average, which is kept in 1/2048, rounded as /proc/loadavg has it.
fn hundredths(load: u64) -> String {
    let load = load + 2048 / 200;
    format!("{}.{:02}", load / 2048, load % 2048 * 100 / 2048)
}

fn uname(call: &mut Call<'_>) -> i32 {
    let mut letters: String =
        call.arguments.iter().map(|word| word.trim_start_matches('-')).collect();
    if letters.is_empty() {
        letters.push('s');
    }
    if !letters.chars().all(|c| "asrm".contains(c)) {
        return call.usage();
    }
    let all = [('s', "Linux"), ('r', RELEASE), ('m', "x86_64")];
    let wanted = |(letter, _): &&(char, &str)| letters.contains(['a', *letter]);
    let parts: alloc::vec::Vec<_> = all.iter().filter(wanted).map(|(_, text)| *text).collect();
    call.print_line(&parts.join(" "));
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_loads() {
        let cases = [(0, "0 min"), (59, "59 min"), (60, " 1:00"), (1441, "1 day, 1 min")];
        for (minutes, text) in cases {
            assert_eq!(up_for(minutes), text);
        }
        assert_eq!(hundredths(0), "0.00");
        assert_eq!(hundredths(2048), "1.00");
        assert_eq!(hundredths(1024), "0.50");
    }
}
