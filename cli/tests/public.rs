//! Modules in the styles that are found in the world, from Linux 2.6 to 6.x: each of tests/public
//! is built, loaded, left alone for three seconds and unloaded, and leaves nothing behind.
//!
//! A comment ` * log: TEXT` in a source promises a line of the log that contains TEXT; several
//! stand in this order. `CPUS` in TEXT stands for the number of CPUs.

mod tool;

use std::fs;
use std::path::{Path, PathBuf};

use tool::{Run, kthreads, root};

const CPUS: &str = "2";

#[test]
fn modules_for_every_kernel_build_run_and_leave_nothing_behind() {
    let modules = modules();
    assert!(modules.len() >= 15, "only {} modules were found", modules.len());
    let failures: Vec<String> = modules.iter().filter_map(|module| check(module).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The files of tests/public, and its folders with a Makefile.
fn modules() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("tests/public")).expect("it is part of the sources");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let is_module = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "c")
            || path.join("Makefile").is_file()
    };
    let mut modules: Vec<PathBuf> = paths.filter(is_module).collect();
    modules.sort();
    modules
}

fn check(module: &Path) -> Result<(), String> {
    let path = module.to_str().expect("the names are plain");
    let run = kthreads(&["run", path, "--fast-forward", "--for", "3", "--cpus", CPUS]);
    let warned = run.err.contains("warning:") && !is_old(module);
    let warning = warned.then(|| "the compiler warned".to_owned());
    let complaint = complaint(&run, &promises(module)).or(warning);
    complaint
        .map_or(Ok(()), |what| Err(format!("{}: {what}; {}", module.display(), run.describe())))
}

/// Whether a module is of a time whose types differ from today's: a timer's function took a number,
/// and compilers say so.
fn is_old(module: &Path) -> bool {
    module.to_string_lossy().contains("legacy_")
}

/// Says what is wrong with a run, if something is.
fn complaint(run: &Run, promises: &[String]) -> Option<String> {
    if run.status != Some(0) {
        return Some("it must end with status 0".to_owned());
    }
    if run.err.contains("error:") {
        return Some("the compiler complained".to_owned());
    }
    if !run.out.contains("nothing is left behind") {
        return Some("something is left behind".to_owned());
    }
    if promises.is_empty() {
        return Some("it promises nothing".to_owned());
    }
    let log = run.log();
    let mut rest = log.iter();
    let broken = promises.iter().find(|promise| !rest.any(|line| line.contains(*promise)));
    broken.map(|promise| format!("no line `{promise}', or not in this order"))
}

/// What the module's sources promise.
fn promises(module: &Path) -> Vec<String> {
    let mut sources = vec![module.to_owned()];
    if module.is_dir() {
        let entries = fs::read_dir(module).expect("it was there");
        sources = entries.map(|entry| entry.expect("it can be read").path()).collect();
    }
    let text = |path: &PathBuf| fs::read_to_string(path).expect("sources are text");
    let texts: Vec<String> = sources.iter().map(text).collect();
    let promises = texts.iter().flat_map(|text| text.lines());
    let promises = promises.filter_map(|line| line.trim_start().strip_prefix("* log: "));
    promises.map(|promise| promise.replace("CPUS", CPUS)).collect()
}
