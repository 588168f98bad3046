//! Debian's kernel, with the module in a RAM disk whose first program loads it and nothing else.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::boot::System;
use crate::ask_linux::find_root;
use crate::bench::MODULE;

const INSTALL: &str = "install what is missing with: apt-get install -y --no-install-recommends \
                       linux-image-amd64 linux-headers-amd64 busybox-static make gcc";

/// The parameters come from the kernel's command line, where they stand behind `--`. The level is
/// raised only now, so that the boot is not slowed down by its own messages.
const INIT: &[u8] = b"#!/bin/busybox sh
/bin/busybox dmesg -n 8
/bin/busybox insmod /kbench.ko \"$@\"
/bin/busybox poweroff -f
";

/// A program, and a folder, as cpio has them.
const PROGRAM: u32 = 0o100_755;
const FOLDER: u32 = 0o040_755;

/// Finds the kernel and builds the module for it.
pub(super) fn system() -> Result<System, String> {
    let (release, image) = kernel()?;
    let busybox = fs::read(find_program("busybox")?)
        .map_err(|error| format!("busybox cannot be read: {error}; {INSTALL}"))?;
    if is_dynamic(&busybox) {
        return Err(format!("busybox needs libraries, which the guest has not; {INSTALL}"));
    }
    let module = module(&headers(&release), &find_root()?.join(MODULE))?;
    let files: [(&str, u32, &[u8]); 4] = [
        ("bin", FOLDER, b""),
        ("bin/busybox", PROGRAM, &busybox),
        ("init", PROGRAM, INIT),
        ("kbench.ko", PROGRAM, &module),
    ];
    let initrd = pack(&files).map_err(|error| format!("the initial RAM disk: {error}"))?;
    let version: Vec<&str> = release.split('.').take(2).collect();
    let command_line = ("console=ttyS0 loglevel=4 panic=-1 --", "");
    Ok(System { name: format!("Linux {}", version.join(".")), image, initrd, command_line })
}

/// The newest Linux 6.1 that has its headers, else the newest that has.
fn kernel() -> Result<(String, PathBuf), String> {
    let folder = Path::new("/boot");
    let entries = folder.read_dir().map_err(|error| format!("/boot: {error}"))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut releases: Vec<String> = names
        .filter_map(|name| Some(name.strip_prefix("vmlinuz-")?.to_owned()))
        .filter(|release| headers(release).join("Makefile").is_file())
        .collect();
    releases.sort_by_key(|release| (release.starts_with("6.1."), numbers(release)));
    let release = releases.pop();
    let release =
        release.ok_or_else(|| format!("there is no Linux with its headers; {INSTALL}"))?;
    let image = folder.join(format!("vmlinuz-{release}"));
    match fs::File::open(&image) {
        Ok(_) => Ok((release, image)),
        Err(error) => Err(format!("{}: {error}", image.display())),
    }
}

fn headers(release: &str) -> PathBuf {
    Path::new("/lib/modules").join(release).join("build")
}

/// The numbers in a release, so that 6.1.0-9 comes before 6.1.0-10.
fn numbers(release: &str) -> Vec<u64> {
    let is_other = |char: char| !char.is_ascii_digit();
    release.split(is_other).filter_map(|number| number.parse().ok()).collect()
}

fn find_program(name: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut files = std::env::split_paths(&path).map(|folder| folder.join(name));
    files.find(|file| file.is_file()).ok_or_else(|| format!("{name} is missing; {INSTALL}"))
}

/// Whether a program names the loader of shared libraries.
fn is_dynamic(program: &[u8]) -> bool {
    let head = &program[..program.len().min(4096)];
    head.windows(6).any(|bytes| bytes == b"/ld-li")
}

/// Builds the module with Linux's own kbuild.
fn module(headers: &Path, source: &Path) -> Result<Vec<u8>, String> {
    find_program("make")?;
    find_program("gcc")?;
    let folder = tempfile::tempdir().map_err(|error| format!("a temporary folder: {error}"))?;
    let place = folder.path();
    let copied = fs::copy(source, place.join("kbench.c"))
        .and_then(|_| fs::write(place.join("Kbuild"), "obj-m += kbench.o\n"));
    copied.map_err(|error| format!("{}: {error}", source.display()))?;
    let mut make = Command::new("make");
    make.arg("-s").arg("-C").arg(headers).arg(format!("M={}", place.display())).arg("modules");
    let output = make.output().map_err(|error| format!("make: {error}"))?;
    let module = place.join("kbench.ko");
    if !output.status.success() || !module.is_file() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{} does not build for Linux:\n{said}", source.display()));
    }
    fs::read(&module).map_err(|error| format!("{}: {error}", module.display()))
}

fn pack(files: &[(&str, u32, &[u8])]) -> std::io::Result<Vec<u8>> {
    let mut archive = Vec::new();
    for (name, mode, content) in files {
        let len = u32::try_from(content.len()).map_err(std::io::Error::other)?;
        let mut writer = cpio::newc::Builder::new(name).mode(*mode).write(archive, len);
        writer.write_all(content)?;
        archive = writer.finish()?;
    }
    cpio::newc::trailer(archive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_have_an_order() {
        let mut releases = ["6.1.0-10-amd64", "6.1.0-9-amd64", "5.10.0-30-amd64"];
        releases.sort_by_key(|release| numbers(release));
        assert_eq!(releases, ["5.10.0-30-amd64", "6.1.0-9-amd64", "6.1.0-10-amd64"]);
    }

    #[test]
    fn the_archive_has_the_modes() {
        let archive = pack(&[("bin", FOLDER, b""), ("init", PROGRAM, INIT)]).expect("small files");
        let reader = cpio::newc::Reader::new(&archive[..]).expect("an entry");
        assert_eq!((reader.entry().name(), reader.entry().mode()), ("bin", FOLDER));
        let reader = cpio::newc::Reader::new(reader.finish().expect("its end")).expect("an entry");
        assert_eq!((reader.entry().name(), reader.entry().mode()), ("init", PROGRAM));
    }
}
