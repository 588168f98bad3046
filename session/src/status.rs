//! Exit statuses.

/// All went well.
pub const CLEAN: u8 = 0;
/// The kernel reported a bug, something hung, or an expectation failed.
pub const BUG: u8 = 1;
/// The command line or the script is wrong.
pub const USAGE: u8 = 2;
/// A module did not compile or load.
pub const NOT_LOADED: u8 = 3;
/// Ended by Ctrl-C.
pub const INTERRUPTED: u8 = 130;
/// Whoever read the output has gone: what a shell shows for SIGPIPE.
pub const BROKEN_PIPE: u8 = 141;
