//! `cargo xtask test`: names or installs what is missing, then runs every test.

use std::process::{Command, Stdio};

/// Runs the whole test suite.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    compiler()?;
    step("the tests", cargo().args(["test", "--workspace", "--all-targets"]).args(words))?;
    if words.is_empty() {
        step("the documentation's examples", cargo().args(["test", "--workspace", "--doc"]))?;
    }
    println!("xtask: the C cases, compared with what real Linux answered");
    crate::ask_linux::ours::run(&[])?;
    crate::count::run()
}

/// Modules are compiled by gcc or clang; where apt-get can install one, it does.
fn compiler() -> Result<(), String> {
    if has("gcc") || has("clang") {
        return Ok(());
    }
    println!("xtask: neither gcc nor clang is there; trying apt-get install build-essential");
    let install = "apt-get update && apt-get install -y build-essential";
    let installed = Command::new("sh").args(["-c", install]).status();
    match installed {
        Ok(status) if status.success() && has("gcc") => Ok(()),
        _ => Err("gcc is missing: install it (Debian: apt-get install build-essential)".into()),
    }
}

fn has(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

pub(crate) fn step(what: &str, command: &mut Command) -> Result<(), String> {
    println!("xtask: {what}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what} failed ({status})")),
        Err(error) => Err(format!("{what} could not be run: {error}")),
    }
}
