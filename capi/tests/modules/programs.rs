//! Whole programs: the ones this project began with, and the benchmark, unchanged.

use std::path::PathBuf;

use crate::common::{Rig, compile, root};

/// A source beside the repository, if it is there.
fn beside(path: &str) -> Option<PathBuf> {
    let path = root().join("../shared").join(path);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// Loads a program, lets it run for some virtual time, unloads it; returns the rig.
fn run(source: &str, ms: u32) -> Option<Rig> {
    let path = beside(source)?;
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let rig = Rig::new(2);
    rig.load(&name, &compile(&path), "").unwrap();
    rig.sleep(ms);
    rig.rmmod(&name).unwrap();
    assert!(rig.kernel.enter(|cx| cx.kernel.modules().is_empty()));
    assert_eq!(rig.kernel.bug_count(), 0, "{}", rig.log());
    Some(rig)
}

#[test]
fn waitqueue_pair_runs() {
    let Some(rig) = run("seeds/waitqueue_pair.c", 25_000) else { return };
    rig.expect_part("has been woke up !");
    assert!(!rig.has_thread("mythread") && !rig.has_thread("mythread2"));
}

#[test]
fn completion_pair_runs() {
    run("seeds/completion_pair.c", 3_000);
}

#[test]
fn killable_runs() {
    let Some(rig) = run("seeds/killable.c", 5_000) else { return };
    rig.expect_part("First thread function has stopped ,return 0");
}

#[test]
fn waitqueue_noreset_runs() {
    run("seeds/waitqueue_noreset.c", 3_000);
}

#[test]
fn kbench_loads() {
    let Some(path) = beside("kbench/kbench.c") else { return };
    let rig = Rig::new(2);
    let object = compile(&path);
    rig.load("kbench", &object, "").unwrap();
    rig.rmmod("kbench").unwrap();
}
