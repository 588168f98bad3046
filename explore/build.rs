//! Makes the number that stands for this build in replay strings: a hash of all sources that
//! decide where a schedule has points and what comes of a choice.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Where those lie, from the repository's root.
const SOURCES: &[&str] = &[
    "base/src",
    "capi/src",
    "cli/src/explore",
    "explore/src",
    "kernel/src",
    "loader/src",
    "lockdep/src",
    "machine/host/src",
    "machine/sim/src",
    "race/src",
    "session/src",
    "shell/src",
];

fn main() -> io::Result<()> {
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let root = package.parent().ok_or_else(|| io::Error::other("the package lies in no folder"))?;
    let mut files = Vec::new();
    for source in SOURCES {
        let folder = root.join(source);
        println!("cargo::rerun-if-changed={}", folder.display());
        collect(&folder, &mut files)
            .map_err(|error| io::Error::other(format!("{}: {error}", folder.display())))?;
    }
    files.sort();
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for file in files {
        let name = file.strip_prefix(root).expect("it was found below the root");
        hash = mix(hash, name.as_os_str().as_encoded_bytes());
        hash = mix(hash, &fs::read(&file)?);
    }
    println!("cargo::rustc-env=KTHREADS_BUILD={:x}", (hash ^ hash >> 32) as u32);
    Ok(())
}

/// Lists the files below a folder, without those that hold only tests.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_stem().is_some_and(|name| name == "tests") {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Adds bytes to a hash (FNV-1a), and where they end.
fn mix(hash: u64, bytes: &[u8]) -> u64 {
    let length = (bytes.len() as u64).to_le_bytes();
    let add = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().chain(&length).fold(hash, add)
}
