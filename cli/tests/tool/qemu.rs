//! Tests that boot need QEMU and a kernel image.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

use kthreads_qemu::ImageSource;

/// The kernel image, built once; none if QEMU is not there, and then says that nothing is checked.
pub(crate) fn image() -> Option<&'static str> {
    static IMAGE: OnceLock<Option<String>> = OnceLock::new();
    IMAGE.get_or_init(find).as_deref()
}

fn find() -> Option<String> {
    let mut qemu = Command::new("qemu-system-x86_64");
    if qemu.arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("not checked: qemu-system-x86_64 is not installed");
        return None;
    }
    let image = ImageSource::new("kthreads-image").find(&mut |text| eprintln!("{text}"));
    Some(image.expect("an image").to_str().expect("a path of text").to_owned())
}
