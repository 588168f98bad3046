//! Where the guest's text goes.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kthreads_shell::Stream;

use crate::console::{AbovePrompt, put_bytes};

/// Writes what the guest says, above the prompt if there is one.
#[derive(Default)]
pub(crate) struct Screen {
    above_prompt: Mutex<Option<AbovePrompt>>,
    has_prompt: AtomicBool,
    /// The beginning of a line, while there is a prompt: only whole lines go above it.
    partial: Mutex<Vec<u8>>,
}

impl Screen {
    /// Tells how to print above a prompt.
    pub(crate) fn set_printer(&self, printer: AbovePrompt) {
        *lock(&self.above_prompt) = Some(printer);
    }

    /// Calls `read`, which shows a prompt and reads a line.
    pub(crate) fn at_prompt(&self, read: &mut dyn FnMut()) {
        self.has_prompt.store(true, Ordering::Release);
        read();
        self.has_prompt.store(false, Ordering::Release);
        self.finish();
    }

    /// Writes text.
    pub(crate) fn write(&self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Error => put_bytes(&mut io::stderr(), bytes),
            Stream::Output if self.has_prompt.load(Ordering::Acquire) => self.write_above(bytes),
            Stream::Output => {
                self.finish();
                put_bytes(&mut io::stdout(), bytes);
            }
        }
    }

    fn write_above(&self, bytes: &[u8]) {
        let mut partial = lock(&self.partial);
        partial.extend_from_slice(bytes);
        let whole = partial.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = partial.drain(..whole).collect();
        drop(partial);
        if lines.is_empty() {
            return;
        }
        match &mut *lock(&self.above_prompt) {
            Some(printer) => printer(String::from_utf8_lossy(&lines).into_owned()),
            None => put_bytes(&mut io::stdout(), &lines),
        }
    }

    /// Writes what was kept back.
    pub(crate) fn finish(&self) {
        let rest = std::mem::take(&mut *lock(&self.partial));
        put_bytes(&mut io::stdout(), &rest);
        // What cannot be written any more was told before.
        let _ = io::stdout().flush();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
