//! Exit statuses.

pub(crate) use kthreads_session::status::*;

/// Killed by somebody else, as by the host for want of memory: what a shell shows for SIGKILL.
pub(crate) const KILLED: u8 = 137;

/// Ends the program at once, whatever still runs in it.
pub(crate) fn exit_now(status: u8) -> ! {
    crate::supervisor::say_farewell();
    std::process::exit(i32::from(status))
}
