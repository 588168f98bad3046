//! The files that a guest gets at boot: a cpio archive (newc).

use std::io;

/// A plain file that everybody may read.
const MODE: u32 = 0o100_644;

/// Packs files under their names into an initial ramdisk.
///
/// # Errors
///
/// When a file has more than 4 GiB, which the format cannot say.
pub fn pack(files: &[(&str, &[u8])]) -> io::Result<Vec<u8>> {
    let mut archive = Vec::new();
    for (name, content) in files {
        let len = u32::try_from(content.len()).map_err(io::Error::other)?;
        let mut writer = cpio::newc::Builder::new(name).mode(MODE).write(archive, len);
        io::Write::write_all(&mut writer, content)?;
        archive = writer.finish()?;
    }
    cpio::newc::trailer(archive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_can_be_read() {
        let files: [(&str, &[u8]); 3] =
            [("dir/a b.ko", b"\x7fELF"), ("empty", b""), ("./x", &[7; 1001])];
        let archive = pack(&files).expect("small files");
        let mut rest = &archive[..];
        for (name, content) in files {
            let mut reader = cpio::newc::Reader::new(rest).expect("an entry");
            assert_eq!(reader.entry().name(), name);
            let mut read = Vec::new();
            io::Read::read_to_end(&mut reader, &mut read).expect("its content");
            assert_eq!(read, content);
            rest = reader.finish().expect("the next entry");
        }
        assert!(cpio::newc::Reader::new(rest).expect("the end").entry().is_trailer());
    }
}
