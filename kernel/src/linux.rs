//! Which Linux the kernel behaves as.

use core::fmt;
use core::str::FromStr;

/// A release of Linux whose behaviour is still targeted. It is written as `5.15` or `6.1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Linux {
    /// 5.15.
    V5_15,
    /// 6.1.
    #[default]
    V6_1,
}

impl Linux {
    /// Whether kthread_stop makes its thread look as if a signal were pending, so that its
    /// interruptible sleeps end: since 6.0.
    pub(crate) fn stop_ends_interruptible_sleeps(self) -> bool {
        self != Linux::V5_15
    }

    /// Whether a kernel thread keeps what of its name is too long for `comm`, and ps and /proc
    /// show it: since 5.17.
    pub(crate) fn keeps_long_names(self) -> bool {
        self != Linux::V5_15
    }
}

/// A release that nobody behaves as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownLinux;

impl fmt::Display for UnknownLinux {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write 5.15 or 6.1")
    }
}

impl core::error::Error for UnknownLinux {}

impl FromStr for Linux {
    type Err = UnknownLinux;

    fn from_str(text: &str) -> Result<Linux, UnknownLinux> {
        match text {
            "5.15" => Ok(Linux::V5_15),
            "6.1" => Ok(Linux::V6_1),
            _ => Err(UnknownLinux),
        }
    }
}

impl fmt::Display for Linux {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Linux::V5_15 => "5.15",
            Linux::V6_1 => "6.1",
        })
    }
}
