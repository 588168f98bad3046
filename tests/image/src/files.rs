//! The files of the initial RAM disk.

use alloc::format;
use alloc::string::String;

/// The files of the initial RAM disk.
#[derive(Clone, Copy)]
pub(crate) struct Files(pub(crate) &'static [u8]);

impl Files {
    /// All files, with their names.
    pub(crate) fn all(self) -> impl Iterator<Item = (&'static str, &'static [u8])> {
        cpio_reader::iter_files(self.0).map(|entry| (entry.name(), entry.file()))
    }

    /// The content of a file.
    ///
    /// # Errors
    ///
    /// When it is not there.
    pub(crate) fn read(self, name: &str) -> Result<&'static [u8], String> {
        let found = self.all().find(|(known, _)| *known == name);
        found.map(|(_, content)| content).ok_or_else(|| format!("no file {name} on the RAM disk"))
    }

    /// The content of a text file.
    ///
    /// # Errors
    ///
    /// When it is not there, or no text.
    pub(crate) fn text(self, name: &str) -> Result<&'static str, String> {
        let content = self.read(name)?;
        core::str::from_utf8(content).map_err(|error| format!("{name}: {error}"))
    }
}
