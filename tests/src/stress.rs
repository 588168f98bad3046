//! Many threads at once, and few for long: what only shows under load.
//!
//! All the while a thread on each CPU takes it away from the others, at no particular point. Each
//! test runs inside a kernel and panics when something was lost. None depends on how fast
//! the machine is: what must happen gets a minute.

mod faults;
mod hecklers;
mod many;
mod registers;
mod rings;

pub use faults::many_faults;
pub use many::many_threads;
pub use registers::{Forced, hold_registers};
pub use rings::{Rings, rings};

use kthreads_base::Nanos;
use kthreads_kernel::Cx;

/// How long what must happen may take before it counts as lost.
const PATIENCE: Nanos = Nanos(60 * Nanos::SECOND.0);

/// Waits until `holds`.
///
/// # Panics
///
/// When that takes too long: what it says did not happen.
fn must(cx: &Cx<'_>, what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = cx.now() + PATIENCE;
    while !holds() {
        assert!(cx.now() < deadline, "lost: {what}");
        cx.sleep(4);
    }
}
