//! What came of a test, as a value: where a panic cannot be caught it is no way to tell.

use alloc::format;
use alloc::string::String;
use core::fmt::Debug;

use kthreads_kernel::log::{LOG_LINE_MAX, Read, Reader};
use kthreads_kernel::report::TAINT_DIE;
use kthreads_kernel::{EnterError, Kernel};

/// What came of a test; if it failed, why.
pub type Verdict = Result<(), String>;

/// Messages below this level tell of a thread's death: emergencies and alerts.
const ALERTS_BELOW: u8 = 2;

/// How many of them are shown.
const SHOWN: usize = 8;

/// Judges what came back from a kernel: a thread that was killed is a failure too, whoever it was.
///
/// # Errors
///
/// When the code did not get to its end, or some thread was killed meanwhile: the message, or
/// what the log says of it.
pub fn judge<T>(kernel: &Kernel, result: Result<T, EnterError>) -> Result<T, String> {
    match result {
        Ok(_) if kernel.taint() & TAINT_DIE != 0 => Err(alerts(kernel, "a thread was killed")),
        Ok(value) => Ok(value),
        Err(error) => Err(why(kernel, error)),
    }
}

/// Why code did not get to its end in a kernel: the message of its panic, or what the log says of
/// its thread's death.
pub fn why(kernel: &Kernel, error: EnterError) -> String {
    match error {
        EnterError::Panicked(message) => message,
        EnterError::Ended => alerts(kernel, &format!("{error}")),
    }
}

/// As `assert_eq!`, where a panic could not be caught: outside the kernel.
pub(crate) fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Verdict {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: {found:?}, not {expected:?}"))
}

/// The first alerts of the log, behind `what`.
fn alerts(kernel: &Kernel, what: &str) -> String {
    let (mut text, mut count) = (String::from(what), 0);
    let mut reader = Reader::from_oldest(kernel.log_ring());
    let mut buffer = [0; LOG_LINE_MAX];
    while count < SHOWN {
        match reader.read(kernel.log_ring(), &mut buffer) {
            Read::Nothing => break,
            Read::Record { info, text: line, .. } if info.level < ALERTS_BELOW => {
                text += &format!("\n{}", String::from_utf8_lossy(line)).replace('\n', "\n    ");
                count += 1;
            }
            Read::Record { .. } | Read::Dropped(_) => {}
        }
    }
    text
}
