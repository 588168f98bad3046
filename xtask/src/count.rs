//! Counts unsafe blocks, so that their number does not grow unnoticed.

use std::fs;
use std::path::{Path, PathBuf};

/// The crates, and how many unsafe blocks and impls each may have.
const LIMITS: [(&str, usize); 17] = [
    ("base/src", 93),
    ("lockdep/src", 0),
    ("kernel/src", 0),
    ("shell/src", 0),
    ("loader/src", 12),
    ("machine/host/src", 103),
    ("machine/pc/src", 69),
    ("machine/sim/src", 50),
    ("capi/src", 70),
    ("cli/src", 37),
    ("session/src", 0),
    ("image/src", 0),
    ("qemu/src", 2),
    ("explore/src", 4),
    ("race/src", 0),
    ("tests/src", 34),
    ("tests/soak/src", 3),
];

/// Prints the counts; fails where there are more than the limit.
pub(crate) fn run() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    println!("unsafe blocks and impls:");
    let mut over = Vec::new();
    for (folder, limit) in LIMITS {
        let count: usize = sources(&root.join(folder)).iter().map(|file| count(file)).sum();
        println!("  {folder:20} {count:4} (at most {limit})");
        if count > limit {
            over.push(folder);
        }
    }
    if over.is_empty() {
        return Ok(());
    }
    Err(format!("more unsafe than agreed in {}: see xtask/src/count.rs", over.join(", ")))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn count(file: &Path) -> usize {
    let text = fs::read_to_string(file).unwrap_or_default();
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    code.map(|line| line.matches("unsafe {").count() + line.matches("unsafe impl").count()).sum()
}
