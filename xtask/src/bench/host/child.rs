//! A program that is talked to, line by line, and whose memory is looked at meanwhile.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// How long a line may take to come: a million threads on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// Is a program that runs. Dropping it ends it.
pub(super) struct Talker {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Talker {
    /// Starts a program.
    pub(super) fn start(command: &mut Command) -> Result<Talker, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started.map_err(|error| format!("{name}: {error}"))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let lines = output.into_iter().flat_map(|output| BufReader::new(output).lines());
            // Whoever does not read on needs no more.
            lines.map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Ok(Talker { name, child, input, lines })
    }

    /// Sends a line.
    pub(super) fn send(&mut self, line: &str) -> Result<(), String> {
        let sent = self.input.as_mut().map(|input| writeln!(input, "{line}"));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(format!("{} does not read on", self.name)),
        }
    }

    /// Ends its input.
    pub(super) fn close(&mut self) {
        self.input = None;
    }

    /// Waits for a line that contains this text.
    pub(super) fn wait_for(&self, text: &str) -> Result<String, String> {
        let mut last = String::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return Ok(line),
                Ok(line) => last = line,
                Err(_) => {
                    return Err(format!("{}: no line with `{text}` after `{last}`", self.name));
                }
            }
        }
    }

    /// Waits for its end, which must be a good one.
    pub(super) fn finish(mut self) -> Result<(), String> {
        self.close();
        // What it says to its end is read, so that it can get there.
        self.lines.iter().for_each(drop);
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{} failed ({status})", self.name)),
            Err(error) => Err(format!("{}: {error}", self.name)),
        }
    }

    /// The memory in bytes that it and its children take: what is resident, page tables, and, as
    /// the machine has it, the kernel stacks of all threads.
    pub(super) fn memory(&self) -> u64 {
        let processes = tree(self.child.id());
        let own = processes.iter().map(|process| {
            let status = read(&format!("/proc/{process}/status"));
            kib(&status, "VmRSS:") + kib(&status, "VmPTE:")
        });
        1024 * (own.sum::<u64>() + kib(&read("/proc/meminfo"), "KernelStack:"))
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        // One that has ended needs no ending.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process and its descendants.
fn tree(process: u32) -> Vec<u32> {
    let mut all = vec![process];
    let mut next = 0;
    while let Some(process) = all.get(next).copied() {
        next += 1;
        let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { continue };
        for thread in threads.flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|word| word.parse::<u32>().ok()));
        }
    }
    all
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The number of KiB behind a name.
fn kib(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_to_a_program_and_back() {
        let mut talker = Talker::start(&mut Command::new("cat")).expect("cat is everywhere");
        talker.send("one").expect("it reads");
        talker.send("two").expect("it reads");
        assert_eq!(talker.wait_for("wo"), Ok("two".to_owned()));
        assert!(talker.memory() > 0);
        talker.finish().expect("it ends well");
    }

    #[test]
    fn sizes_are_found() {
        assert_eq!(kib("MemFree:  9 kB\nKernelStack:    12 kB\n", "KernelStack:"), 12);
        assert_eq!(kib("", "VmRSS:"), 0);
    }
}
