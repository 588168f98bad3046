//! What became of a guest.

use std::fmt;
use std::time::Duration;

/// Says how a guest ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It ended itself, with this status of seven bits.
    Status(u8),
    /// It was switched off or reset itself and left no status: a triple fault does that.
    NoStatus,
    /// It wrote nothing at all for so long, and was ended.
    Silent(Duration),
    /// It took longer than it may, and was ended.
    TooLong(Duration),
    /// It was ended by [`Stopper::stop`](crate::Stopper::stop).
    Stopped,
    /// QEMU itself gave up before the guest ran, with this exit status.
    Failed(i32),
    /// QEMU itself died of this signal.
    Died(i32),
}

/// Is what became of a guest, and what QEMU had to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// What QEMU wrote to its standard error.
    pub messages: String,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.end.fmt(f)?;
        match self.messages.trim_end() {
            "" => Ok(()),
            text => write!(f, "; QEMU said:\n{text}"),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Status(status) => write!(f, "the guest ended with status {status}"),
            End::NoStatus => f.write_str(
                "the guest was switched off or reset without an exit status, as by a triple fault",
            ),
            End::Silent(span) => {
                write!(f, "the guest has written nothing for {} seconds", span.as_secs())
            }
            End::TooLong(span) => write!(
                f,
                "the guest had not ended after {} seconds and was stopped",
                span.as_secs()
            ),
            End::Stopped => f.write_str("the guest was stopped"),
            End::Failed(status) => {
                write!(f, "qemu-system-x86_64 gave up with exit status {status}")
            }
            End::Died(signal) => write!(f, "qemu-system-x86_64 died of signal {signal}"),
        }
    }
}

/// Why a guest is ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Silent(Duration),
    TooLong(Duration),
    Stopped,
}

/// What QEMU's end tells of the guest's.
///
/// A guest that ends with `status` has QEMU exit with `status * 2 + 1`. QEMU's own failures exit
/// with 1 too, but those come before the guest has written anything, and with a message.
pub(crate) fn decode(
    status: std::process::ExitStatus,
    ending: Option<Ending>,
    has_written: bool,
    messages: &str,
) -> End {
    use std::os::unix::process::ExitStatusExt;
    match ending {
        Some(Ending::Silent(span)) => return End::Silent(span),
        Some(Ending::TooLong(span)) => return End::TooLong(span),
        Some(Ending::Stopped) => return End::Stopped,
        None => {}
    }
    if let Some(signal) = status.signal() {
        return End::Died(signal);
    }
    match status.code().unwrap_or(0) {
        0 => End::NoStatus,
        1 if !has_written && !messages.trim().is_empty() => End::Failed(1),
        code if code % 2 == 1 => End::Status((code >> 1) as u8),
        code => End::Failed(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    #[test]
    fn exit_statuses_are_told_apart() {
        let exited = |code: i32| ExitStatus::from_raw(code << 8);
        let second = Duration::from_secs(1);
        let cases = [
            (exited(1), None, true, "", End::Status(0)),
            (exited(1), None, false, "", End::Status(0)),
            (exited(1), None, true, "a warning", End::Status(0)),
            (exited(1), None, false, "no such file", End::Failed(1)),
            (exited(7), None, true, "", End::Status(3)),
            (exited(255), None, true, "", End::Status(127)),
            (exited(0), None, true, "", End::NoStatus),
            (exited(2), None, false, "", End::Failed(2)),
            (ExitStatus::from_raw(9), None, true, "", End::Died(9)),
            (ExitStatus::from_raw(9), Some(Ending::Stopped), true, "", End::Stopped),
            (ExitStatus::from_raw(9), Some(Ending::Silent(second)), false, "", End::Silent(second)),
        ];
        for (status, ending, has_written, messages, expected) in cases {
            assert_eq!(decode(status, ending, has_written, messages), expected, "{status:?}");
        }
    }
}
