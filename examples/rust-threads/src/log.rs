//! Reading a kernel's log from the host.

use std::sync::Arc;

use kthreads_kernel::Kernel;
use kthreads_kernel::log::{LOG_LINE_MAX, LogLine, Read, Reader, Ring};

/// The lines of a kernel's log, oldest first, in dmesg form: `[    1.234567] text`.
///
/// The end of the log is no end for good: a later call gives what has come meanwhile.
pub struct LogLines {
    ring: Arc<Ring>,
    reader: Reader,
    buffer: Box<[u8; LOG_LINE_MAX]>,
}

impl LogLines {
    /// The lines of `kernel`'s log from the oldest on.
    pub fn of(kernel: &Kernel) -> LogLines {
        let ring = kernel.log_ring().clone();
        let reader = Reader::from_oldest(&ring);
        LogLines { ring, reader, buffer: Box::new([0; LOG_LINE_MAX]) }
    }
}

impl Iterator for LogLines {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        match self.reader.read(&self.ring, &mut self.buffer) {
            Read::Record { info, text, .. } => Some(LogLine { time: info.time, text }.to_string()),
            Read::Dropped(count) => Some(format!("** {count} printk messages dropped **")),
            Read::Nothing => None,
        }
    }
}
