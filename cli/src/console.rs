//! The console: the log as it comes, and what commands print, in one order.
//!
//! The follower is a thread of the host that sleeps until there is a record to show. It never
//! keeps a CPU waiting: the ring goes on without it, and what it could not keep up with is told
//! as dropped. What a command prints goes out behind every record that was there before: whoever
//! prints shows those records first, under the same lock.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use kthreads_kernel::Booted;
use kthreads_kernel::log::Ring;
use kthreads_session::{Level, LogText, More, Show};
use kthreads_shell::Stream;

use crate::status::{BROKEN_PIPE, BUG, exit_now};
use crate::supervisor;

/// How much text is shown with one write.
const CHUNK: usize = 64 * 1024;

/// Prints above a prompt.
pub(crate) type AbovePrompt = Box<dyn FnMut(String) + Send>;

/// The console of a kernel.
pub(crate) struct Console {
    ring: Arc<Ring>,
    show: Show,
    text: Mutex<LogText>,
    /// What prints above a prompt. Only the follower's thread uses it: it may have to wait for
    /// the thread that reads there.
    above_prompt: Mutex<Option<AbovePrompt>>,
    /// While a prompt is shown, log lines go above it.
    has_prompt: AtomicBool,
    level: Level,
    is_closing: AtomicBool,
}

impl Console {
    /// Makes a console that has shown nothing yet.
    pub(crate) fn new(ring: Arc<Ring>, show: Show) -> Arc<Console> {
        let text = Mutex::new(LogText::new(&ring, show, CHUNK));
        Arc::new(Console {
            ring,
            show,
            text,
            above_prompt: Mutex::new(None),
            has_prompt: AtomicBool::new(false),
            level: Level::default(),
            is_closing: AtomicBool::new(false),
        })
    }

    /// Starts the thread that shows the log as it comes.
    pub(crate) fn follow(self: &Arc<Self>, kernel: &Arc<Booted>) {
        if self.show == Show::Nothing {
            return;
        }
        let (console, kernel) = (self.clone(), kernel.clone());
        thread::spawn(move || {
            while !console.is_closing.load(Ordering::Acquire) {
                let next = console.show_log();
                kernel.wait_for_log(next);
            }
        });
    }

    /// Lets only messages below `level` through.
    pub(crate) fn set_level(&self, level: u8) {
        self.level.set(level);
    }

    /// Shows what the log has.
    pub(crate) fn flush(&self) {
        self.write(Stream::Output, "");
    }

    /// Whether the log is not shown.
    pub(crate) fn is_quiet(&self) -> bool {
        self.show == Show::Nothing
    }

    /// Tells how to print above a prompt.
    pub(crate) fn set_printer(&self, printer: AbovePrompt) {
        *self.above_prompt.lock().unwrap_or_else(PoisonError::into_inner) = Some(printer);
    }

    /// Calls `read`, which shows a prompt and reads a line.
    pub(crate) fn at_prompt<R>(&self, read: impl FnOnce() -> R) -> R {
        self.has_prompt.store(true, Ordering::Release);
        let result = read();
        self.has_prompt.store(false, Ordering::Release);
        result
    }

    /// Prints text behind all that the log had to say before it.
    pub(crate) fn write(&self, stream: Stream, text: &str) {
        let mut log = self.lock();
        let end = self.ring.next();
        let mut lines = String::new();
        while self.collect(&mut log, end, &mut lines) == More::Yes {
            put(&mut io::stdout(), &lines);
            lines.clear();
        }
        put(&mut io::stdout(), &lines);
        match stream {
            Stream::Output => put(&mut io::stdout(), text),
            Stream::Error => put(&mut io::stderr(), text),
        }
    }

    /// Shows what is left and stops following. The log must be finished.
    pub(crate) fn close(&self, kernel: &Booted) {
        self.is_closing.store(true, Ordering::Release);
        kernel.wake_log_follower();
        self.write(Stream::Output, "");
    }

    /// Shows what is new; returns the record that comes next.
    fn show_log(&self) -> u64 {
        let mut lines = String::new();
        loop {
            lines.clear();
            let mut text = self.lock();
            let more = self.collect(&mut text, self.ring.next(), &mut lines);
            let next = text.next();
            self.show_lines(text, &lines);
            if more == More::No {
                return next;
            }
        }
    }

    /// Shows lines, above the prompt if there is one. The printer there may have to wait for the
    /// prompt's thread, so it is called without the lock that a command needs to print.
    fn show_lines(&self, text: MutexGuard<'_, LogText>, lines: &str) {
        if !self.has_prompt.load(Ordering::Acquire) {
            return put(&mut io::stdout(), lines);
        }
        drop(text);
        let mut printer = self.above_prompt.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *printer {
            Some(printer) if !lines.is_empty() => printer(lines.to_owned()),
            _ => put(&mut io::stdout(), lines),
        }
    }

    /// Adds the records before `end` to `lines`, as far as they belong in one write.
    fn collect(&self, text: &mut LogText, end: u64, lines: &mut String) -> More {
        let more = text.collect(&self.ring, end, &self.level, lines);
        supervisor::note_shown(text.next());
        more
    }

    fn lock(&self) -> MutexGuard<'_, LogText> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes text. When nobody reads any more the program ends, quietly.
fn put(stream: &mut dyn Write, text: &str) {
    put_bytes(stream, text.as_bytes());
}

/// Writes text. When nobody reads any more the program ends, quietly.
pub(crate) fn put_bytes(stream: &mut dyn Write, text: &[u8]) {
    if text.is_empty() {
        return;
    }
    let Err(error) = stream.write_all(text).and_then(|()| stream.flush()) else {
        return;
    };
    if error.kind() == io::ErrorKind::BrokenPipe {
        exit_now(BROKEN_PIPE);
    }
    eprintln!("kthreads: cannot write the output: {error}");
    exit_now(BUG);
}
