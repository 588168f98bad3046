//! `kthreads stacks`: finds a running kernel of this user and asks it to show its threads.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::status;

/// What a program of ours is called.
const NAME: &str = "kthreads";
/// The subcommands that run a kernel.
const WITH_KERNEL: [&str; 2] = ["run", "shell"];

/// A running command.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    pid: u32,
    parent: u32,
    command: String,
}

/// Does `kthreads stacks`; returns the exit status.
pub(crate) fn send(pid: Option<u32>) -> u8 {
    let found = chosen(pid, &running());
    match found.and_then(|found| signal(&found)) {
        Ok(found) => {
            println!("kthreads: {} (pid {}) shows its threads", found.command, found.pid);
            status::CLEAN
        }
        Err(error) => {
            eprintln!("kthreads: {error}");
            status::USAGE
        }
    }
}

/// Chooses the process to ask: the supervising one, of which the other is a child.
fn chosen(pid: Option<u32>, running: &[Found]) -> Result<Found, String> {
    let is_child = |one: &Found| running.iter().any(|other| other.pid == one.parent);
    let supervisors: Vec<&Found> = running.iter().filter(|one| !is_child(one)).collect();
    match (pid, supervisors.as_slice()) {
        (Some(pid), _) => {
            let named = running.iter().find(|one| one.pid == pid);
            let named = named.ok_or_else(|| format!("{pid} is no running kthreads of yours"))?;
            let parent = running.iter().find(|one| one.pid == named.parent);
            Ok(parent.unwrap_or(named).clone())
        }
        (None, [one]) => Ok((*one).clone()),
        (None, []) => Err("no `kthreads run` or `kthreads shell` of yours is running".to_owned()),
        (None, many) => {
            let lines = many.iter().map(|one| format!("\n  {}  {}", one.pid, one.command));
            let lines: String = lines.collect();
            Err(format!("several are running; say which, as `kthreads stacks PID`:{lines}"))
        }
    }
}

fn signal(found: &Found) -> Result<Found, String> {
    // SAFETY: the call takes numbers only.
    match unsafe { libc::kill(found.pid as libc::pid_t, libc::SIGQUIT) } {
        0 => Ok(found.clone()),
        _ => Err(format!("cannot ask {}: {}", found.pid, std::io::Error::last_os_error())),
    }
}

/// All commands of this user that run a kernel.
fn running() -> Vec<Found> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let user = fs::metadata("/proc/self").map_or(0, |metadata| metadata.uid());
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut found: Vec<Found> = pids.filter_map(|pid| look_at(pid, user)).collect();
    found.sort_by_key(|found| found.pid);
    found
}

fn look_at(pid: u32, user: u32) -> Option<Found> {
    let folder = format!("/proc/{pid}");
    if fs::metadata(&folder).ok()?.uid() != user || pid == std::process::id() {
        return None;
    }
    let words = fs::read(format!("{folder}/cmdline")).ok()?;
    let words = String::from_utf8_lossy(&words).into_owned();
    let words: Vec<&str> = words.split('\0').filter(|word| !word.is_empty()).collect();
    let program = words.first()?.rsplit('/').next()?;
    if program != NAME || !words.get(1).is_some_and(|word| WITH_KERNEL.contains(word)) {
        return None;
    }
    let stat = fs::read_to_string(format!("{folder}/stat")).ok()?;
    Some(Found { pid, parent: parent_of(&stat)?, command: words.join(" ") })
}

/// The parent in a line of /proc/PID/stat: the second field behind the name, which may hold
/// anything.
fn parent_of(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pid: u32, parent: u32) -> Found {
        Found { pid, parent, command: format!("kthreads run {pid}.c") }
    }

    #[test]
    fn the_supervisor_is_asked_whichever_is_named() {
        let both = [found(10, 1), found(11, 10)];
        assert_eq!(chosen(None, &both), Ok(found(10, 1)));
        assert_eq!(chosen(Some(10), &both), Ok(found(10, 1)));
        assert_eq!(chosen(Some(11), &both), Ok(found(10, 1)));
        assert_eq!(chosen(Some(12), &both), Err("12 is no running kthreads of yours".into()));
        assert!(chosen(None, &[]).is_err_and(|error| error.starts_with("no `kthreads run`")));
        let many = [found(10, 1), found(11, 10), found(20, 1), found(21, 20)];
        let error = chosen(None, &many).expect_err("several");
        assert!(error.ends_with("\n  10  kthreads run 10.c\n  20  kthreads run 20.c"), "{error}");
    }

    #[test]
    fn names_with_parentheses_do_not_confuse() {
        assert_eq!(parent_of("12 (a) b) S 7 12 12 0"), Some(7));
        assert_eq!(parent_of("12 (a"), None);
    }
}
