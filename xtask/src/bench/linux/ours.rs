//! Our kernel for the pc.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use kthreads_qemu::ImageSource;

use super::boot::System;
use crate::ask_linux::{find_root, ours};
use crate::bench::MODULE;

/// Builds the image and the module.
pub(super) fn system() -> Result<System, String> {
    let image = ImageSource::new("kthreads-image").find(&mut |text| println!("xtask: {text}"));
    let image = image.map_err(|error| error.to_string())?;
    let module = module(&find_root()?.join(MODULE))?;
    let initrd = kthreads_qemu::pack(&[("kbench.ko", &module)]);
    let initrd = initrd.map_err(|error| format!("the initial RAM disk: {error}"))?;
    let command_line = ("-- kbench.ko", "-- rmmod kbench");
    Ok(System { name: "kthreads".to_owned(), image, initrd, command_line })
}

fn module(source: &Path) -> Result<Vec<u8>, String> {
    let command = ours::build_command()?;
    let folder = tempfile::tempdir().map_err(|error| format!("a temporary folder: {error}"))?;
    let module = folder.path().join("kbench.ko");
    let mut build = Command::new(command);
    let built = build.arg("build").arg(source).arg("-o").arg(&module);
    let built = built.stdout(Stdio::null()).status();
    if !built.is_ok_and(|status| status.success()) {
        return Err(format!("{} does not build", source.display()));
    }
    fs::read(&module).map_err(|error| format!("{}: {error}", module.display()))
}
