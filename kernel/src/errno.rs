//! Error numbers, as Linux numbers them.

use core::fmt;

/// An error, with Linux's number and message.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(i32);

macro_rules! errnos {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        impl Errno {
            $(
                #[doc = $text]
                pub const $name: Errno = Errno($number);
            )*
        }

        impl fmt::Display for Errno {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    $($number => f.write_str($text),)*
                    other => write!(f, "Unknown error {other}"),
                }
            }
        }

        impl fmt::Debug for Errno {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    $($number => f.write_str(stringify!($name)),)*
                    other => write!(f, "Errno({other})"),
                }
            }
        }
    };
}

errnos! {
    EPERM = 1, "Operation not permitted";
    ENOENT = 2, "No such file or directory";
    ESRCH = 3, "No such process";
    EINTR = 4, "Interrupted system call";
    EIO = 5, "Input/output error";
    E2BIG = 7, "Argument list too long";
    ENOEXEC = 8, "Exec format error";
    EAGAIN = 11, "Resource temporarily unavailable";
    ENOMEM = 12, "Cannot allocate memory";
    EACCES = 13, "Permission denied";
    EFAULT = 14, "Bad address";
    EBUSY = 16, "Device or resource busy";
    EEXIST = 17, "File exists";
    ENODEV = 19, "No such device";
    ENOTDIR = 20, "Not a directory";
    EISDIR = 21, "Is a directory";
    EINVAL = 22, "Invalid argument";
    ENOSPC = 28, "No space left on device";
    EROFS = 30, "Read-only file system";
    ERANGE = 34, "Numerical result out of range";
    EDEADLK = 35, "Resource deadlock avoided";
    ENOSYS = 38, "Function not implemented";
    ETIME = 62, "Timer expired";
    ETIMEDOUT = 110, "Connection timed out";
    ERESTARTSYS = 512, "Interrupted, to be restarted";
}

impl Errno {
    /// The error with that number, which may be given as Linux returns it (negative).
    pub const fn from_raw(number: i32) -> Errno {
        Errno(number.wrapping_abs())
    }

    /// The positive number.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The value a C function returns: the number, negative.
    pub const fn to_c(self) -> i32 {
        -self.0
    }
}

impl core::error::Error for Errno {}

/// Turns a result into what a C function returns: the value, or the negative error number.
pub fn to_c(result: Result<i32, Errno>) -> i32 {
    result.unwrap_or_else(Errno::to_c)
}
