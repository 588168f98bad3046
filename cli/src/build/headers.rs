//! The C headers: embedded in the command, unpacked where a compiler can read them.
//!
//! They go to a directory of their own for each version, named by a hash of their content, and
//! stay there. Each file is written under another name and renamed, so a file with its right name
//! is whole; before use all of them are looked at and what is missing or damaged is written anew.
//! Several commands may do this at the same time: all write the same.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::BuildError;

/// The headers: the name to include each by, and its content.
static HEADERS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/headers.rs"));

/// Tells the headers of this version of the command from those of any other.
const HASH: &str = env!("KTHREADS_HEADERS_HASH");

/// Says whether there is a header of this name.
pub(super) fn exists(name: &str) -> bool {
    HEADERS.iter().any(|(known, _)| *known == name)
}

/// Makes sure that the headers are unpacked, and returns the directory to give to the compiler.
pub(super) fn unpacked() -> Result<PathBuf, BuildError> {
    let root = cache_root();
    let folder = root.join(format!("include-{HASH}"));
    unpack(&root, &folder, HEADERS)
        .map_err(|error| BuildError::Headers { folder: folder.clone(), error })?;
    Ok(folder)
}

/// Chooses the user's cache, or a directory of the user in the directory for temporary files.
fn cache_root() -> PathBuf {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("kthreads"))
        .filter(|root| create_private(root).is_ok())
        .unwrap_or_else(|| std::env::temp_dir().join(format!("kthreads-cache-{}", user_id())))
}

/// Returns the user's id as the owner of the process's own directory in /proc.
fn user_id() -> u32 {
    fs::metadata("/proc/self").map_or(0, |metadata| metadata.uid())
}

/// Creates a directory that only this user can write to, with those above it.
fn create_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let metadata = fs::symlink_metadata(folder)?;
    if !metadata.is_dir() || metadata.uid() != user_id() || metadata.mode() & 0o022 != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{} is not a directory that only you can write to", folder.display()),
        ));
    }
    Ok(())
}

fn unpack(root: &Path, folder: &Path, headers: &[(&str, &[u8])]) -> io::Result<()> {
    create_private(root)?;
    create_private(folder)?;
    for (name, content) in headers {
        let path = folder.join(name);
        if !is_whole(&path, content) {
            write_whole(&path, content)?;
        }
    }
    Ok(())
}

fn is_whole(path: &Path, content: &[u8]) -> bool {
    fs::read(path).is_ok_and(|found| found == content)
}

fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: &[(&str, &[u8])] = &[("linux/a.h", b"int a;\n"), ("asm/deep/b.h", b"")];

    fn assert_whole(folder: &Path) {
        for (name, content) in SOME {
            assert_eq!(fs::read(folder.join(name)).unwrap(), *content);
        }
    }

    #[test]
    fn damaged_and_missing_headers_are_written_anew() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("cache");
        let folder = root.join("include-x");
        unpack(&root, &folder, SOME).unwrap();
        assert_whole(&folder);
        fs::write(folder.join("linux/a.h"), "int b;\n").unwrap();
        fs::remove_dir_all(folder.join("asm")).unwrap();
        unpack(&root, &folder, SOME).unwrap();
        assert_whole(&folder);
    }

    #[test]
    fn many_can_unpack_at_once() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("cache");
        let folder = root.join("include-x");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    unpack(&root, &folder, SOME).unwrap();
                    assert_whole(&folder);
                });
            }
        });
        let left: Vec<_> = fs::read_dir(folder.join("linux")).unwrap().collect();
        assert_eq!(left.len(), 1, "no temporary file stays behind");
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("cache");
        fs::create_dir(&root).unwrap();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(unpack(&root, &root.join("include-x"), SOME).is_err());
    }

    #[test]
    fn the_hash_is_of_this_table() {
        assert_eq!(HASH.len(), 32);
        assert!(HEADERS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
