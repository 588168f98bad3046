//! Exit statuses.

/// All went well.
pub(crate) const CLEAN: u8 = 0;
/// The kernel reported a bug, something hung, or an expectation failed.
pub(crate) const BUG: u8 = 1;
/// The command line or the script is wrong.
pub(crate) const USAGE: u8 = 2;
/// A module did not compile or load.
pub(crate) const NOT_LOADED: u8 = 3;
/// Ended by Ctrl-C.
pub(crate) const INTERRUPTED: u8 = 130;
/// Killed by somebody else, as by the host for want of memory: what a shell shows for SIGKILL.
pub(crate) const KILLED: u8 = 137;
/// Whoever read the output has gone: what a shell shows for SIGPIPE.
pub(crate) const BROKEN_PIPE: u8 = 141;

/// Ends the program at once, whatever still runs in it.
pub(crate) fn exit_now(status: u8) -> ! {
    crate::supervisor::say_farewell();
    std::process::exit(i32::from(status))
}
