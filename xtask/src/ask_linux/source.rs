//! The cases as they stand in tests/cases.

use std::path::{Path, PathBuf};

/// The header that every case may include.
pub(super) const SHARED_HEADER: &str = "case.h";

/// One C case: its source and the commands that run it.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) script: String,
    /// FNV-1a over the shared header and the source.
    pub(super) hash: u64,
}

impl Case {
    fn read(path: &Path, shared: &[u8]) -> Result<Self, String> {
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .ok_or_else(|| format!("{}: not a usable name", path.display()))?
            .to_owned();
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let script =
            script_block(&text).unwrap_or_else(|| format!("insmod {name}.ko\nrmmod {name}\n"));
        let hash = fnv1a(shared.iter().chain(text.as_bytes()));
        Ok(Self { name, path: path.to_path_buf(), script, hash })
    }

    /// Tells whether the script never unloads what it loads, because a thread of it can never end.
    pub(super) fn leaves_module_loaded(&self) -> bool {
        !self.script.contains("rmmod ")
    }
}

/// Reads the named cases, or all of them when no name is given.
pub(super) fn load(folder: &Path, names: &[String]) -> Result<Vec<Case>, String> {
    let shared = std::fs::read(folder.join(SHARED_HEADER))
        .map_err(|error| format!("{}: {error}", folder.join(SHARED_HEADER).display()))?;
    let paths = if names.is_empty() { all_sources(folder)? } else { named_sources(folder, names)? };
    paths.iter().map(|path| Case::read(path, &shared)).collect()
}

fn all_sources(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    if paths.is_empty() {
        return Err(format!("no case in {}", folder.display()));
    }
    Ok(paths)
}

fn named_sources(folder: &Path, names: &[String]) -> Result<Vec<PathBuf>, String> {
    let path_of = |name: &String| {
        let path = folder.join(format!("{name}.c"));
        if path.is_file() { Ok(path) } else { Err(format!("no case {}", path.display())) }
    };
    names.iter().map(path_of).collect()
}

/// Takes the `script:` block out of the head comment, without the comment's stars.
fn script_block(source: &str) -> Option<String> {
    let (comment, _) = source.strip_prefix("/*")?.split_once("*/")?;
    let mut lines = comment.lines().map(|line| line.trim().trim_start_matches('*').trim());
    lines.find(|line| *line == "script:")?;
    Some(lines.take_while(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect())
}

fn fnv1a<'a>(bytes: impl Iterator<Item = &'a u8>) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_ends_with_its_paragraph() {
        let source = "/*\n * Shows this.\n *\n * script:\n *   insmod a.ko\n *   rmmod a\n *\n * More.\n */\n";
        assert_eq!(script_block(source).as_deref(), Some("insmod a.ko\nrmmod a\n"));
    }

    #[test]
    fn the_script_may_end_with_the_comment() {
        assert_eq!(script_block("/*\n * script:\n *   a 'b'\n */").as_deref(), Some("a 'b'\n"));
        assert_eq!(script_block("/* Shows this. */\n/* script: */"), None);
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(b"".iter()), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar".iter()), 0x8594_4171_f739_67e8);
    }
}
