//! Starts kernel images for the pc in QEMU: finds or builds the image, packs its files, connects
//! the serial line, and says what became of the guest.
//!
//! ```no_run
//! use kthreads_qemu::{End, Guest, ImageSource, Lines, Options, pack};
//!
//! let image = ImageSource::new("kthreads-image").find(&mut |text| eprintln!("{text}"))?;
//! let initrd = pack(&[("hello.ko", &std::fs::read("hello.ko")?)])?;
//! let options = Options { initrd, command_line: "-- hello.ko".into(), ..Options::new(image) };
//! let mut lines = Lines::new(|line| println!("guest: {line}"));
//! let outcome = Guest::start(&options)?.run(&mut |bytes| lines.push(bytes));
//! lines.finish();
//! assert_eq!(outcome.end, End::Status(0), "{outcome}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod fresh;
mod guest;
mod image;
mod initrd;
mod lines;
mod options;
mod outcome;

pub use error::{ImageError, StartError};
pub use guest::{Guest, Input, Stopper};
pub use image::ImageSource;
pub use initrd::pack;
pub use lines::Lines;
pub use options::{Debugger, Options, Pace};
pub use outcome::{End, Outcome};
