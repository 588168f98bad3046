//! `cargo xtask soak`: random operations on kernels for a while, against what must hold.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ask_linux::ours;
use crate::tools::{cargo, compiler, step};

/// How long the whole test suite soaks.
const MINUTES: &str = "2";

/// Builds what is loaded and who loads it, and runs that with these words.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    step("building the soak", cargo().args(["build", "--quiet", "--package", "kthreads-soak"]))?;
    let me = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    let mut soak = Command::new(me.with_file_name("kthreads-soak"));
    if words.iter().any(|word| word == "--help" || word == "-h") {
        return step("the soak's options", soak.arg("--help"));
    }
    step("soaking", soak.arg("--modules").arg(modules()?).args(words))
}

/// Builds the modules that are loaded; the folder they are in.
pub(crate) fn modules() -> Result<PathBuf, String> {
    compiler()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let modules = root.join("target/soak");
    build_modules(&root.join("tests/soak/modules"), &modules)?;
    Ok(modules)
}

/// A short soak, as part of the test suite.
pub(crate) fn test() -> Result<(), String> {
    run(&["--minutes".to_owned(), MINUTES.to_owned()])
}

fn build_modules(sources: &Path, modules: &Path) -> Result<(), String> {
    let wrong = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let command = ours::build_command()?;
    // What is left of an earlier set is not to be loaded.
    let _ = std::fs::remove_dir_all(modules);
    std::fs::create_dir_all(modules).map_err(|error| wrong(modules, error))?;
    for entry in sources.read_dir().map_err(|error| wrong(sources, error))? {
        let source = entry.map_err(|error| wrong(sources, error))?.path();
        let name = source.file_stem().unwrap_or_default();
        let module = modules.join(name).with_extension("ko");
        let mut build = Command::new(&command);
        build.arg("build").arg(&source).arg("-o").arg(module);
        step(&format!("building {}", name.to_string_lossy()), &mut build)?;
    }
    Ok(())
}
