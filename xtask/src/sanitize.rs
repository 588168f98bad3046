//! `cargo xtask sanitize`: what an interpreter and two sanitizers can see.
//!
//! All need the nightly toolchain. Miri sees undefined behaviour and data races of what runs no
//! assembler: nothing that runs on a kernel stack, so of base its lock words, mailboxes, slabs and
//! tables. The thread sanitizer sees races between threads of the host, so it gets the same; it
//! does not understand that one thread goes on where another left. The address sanitizer does not
//! mind: it watches the memory of the whole system while that is soaked, but for stacks, and for
//! what modules do themselves (their memory has red zones of its own).

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::soak;
use crate::tools::step;

const NIGHTLY: &str = "nightly";
const TARGET: &str = "x86_64-unknown-linux-gnu";
const USAGE: &str = "usage: cargo xtask sanitize [miri|thread|address]...";
/// The crates whose tests run on threads of the host.
const CRATES: [&str; 2] = ["kthreads-base", "kthreads-lockdep"];
/// Tests that switch stacks, which is assembler.
const NOT_INTERPRETED: [&str; 1] = ["context::"];
/// The machine handles faults itself; contexts that never return are no leaks; whoever switches
/// stacks cannot say which part of one is in use.
const ADDRESS_OPTIONS: &str = "handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:\
    detect_leaks=0:use_sigaltstack=0:detect_stack_use_after_return=0";
/// How long the system is soaked under the address sanitizer.
const MINUTES: &str = "2";

/// Runs those that are asked for, or all; says what is missing for the rest.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let all = ["miri", "thread", "address"].map(str::to_owned);
    let words = if words.is_empty() { &all[..] } else { words };
    let mut missing = Vec::new();
    for word in words {
        let lacks = match word.as_str() {
            "miri" => lacks("miri").or_else(|| lacks("rust-src")),
            "thread" => lacks("rust-src"),
            "address" => lacks("rustc"),
            _ => return Err(USAGE.to_owned()),
        };
        match (lacks, word.as_str()) {
            (Some(what), _) => missing.push(format!("{word} ({what})")),
            (None, "miri") => miri()?,
            (None, "thread") => thread()?,
            (None, _) => address()?,
        }
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("not run, as something is missing: {}", missing.join(", "))),
    }
}

/// What to install if a component of the nightly toolchain is not there.
fn lacks(component: &str) -> Option<String> {
    let mut list = Command::new("rustup");
    list.args(["component", "list", "--installed", "--toolchain", NIGHTLY]).stderr(Stdio::null());
    let output = list.output().ok().filter(|output| output.status.success());
    let Some(output) = output else {
        return Some(format!("rustup toolchain install {NIGHTLY}"));
    };
    let installed = String::from_utf8_lossy(&output.stdout);
    let is_there = installed.lines().any(|line| line.starts_with(component));
    (!is_there).then(|| format!("rustup component add {component} --toolchain {NIGHTLY}"))
}

/// The nightly cargo; what this one has set for itself is not for that one.
fn cargo() -> Command {
    let mut cargo = Command::new("rustup");
    cargo.args(["run", NIGHTLY, "cargo"]);
    for name in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"] {
        cargo.env_remove(name);
    }
    cargo
}

fn add_crates(command: &mut Command) {
    command.args(CRATES.iter().flat_map(|name| ["--package", name])).arg("--lib");
}

fn miri() -> Result<(), String> {
    let mut command = cargo();
    command.args(["miri", "test"]).env("PROPTEST_CASES", "2");
    command.env("MIRIFLAGS", "-Zmiri-permissive-provenance -Zmiri-disable-isolation");
    add_crates(&mut command);
    command.arg("--").args(NOT_INTERPRETED.iter().flat_map(|name| ["--skip", name]));
    step("undefined behaviour and races, interpreted (Miri)", &mut command)
}

/// What is built for a sanitizer lies apart.
fn built_for(sanitizer: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target").join(sanitizer)
}

fn thread() -> Result<(), String> {
    let mut command = cargo();
    // The standard library must be watched too, or its own hand-overs look like races.
    command.args(["test", "-Zbuild-std", "--target", TARGET, "--target-dir"]);
    command.arg(built_for("tsan")).env("RUSTFLAGS", "-Zsanitizer=thread");
    add_crates(&mut command);
    step("races between threads of the host (thread sanitizer)", &mut command)
}

fn address() -> Result<(), String> {
    let place = built_for("asan");
    let mut build = cargo();
    build.args(["build", "--quiet", "--package", "kthreads-soak", "--target", TARGET]);
    build.arg("--target-dir").arg(&place);
    let flags = "-Zsanitizer=address -Cforce-frame-pointers=yes -Cllvm-args=-asan-stack=0";
    step("building the soak for the address sanitizer", build.env("RUSTFLAGS", flags))?;
    let mut soak = Command::new(place.join(TARGET).join("debug/kthreads-soak"));
    soak.args(["--minutes", MINUTES, "--modules"]).arg(soak::modules()?);
    soak.env("ASAN_OPTIONS", ADDRESS_OPTIONS);
    step("memory that is used wrongly, while all is soaked (address sanitizer)", &mut soak)
}
