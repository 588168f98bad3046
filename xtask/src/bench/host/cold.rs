//! The time from the call of the command to the first line of a module that must be compiled
//! first, and the same for a program with a thread.

use std::process::Command;
use std::time::Instant;

use super::Table;
use super::child::Talker;
use super::programs::{Programs, output};
use crate::bench::samples::Cell;

const LINE: &str = "hello from a thread";
const SCRIPT: &str = "expect 'hello from a thread' within 10; rmmod hello";
/// The columns of kthreads and of pthread.
const OURS: usize = 0;
const PTHREAD: usize = 2;

/// Measures once.
pub(super) fn measure(programs: &Programs, table: &mut Table) -> Result<(), String> {
    let source = programs.root.join("benches/hello/hello.c");
    let mut run = Command::new(&programs.kthreads);
    run.arg("run").arg(&source).args(["--script", SCRIPT]);
    let mut add = |name, column, ms| table.add(name, "ms", column, Cell::of(ms));
    add("compile, load, first line", OURS, until_line(&mut run)?);
    let module = programs.folder.path().join("hello.ko");
    let mut build = Command::new(&programs.kthreads);
    let build = build.arg("build").arg(&source).arg("-o").arg(module);
    add("compile only", OURS, until_end(build)?);

    let program = programs.folder.path().join("hello");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let compile = format!(
        "{compiler} -O2 -g -pthread '{}' -o '{}'",
        programs.root.join("benches/hello/user.c").display(),
        program.display()
    );
    let both = format!("{compile} && exec '{}'", program.display());
    let shell = |text: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", text]);
        shell
    };
    add("compile, load, first line", PTHREAD, until_line(&mut shell(&both))?);
    add("compile only", PTHREAD, until_end(&mut shell(&compile))?);
    Ok(())
}

fn until_line(command: &mut Command) -> Result<f64, String> {
    let start = Instant::now();
    let talker = Talker::start(command)?;
    talker.wait_for(LINE)?;
    let time = start.elapsed();
    talker.finish()?;
    Ok(time.as_secs_f64() * 1000.0)
}

fn until_end(command: &mut Command) -> Result<f64, String> {
    let start = Instant::now();
    output(command)?;
    Ok(start.elapsed().as_secs_f64() * 1000.0)
}
