//! Embeds the C headers in the command, so that it works wherever it is installed.
//!
//! They lie in the repository's `include/`, beside this package: `cargo build` and `cargo install`
//! from a checkout or with `--git` find them there. Where the package stands alone, it must bring
//! a copy as its own `include/`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let candidates = [package.join("../include"), package.join("include")];
    let Some(root) = candidates.iter().find(|root| root.join("linux").is_dir()) else {
        return Err(io::Error::other(format!("no linux/ in any of {candidates:?}")));
    };
    let root = root.canonicalize()?;
    println!("cargo::rerun-if-changed={}", root.display());
    let mut headers = Vec::new();
    collect(&root, &root, &mut headers)?;
    headers.sort();
    let table = PathBuf::from(variable("OUT_DIR")).join("headers.rs");
    fs::write(table, generate(&headers)?)
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}

/// Lists the headers below `folder`: the name to include each by, and where it is.
fn collect(root: &Path, folder: &Path, headers: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, headers)?;
        } else if path.extension().is_some_and(|extension| extension == "h") {
            let name = path.strip_prefix(root).expect("it was found below the root");
            headers.push((name.to_str().expect("header names are ASCII").to_owned(), path));
        }
    }
    Ok(())
}

fn generate(headers: &[(String, PathBuf)]) -> io::Result<String> {
    let mut table = String::from("&[\n");
    let mut hash = Fnv::new();
    for (name, path) in headers {
        let content = fs::read(path)?;
        hash.add(name.as_bytes());
        hash.add(&content);
        let path = path.to_str().ok_or_else(|| io::Error::other("the path is not UTF-8"))?;
        writeln!(table, "    ({name:?}, include_bytes!({path:?})),").expect("memory is enough");
    }
    table.push_str("]\n");
    println!("cargo::rustc-env=KTHREADS_HEADERS_HASH={:032x}", hash.0);
    Ok(table)
}

/// Is a 128-bit FNV-1a hash: it tells versions of the headers apart, not forgeries.
struct Fnv(u128);

impl Fnv {
    fn new() -> Self {
        Fnv(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    /// Adds the bytes and their number, so that the borders between the pieces count too.
    fn add(&mut self, bytes: &[u8]) {
        let length = (bytes.len() as u64).to_le_bytes();
        for byte in bytes.iter().chain(&length) {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
    }
}
