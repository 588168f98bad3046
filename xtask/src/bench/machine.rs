//! The machine that the figures come from, on one line.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Describes this machine, now.
pub(super) fn line() -> String {
    let (load, _) = load();
    format!(
        "{}; {} CPUs; Linux {}; {}; rustc {}; load average {load}; tree {}; {}",
        cpu_model(),
        std::thread::available_parallelism().map_or(0, usize::from),
        read("/proc/sys/kernel/osrelease"),
        first_line(Command::new("qemu-system-x86_64").arg("--version"))
            .map_or("no QEMU".to_owned(), |line| shorten_qemu(&line)),
        first_line(Command::new("rustc").arg("--version"))
            .and_then(|line| Some(line.split_whitespace().nth(1)?.to_owned()))
            .unwrap_or_else(|| "unknown".to_owned()),
        tree(),
        first_line(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]))
            .unwrap_or_else(|| "no date".to_owned()),
    )
}

/// A warning where others keep the CPUs busy: a table says so itself.
pub(super) fn warning() -> Option<String> {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let (text, load) = load();
    // What is measured keeps one or two CPUs busy itself.
    (load > cpus as f64 + 0.5).then(|| {
        format!(
            "others were at work on this machine (load average {text}): times are too long, and \
             ratios of times are rough"
        )
    })
}

/// The three load averages, and the first of them.
fn load() -> (String, f64) {
    let text = read("/proc/loadavg");
    let words: Vec<&str> = text.split_whitespace().take(3).collect();
    let now = words.first().and_then(|word| word.parse().ok()).unwrap_or(0.0);
    (words.join(" "), now)
}

fn cpu_model() -> String {
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or("unknown CPU".to_owned(), |(_, name)| name.to_owned())
}

/// `QEMU emulator version 7.2.22 (Debian ...)` without its middle words.
fn shorten_qemu(line: &str) -> String {
    match line.split_whitespace().skip_while(|word| *word != "version").nth(1) {
        Some(version) => format!("QEMU {version}"),
        None => line.to_owned(),
    }
}

/// The commit, and whether files differ from it.
fn tree() -> String {
    let git = |words: &[&str]| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        first_line(Command::new("git").arg("-C").arg(root).args(words))
    };
    match git(&["rev-parse", "--short", "HEAD"]) {
        Some(commit) => match git(&["status", "--porcelain"]) {
            Some(changed) if !changed.is_empty() => format!("{commit} with changes"),
            _ => commit,
        },
        None => "unknown".to_owned(),
    }
}

/// The first line that a command prints; none if it cannot be run or fails.
fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_one() {
        let line = line();
        assert!(!line.contains('\n'), "{line}");
        assert!(line.contains("load average ") && line.contains(" UTC"), "{line}");
    }

    #[test]
    fn a_version_is_found() {
        let line = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)";
        assert_eq!(shorten_qemu(line), "QEMU 7.2.22");
        assert_eq!(shorten_qemu("other"), "other");
    }
}
