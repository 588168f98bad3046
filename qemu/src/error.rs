//! What can be wrong before a guest runs, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Says why there is no kernel image.
#[derive(Debug)]
pub enum ImageError {
    /// The file that was named is not there.
    NotFound(PathBuf),
    /// There is none anywhere, and no source tree to build it from.
    Nowhere {
        /// The package that makes it.
        package: &'static str,
        /// The source tree that the program was built from.
        root: PathBuf,
        /// Where else an image may lie.
        beside: Option<PathBuf>,
    },
    /// cargo is not there.
    NoCargo(io::Error),
    /// Rust has no libraries for bare metal.
    NoTarget,
    /// It does not build; cargo has said why.
    NotBuilt {
        /// The package that makes it.
        package: &'static str,
        /// How cargo ended.
        status: ExitStatus,
    },
    /// cargo built it, but it is not where it should be.
    NotMade(PathBuf),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImageError::NotFound(path) => {
                write!(f, "there is no kernel image {}", path.display())
            }
            ImageError::Nowhere { package, root, beside } => {
                write!(
                    f,
                    "there is no kernel image, and its source is not at {}: build {package} in a \
                     checkout (cargo build --release --target x86_64-unknown-none -p {package}) \
                     and name the file with --image FILE or KTHREADS_IMAGE",
                    root.display()
                )?;
                beside
                    .as_ref()
                    .map_or(Ok(()), |path| write!(f, ", or put it at {}", path.display()))
            }
            ImageError::NoCargo(error) => {
                write!(f, "cargo, which builds the kernel image, cannot be run: {error}")
            }
            ImageError::NoTarget => f.write_str(
                "Rust's libraries for bare metal are missing: install them with `rustup target \
                 add x86_64-unknown-none`",
            ),
            ImageError::NotBuilt { package, status } => {
                write!(f, "the kernel image ({package}) does not build ({status})")
            }
            ImageError::NotMade(path) => {
                write!(f, "cargo has not made the kernel image {}", path.display())
            }
        }
    }
}

impl std::error::Error for ImageError {}

/// Says why QEMU was not started.
#[derive(Debug)]
pub enum StartError {
    /// It is not installed.
    NoQemu,
    /// It cannot be run.
    Qemu(io::Error),
    /// The files for the guest cannot be written.
    Initrd(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::NoQemu => f.write_str(
                "qemu-system-x86_64 is missing: install it (Debian: apt-get install \
                 qemu-system-x86)",
            ),
            StartError::Qemu(error) => write!(f, "qemu-system-x86_64 cannot be run: {error}"),
            StartError::Initrd(error) => {
                write!(f, "the files for the guest cannot be written: {error}")
            }
        }
    }
}

impl std::error::Error for StartError {}
