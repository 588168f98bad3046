//! The tables that a module carries for the kernel: exported symbols and constructors.

use crate::error::LoadError;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Tells which modules may use an exported symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportLicense {
    /// Every module (`EXPORT_SYMBOL`).
    Any,
    /// Modules under a GPL-compatible licence only (`EXPORT_SYMBOL_GPL`).
    GplOnly,
}

/// Describes a symbol that a module offers to modules loaded after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The name that others use.
    pub name: String,
    /// Its run-time address.
    pub address: usize,
    /// Who may use it.
    pub license: ExportLicense,
}

const WORD_BYTES: usize = 8;
/// The name, the address, the flags: three words.
const EXPORT_WORDS: usize = 3;
const GPL_ONLY_FLAG: u64 = 1;

/// An image under construction: its bytes and the address of the first one.
#[derive(Clone, Copy)]
pub(crate) struct Bytes<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) base: usize,
}

impl<'a> Bytes<'a> {
    /// Reads the NUL-terminated string at a run-time address.
    fn string_at(self, address: u64) -> Option<&'a str> {
        let offset = usize::try_from(address).ok()?.checked_sub(self.base)?;
        let tail = self.bytes.get(offset..)?;
        let len = tail.iter().position(|byte| *byte == 0)?;
        core::str::from_utf8(&tail[..len]).ok().filter(|text| !text.is_empty())
    }
}

fn words(table: &[u8]) -> impl Iterator<Item = u64> {
    table.as_chunks::<WORD_BYTES>().0.iter().map(|word| u64::from_le_bytes(*word))
}

/// Decodes one relocated `__ksymtab` section.
///
/// Compilers may align the entries more than the structure needs, so zero words between entries
/// are padding: an entry starts with its name, which is never null.
pub(crate) fn exports(image: Bytes<'_>, table: &[u8]) -> Result<Vec<Export>, LoadError> {
    let words: Vec<u64> = words(table).collect();
    let mut rest = words.as_slice();
    let mut exports = Vec::new();
    while let Some(start) = rest.iter().position(|word| *word != 0) {
        let Some((entry, behind)) = rest[start..].split_first_chunk::<EXPORT_WORDS>() else {
            return Err(LoadError::malformed("the last entry of __ksymtab is cut off"));
        };
        exports.push(export(image, exports.len(), *entry)?);
        rest = behind;
    }
    Ok(exports)
}

fn export(
    image: Bytes<'_>,
    index: usize,
    [name, address, flags]: [u64; EXPORT_WORDS],
) -> Result<Export, LoadError> {
    let Some(name) = image.string_at(name) else {
        return Err(LoadError::malformed(format!("entry {index} of __ksymtab has no name")));
    };
    let license = match flags & GPL_ONLY_FLAG {
        0 => ExportLicense::Any,
        _ => ExportLicense::GplOnly,
    };
    Ok(Export { name: name.into(), address: address as usize, license })
}

/// Lists the functions of one relocated `.init_array` section; empty slots are skipped.
pub(crate) fn constructors(table: &[u8]) -> impl Iterator<Item = usize> {
    words(table).filter(|word| *word != 0).map(|word| word as usize)
}

/// Gives the place of a constructor section in the order of running: those with a number run
/// first, from low to high. `None` if the name is not that of a constructor section.
pub(crate) fn constructor_rank(name: &str) -> Option<u32> {
    let rest = name.strip_prefix(".init_array")?;
    if rest.is_empty() {
        return Some(u32::MAX);
    }
    Some(rest.strip_prefix('.')?.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const BASE: usize = 0x10_0000;

    fn table(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn exports_are_name_address_and_flags_with_padding_between() {
        let image = Bytes { bytes: b"\0one\0two\0", base: BASE };
        let bytes = table(&[BASE as u64 + 1, 77, 0, 0, BASE as u64 + 5, 78, 1]);
        let exports = exports(image, &bytes).expect("well-formed");
        assert_eq!(
            exports,
            vec![
                Export { name: "one".into(), address: 77, license: ExportLicense::Any },
                Export { name: "two".into(), address: 78, license: ExportLicense::GplOnly },
            ]
        );
    }

    #[test]
    fn export_names_must_lie_in_the_image_and_end_there() {
        let image = Bytes { bytes: b"\0one", base: BASE };
        for name in [BASE as u64 - 1, BASE as u64, BASE as u64 + 1, BASE as u64 + 4, u64::MAX] {
            assert!(exports(image, &table(&[name, 1, 0])).is_err(), "{name:#x}");
        }
        assert!(exports(image, &table(&[1, 2])).is_err());
    }

    #[test]
    fn constructors_run_by_number_then_the_rest() {
        assert_eq!(constructor_rank(".init_array.00099"), Some(99));
        assert_eq!(constructor_rank(".init_array"), Some(u32::MAX));
        assert_eq!(constructor_rank(".init_arrays"), None);
        assert_eq!(constructor_rank(".init.text"), None);
        assert_eq!(constructors(&table(&[5, 0, 6])).collect::<Vec<_>>(), [5, 6]);
    }
}
