//! `cargo xtask lint`: formatting, lints and documentation, for the host and for bare metal.

use std::process::Command;

use crate::tools::{self, BARE_METAL, step};

/// What is there on bare metal only; what it stands on is linted with it.
const BARE_METAL_CRATES: [&str; 3] = ["kthreads-pc", "kthreads-image", "kthreads-tests-image"];

/// Runs all of it; stops at the first that is not clean.
pub(crate) fn run() -> Result<(), String> {
    step("formatting", cargo("fmt").args(["--all", "--check"]))?;
    let clippy = ["--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    step("lints", cargo("clippy").args(clippy))?;
    tools::bare_metal()?;
    let crates = BARE_METAL_CRATES.iter().flat_map(|name| ["-p", name]);
    let mut clippy = cargo("clippy");
    clippy.args(["--quiet", "--target", BARE_METAL]).args(crates.clone());
    step("lints for bare metal", clippy.args(["--", "-D", "warnings"]))?;
    // The machine's own documentation is about what there is on bare metal alone.
    let doc = ["--workspace", "--exclude", "kthreads-pc"];
    step("documentation", cargo_doc().args(doc))?;
    step("documentation for bare metal", cargo_doc().args(["--target", BARE_METAL]).args(crates))
}

fn cargo(task: &str) -> Command {
    let mut command = tools::cargo();
    command.arg(task);
    command
}

fn cargo_doc() -> Command {
    let mut command = cargo("doc");
    command.args(["--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings");
    command
}
