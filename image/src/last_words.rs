//! What the log still holds when the machine dies.

use alloc::format;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};

use kthreads_kernel::log::{LOG_LINE_MAX, LogLine, Read, Reader, Ring};
use kthreads_pc::serial;
use spin::Once;

/// The log. Who dies knows nothing else to ask.
static LOG: Once<Arc<Ring>> = Once::new();
/// The first record that was not shown.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Has what was not shown of this log printed before the machine dies.
pub(crate) fn prepare(ring: &Arc<Ring>) {
    LOG.call_once(|| ring.clone());
    kthreads_pc::set_last_words(print);
}

/// Notes that the records before `next` were shown.
pub(crate) fn note_shown(next: u64) {
    NEXT.store(next, Ordering::Relaxed);
}

fn print() {
    let Some(ring) = LOG.get() else { return };
    let mut reader = Reader { next: NEXT.load(Ordering::Relaxed) };
    let mut buffer = [0; LOG_LINE_MAX];
    loop {
        match reader.read(ring, &mut buffer) {
            Read::Nothing => return,
            Read::Dropped(_) => {}
            Read::Record { info, text, .. } => {
                serial::write(format!("{}\n", LogLine { time: info.time, text }).as_bytes());
            }
        }
    }
}
