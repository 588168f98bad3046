//! The cases as they stand in tests/cases.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use kthreads_tests::c_case::{SHARED_HEADER, Source};

/// One C case: its source and the commands that run it.
pub(crate) struct Case {
    pub(crate) path: PathBuf,
    source: Source,
}

impl Deref for Case {
    type Target = Source;
    fn deref(&self) -> &Source {
        &self.source
    }
}

impl Case {
    fn read(path: &Path, shared: &[u8]) -> Result<Self, String> {
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .ok_or_else(|| format!("{}: not a usable name", path.display()))?;
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { source: Source::new(name, shared, &text), path: path.to_path_buf() })
    }

    /// Where the answer of real Linux is kept.
    pub(crate) fn record(&self) -> PathBuf {
        self.path.with_extension("linux")
    }
}

/// Reads the named cases, or all of them when no name is given.
pub(crate) fn load(folder: &Path, names: &[String]) -> Result<Vec<Case>, String> {
    let shared = std::fs::read(folder.join(SHARED_HEADER))
        .map_err(|error| format!("{}: {error}", folder.join(SHARED_HEADER).display()))?;
    let paths = if names.is_empty() { all_sources(folder)? } else { named_sources(folder, names)? };
    paths.iter().map(|path| Case::read(path, &shared)).collect()
}

fn all_sources(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    if paths.is_empty() {
        return Err(format!("no case in {}", folder.display()));
    }
    paths.sort();
    Ok(paths)
}

fn named_sources(folder: &Path, names: &[String]) -> Result<Vec<PathBuf>, String> {
    let path_of = |name: &String| {
        let path = folder.join(format!("{name}.c"));
        if path.is_file() { Ok(path) } else { Err(format!("no case {}", path.display())) }
    };
    names.iter().map(path_of).collect()
}
