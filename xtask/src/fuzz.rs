//! `cargo xtask fuzz`: builds the corpus and the driver of `fuzz/`, and runs its targets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools::{cargo, step};

/// The targets, as `fuzz/src/lib.rs` lists them.
const TARGETS: [&str; 5] = ["loader", "parameters", "script", "format", "scan"];
const DEFAULT_SECONDS: u64 = 30;
/// The module with a parameter of each type.
const PARAMETERS: &str = "capi/tests/modules/c/all_params.c";

/// What was asked for.
struct Plan {
    seconds: u64,
    seed: u64,
    targets: Vec<&'static str>,
}

/// Runs the fuzz targets for a while each.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let plan = plan(words)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let corpus = root.join("target/fuzz-corpus");
    build_corpus(&root, &corpus)?;
    let manifest = root.join("fuzz/Cargo.toml");
    let manifest = manifest.to_str().ok_or("the path is no text")?;
    let place = corpus.join("build");
    let mut build = cargo();
    build.args(["build", "--release", "--quiet", "--manifest-path", manifest, "--target-dir"]);
    step("building the fuzz targets", build.arg(&place))?;
    for target in plan.targets {
        let seed = plan.seed.to_string();
        let mut driver = Command::new(place.join("release/mutate"));
        driver.args([target, &plan.seconds.to_string(), &seed]);
        // The loader's inputs are built, the others are kept.
        driver.arg(match target {
            "loader" => corpus.join("modules"),
            _ => root.join("fuzz/seeds").join(target),
        });
        driver.env("PARAMETERS_MODULE", corpus.join("all_params.ko")).env("RUST_BACKTRACE", "0");
        let kept = format!("fuzzing {target} (what it dies of is kept in fuzz/artifacts/{target})");
        step(&kept, &mut driver)?;
    }
    Ok(())
}

fn plan(words: &[String]) -> Result<Plan, String> {
    let mut plan = Plan { seconds: DEFAULT_SECONDS, seed: 1, targets: Vec::new() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut number = |what: &str| {
            let value = words.next().and_then(|value| value.parse().ok());
            value.ok_or_else(|| format!("{what} needs a number"))
        };
        match word.as_str() {
            "--seconds" => plan.seconds = number("--seconds")?,
            "--seed" => plan.seed = number("--seed")?,
            name => {
                let known = TARGETS.iter().find(|target| **target == name);
                let all = TARGETS.join(", ");
                plan.targets.push(known.ok_or(format!("no target {name}; there are {all}"))?);
            }
        }
    }
    if plan.targets.is_empty() {
        plan.targets = TARGETS.to_vec();
    }
    Ok(plan)
}

/// Builds every example module, with and without debug sections in one go: what `kthreads build`
/// makes is what the loader will meet.
fn build_corpus(root: &Path, corpus: &Path) -> Result<(), String> {
    let modules = corpus.join("modules");
    fs::create_dir_all(&modules).map_err(|error| format!("{}: {error}", modules.display()))?;
    let mut sources = vec![(root.join(PARAMETERS), corpus.join("all_params.ko"))];
    let folders = fs::read_dir(root.join("modules")).map_err(|error| error.to_string())?;
    for folder in folders.flatten().map(|entry| entry.path()) {
        let Some(name) = folder.file_name() else { continue };
        let source = folder.join(name).with_extension("c");
        if source.is_file() {
            sources.push((source, modules.join(name).with_extension("ko")));
        }
    }
    let mut build = cargo();
    step("building kthreads", build.args(["build", "--quiet", "--package", "kthreads"]))?;
    for (source, module) in sources {
        build_one(&source, &module)?;
    }
    Ok(())
}

fn build_one(source: &PathBuf, module: &PathBuf) -> Result<(), String> {
    let mut build = cargo();
    build.args(["run", "--quiet", "--package", "kthreads", "--", "build"]);
    let output = build.arg(source).arg("-o").arg(module).output();
    let output = output.map_err(|error| format!("kthreads could not be run: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}
