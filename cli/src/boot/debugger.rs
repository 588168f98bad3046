//! How to debug a guest.

use std::net::TcpListener;
use std::path::Path;

use kthreads_qemu::Debugger;

/// The port that GDB users know QEMU by.
const USUAL_PORT: u16 = 1234;

/// Finds a port that nobody listens to: the usual one if it is free.
pub(super) fn free_port() -> u16 {
    let bound = TcpListener::bind(("127.0.0.1", USUAL_PORT))
        .or_else(|_| TcpListener::bind(("127.0.0.1", 0)))
        .and_then(|listener| listener.local_addr());
    bound.map_or(USUAL_PORT, |address| address.port())
}

/// What to type.
pub(super) fn instructions(image: &Path, debugger: Debugger) -> String {
    let (image, port) = (image.display(), debugger.port);
    format!(
        "kthreads: the kernel waits for gdb before its first instruction; in another terminal:\n  \
         gdb -ex 'set breakpoint pending on' -ex 'target remote :{port}' {image}\n\
         kthreads: then `break FUNCTION`, also of a module that is yet to be loaded, `continue`, \
         `bt`, `info threads` (the CPUs)\n"
    )
}
