//! The files of the initrd.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use kthreads_session::{Object, Prepared, identifier};

/// Finds a file.
pub(crate) fn find<'a>(initrd: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let is_it = |entry: &cpio_reader::Entry<'a>| entry.name() == name;
    cpio_reader::iter_files(initrd).find(is_it).map(|entry| entry.file())
}

/// Finds the modules that the command line names.
///
/// # Errors
///
/// Which one is not there.
pub(crate) fn modules(
    initrd: &[u8],
    wanted: &[(String, Vec<String>)],
) -> Result<Vec<Prepared>, String> {
    let module = |(path, parameters): &(String, Vec<String>)| {
        let bytes = find(initrd, path).ok_or_else(|| format!("{path} is not in the initrd"))?;
        let file = path.rsplit('/').next().unwrap_or(path);
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let object = Object { name: identifier(stem), bytes: bytes.into() };
        Ok(Prepared { object, path: path.clone(), parameters: parameters.clone() })
    };
    wanted.iter().map(module).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive of two empty files and one of five bytes, as cpio writes it.
    fn archive() -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, content) in [("a-b.ko", ""), ("x/y.c", "hello"), ("TRAILER!!!", "")] {
            let numbers = [1, 0o100_644, 0, 0, 1, 0, content.len(), 0, 0, 0, 0, name.len() + 1, 0];
            let header: String = numbers.iter().map(|number| format!("{number:08x}")).collect();
            bytes.extend(format!("070701{header}{name}\0").into_bytes());
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes.extend_from_slice(content.as_bytes());
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn modules_are_found_by_their_paths_and_named_after_their_files() {
        let archive = archive();
        let wanted = |path: &str| [(String::from(path), Vec::new())];
        let names = |path| modules(&archive, &wanted(path)).map(|all| all[0].object.name.clone());
        assert_eq!(names("a-b.ko").as_deref(), Ok("a_b"));
        assert_eq!(names("x/y.c").as_deref(), Ok("y"));
        assert_eq!(names("y.c").unwrap_err(), "y.c is not in the initrd");
        assert_eq!(find(&archive, "x/y.c"), Some(&b"hello"[..]));
        assert_eq!(find(b"no archive", "x"), None);
    }
}
