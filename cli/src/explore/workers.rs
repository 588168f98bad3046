//! A campaign on all cores: a process for each, since a schedule needs a process to itself to have
//! the same addresses every time.
//!
//! The workers are forked off before this process has a second thread. Each writes what came of
//! its part so far to a pipe, a line at a time; so what one has found is not lost if it dies.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::FromRawFd;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use kthreads_explore::Outcome;

/// How often progress is shown.
const SHOW_EVERY: Duration = Duration::from_millis(100);

/// A worker.
struct Worker {
    process: libc::pid_t,
    outcome: Outcome,
    is_over: bool,
}

/// What a worker says.
enum Message {
    So(usize, Box<Outcome>),
    Over(usize),
}

/// Writes what came of a campaign so far to whoever started the worker.
pub(crate) struct Telling(File);

impl Telling {
    /// Tells; whether somebody still listens.
    pub(crate) fn tell(&mut self, outcome: &Outcome) -> bool {
        writeln!(self.0, "{}", outcome.to_json()).is_ok()
    }
}

/// Forks `count` workers, each of which does `work` with its number; follows them until all have
/// ended. `follow` is told of what all have done so far, and says whether they are to go on. Returns
/// what came of it, and which workers have died of what.
pub(crate) fn run(
    count: usize,
    work: impl Fn(usize, Telling),
    mut follow: impl FnMut(&Outcome) -> bool,
) -> io::Result<(Outcome, Vec<String>)> {
    let mut workers: Vec<Worker> = Vec::new();
    let mut deaths = Vec::new();
    let (sender, inbox) = mpsc::channel();
    let mut pipes = Vec::new();
    for number in 0..count {
        let (read, write) = pipe()?;
        pipes.push(read);
        // SAFETY: this process has one thread, so the child is whole.
        match unsafe { libc::fork() } {
            -1 => return Err(io::Error::last_os_error()),
            0 => {
                // Who listens is another: else a worker would never hear that nobody does.
                pipes.clear();
                work(number, Telling(write));
                // SAFETY: ends the child at once; nothing of the parent's is flushed twice.
                unsafe { libc::_exit(0) }
            }
            process => {
                workers.push(Worker { process, outcome: Outcome::default(), is_over: false });
            }
        }
    }
    for (number, pipe) in pipes.into_iter().enumerate() {
        let sender = sender.clone();
        thread::spawn(move || listen(number, pipe, &sender));
    }
    let mut was_stopped = false;
    while workers.iter().any(|worker| !worker.is_over) {
        match inbox.recv_timeout(SHOW_EVERY) {
            Ok(Message::So(number, outcome)) => workers[number].outcome = *outcome,
            Ok(Message::Over(number)) => deaths.extend(workers[number].end()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        let all = Outcome::join(workers.iter().map(|worker| &worker.outcome));
        if !follow(&all) && !was_stopped {
            was_stopped = true;
            workers.iter().filter(|worker| !worker.is_over).for_each(Worker::stop);
        }
    }
    Ok((Outcome::join(workers.iter().map(|worker| &worker.outcome)), deaths))
}

/// The two ends of a pipe: the one to read from first.
fn pipe() -> io::Result<(File, File)> {
    let mut ends = [0; 2];
    // SAFETY: there is room for both ends.
    match unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } {
        // SAFETY: both were just made, and nobody else has them.
        0 => Ok(unsafe { (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1])) }),
        _ => Err(io::Error::last_os_error()),
    }
}

fn listen(number: usize, pipe: File, sender: &Sender<Message>) {
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        let Ok(outcome) = Outcome::from_json(&line) else { continue };
        if sender.send(Message::So(number, Box::new(outcome))).is_err() {
            return;
        }
    }
    // Nobody listens any more only if nobody cares.
    let _ = sender.send(Message::Over(number));
}

impl Worker {
    /// Asks the worker to end with what it has.
    fn stop(&self) {
        // SAFETY: a child of this process that was not waited for yet, so the number is its own.
        unsafe { libc::kill(self.process, libc::SIGINT) };
    }

    /// The worker says no more; if it has died, of what.
    fn end(&mut self) -> Option<String> {
        self.is_over = true;
        let mut status = 0;
        // SAFETY: the status is written to a place of its own.
        unsafe { libc::waitpid(self.process, &raw mut status, 0) };
        let how = match (libc::WIFSIGNALED(status), libc::WEXITSTATUS(status)) {
            (true, _) => format!("was killed by {}", signal_name(libc::WTERMSIG(status))),
            (false, 0) => return None,
            (false, code) => format!("has ended with status {code}"),
        };
        let (process, schedules) = (self.process, self.outcome.schedules);
        Some(format!(
            "worker {process} {how}, some time after schedule {schedules} of its own; what it had \
             found is kept"
        ))
    }
}

/// What a signal is called.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGILL => "SIGILL",
        libc::SIGKILL => "SIGKILL: by somebody, or for want of memory",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGTERM => "SIGTERM",
        _ => return format!("signal {signal}"),
    };
    name.to_owned()
}
