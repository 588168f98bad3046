//! What is fuzzed: each target takes any bytes, and panics or dies if the code under it is wrong.

pub mod format;
pub mod loader;
pub mod parameters;
pub mod scan;
pub mod script;
mod words;

/// A target: its name, and what takes the bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 5] = [
    ("loader", loader::run),
    ("parameters", parameters::run),
    ("script", script::run),
    ("format", format::run),
    ("scan", scan::run),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// What was once found stays fixed.
    #[test]
    fn the_kept_corpus_is_taken() {
        let mut count = 0;
        for (name, run) in TARGETS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
            for entry in fs::read_dir(folder).expect("seeds").flatten() {
                run(&fs::read(entry.path()).expect("a seed"));
                count += 1;
            }
        }
        assert!(count >= 5, "only {count} seeds");
    }
}
