//! Exit statuses.

pub(crate) use kthreads_session::status::*;

/// Ends the program at once, whatever still runs in it.
pub(crate) fn exit_now(status: u8) -> ! {
    std::process::exit(i32::from(status))
}
