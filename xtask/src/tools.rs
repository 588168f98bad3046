//! What the tests need beside cargo: installed where that is possible, else named.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The target of programs for bare metal.
pub(crate) const BARE_METAL: &str = "x86_64-unknown-none";

/// Modules are compiled by gcc or clang.
pub(crate) fn compiler() -> Result<(), String> {
    if has("clang") {
        return Ok(());
    }
    package("gcc", "build-essential")
}

/// What the tests of the pc machine need: QEMU, and Rust's libraries for bare metal.
pub(crate) fn pc() -> Result<(), String> {
    bare_metal()?;
    package("qemu-system-x86_64", "qemu-system-x86")
}

/// Rust's libraries for bare metal.
pub(crate) fn bare_metal() -> Result<(), String> {
    if has_bare_metal() {
        return Ok(());
    }
    println!("xtask: Rust's libraries for bare metal are missing: rustup target add {BARE_METAL}");
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", BARE_METAL]);
    if rustup.status().is_ok_and(|status| status.success()) && has_bare_metal() {
        return Ok(());
    }
    Err(format!("Rust has no libraries for bare metal: run `rustup target add {BARE_METAL}`"))
}

fn has_bare_metal() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--print", "target-libdir", "--target", BARE_METAL]).stderr(Stdio::null());
    let Ok(output) = command.output() else { return false };
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end());
    folder.read_dir().is_ok_and(|mut entries| entries.next().is_some())
}

/// Installs `package` if `tool` is not there and apt-get can.
fn package(tool: &str, package: &str) -> Result<(), String> {
    if has(tool) {
        return Ok(());
    }
    println!("xtask: {tool} is missing; trying apt-get install {package}");
    let install = format!("apt-get update && apt-get install -y --no-install-recommends {package}");
    let mut command = match is_root() {
        true => Command::new("sh"),
        false => {
            // Without a question: whoever must type a password is told instead.
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "sh"]);
            sudo
        }
    };
    let installed = command.args(["-c", &install]).status();
    if installed.is_ok_and(|status| status.success()) && has(tool) {
        return Ok(());
    }
    Err(format!("{tool} is missing: install it (Debian: apt-get install {package})"))
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn has(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The cargo that runs this.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Says what is done, and does it.
pub(crate) fn step(what: &str, command: &mut Command) -> Result<(), String> {
    println!("xtask: {what}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what} failed ({status})")),
        Err(error) => Err(format!("{what} could not be run: {error}")),
    }
}
