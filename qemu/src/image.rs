//! Where the kernel image comes from.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::ImageError;
use crate::fresh::is_fresh;

/// Names an image that is to be used.
const VARIABLE: &str = "KTHREADS_IMAGE";
/// What takes longer is said.
const LONG: Duration = Duration::from_secs(2);
const TARGET: &str = "x86_64-unknown-none";

/// Says which image is wanted.
///
/// It is, in this order: the file that was named, the file that the variable KTHREADS_IMAGE
/// names, a file beside the program (the package's name with `.elf`), or what cargo builds from
/// the source tree that the program came from.
#[derive(Clone, Debug)]
pub struct ImageSource {
    package: &'static str,
    file: Option<PathBuf>,
    variable: Option<OsString>,
}

impl ImageSource {
    /// Wants the image of a package of the workspace. The variable counts for the package
    /// `kthreads-image` only: what it names is an image of the user's.
    pub fn new(package: &'static str) -> ImageSource {
        let variable = (package == "kthreads-image").then(|| env::var_os(VARIABLE)).flatten();
        ImageSource { package, file: None, variable }
    }

    /// Wants this file, if there is one.
    #[must_use]
    pub fn or_file(mut self, file: Option<PathBuf>) -> ImageSource {
        self.file = file;
        self
    }

    /// Finds the image, or builds it. `tell` is called with what takes long.
    ///
    /// # Errors
    ///
    /// Whatever is missing.
    pub fn find(&self, tell: &mut dyn FnMut(&str)) -> Result<PathBuf, ImageError> {
        let variable = self.variable.as_ref().map(PathBuf::from);
        if let Some(file) = self.file.clone().or(variable) {
            return if file.is_file() { Ok(file) } else { Err(ImageError::NotFound(file)) };
        }
        let beside = self.beside();
        if let Some(file) = beside.clone().filter(|file| file.is_file()) {
            return Ok(file);
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let root = root.canonicalize().unwrap_or(root);
        if !root.join("machine/pc/Cargo.toml").is_file() {
            return Err(ImageError::Nowhere { package: self.package, root, beside });
        }
        self.build(&root, tell)
    }

    fn beside(&self) -> Option<PathBuf> {
        Some(env::current_exe().ok()?.with_file_name(format!("{}.elf", self.package)))
    }

    fn build(&self, root: &Path, tell: &mut dyn FnMut(&str)) -> Result<PathBuf, ImageError> {
        let folder = env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
        let image = folder.join(TARGET).join("release").join(self.package);
        if is_fresh(&image, root) {
            return Ok(image);
        }
        check_target(root)?;
        let mut cargo = Command::new(cargo());
        cargo.args(["build", "--quiet", "--release", "--target", TARGET, "-p", self.package]);
        cargo.arg("--target-dir").arg(&folder).current_dir(root);
        // What cargo prints is for people; standard output is the guest's.
        cargo.stdin(Stdio::null()).stdout(Stdio::null());
        let text = format!("building the kernel image for the pc ({})", self.package);
        let status = run(&mut cargo, &mut || tell(&text)).map_err(ImageError::NoCargo)?;
        if !status.success() {
            return Err(ImageError::NotBuilt { package: self.package, status });
        }
        if image.is_file() { Ok(image) } else { Err(ImageError::NotMade(image)) }
    }
}

/// Runs a command; calls `takes_long` if it does.
fn run(command: &mut Command, takes_long: &mut dyn FnMut()) -> io::Result<ExitStatus> {
    let mut child = command.spawn()?;
    let started = Instant::now();
    while started.elapsed() < LONG {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    takes_long();
    child.wait()
}

fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Looks whether Rust can build for bare metal; whoever has no rustc will hear it from cargo.
fn check_target(root: &Path) -> Result<(), ImageError> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--print", "target-libdir", "--target", TARGET]).current_dir(root);
    let Ok(output) = command.output() else { return Ok(()) };
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end());
    let has_libraries = || -> io::Result<bool> { Ok(folder.read_dir()?.next().is_some()) };
    match has_libraries() {
        Ok(true) => Ok(()),
        _ => Err(ImageError::NoTarget),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_named_must_be_there() {
        let source = ImageSource::new("kthreads-tests-image").or_file(Some("/no/such/file".into()));
        let error = source.find(&mut |_| {}).expect_err("it is not there");
        assert_eq!(error.to_string(), "there is no kernel image /no/such/file");
    }

    #[test]
    fn a_file_that_is_named_is_taken_as_it_is() {
        let file = env::current_exe().expect("this program");
        let source = ImageSource::new("kthreads-image").or_file(Some(file.clone()));
        assert_eq!(source.find(&mut |_| {}).expect("it is there"), file);
    }
}
