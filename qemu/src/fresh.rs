//! Whether an image is as new as what it is made from.
//!
//! To ask cargo takes as long as to boot. Cargo writes beside each program from which sources it
//! was made, in make's format; if none of them is newer, nor the manifests, there is nothing to
//! ask for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What else decides about a build, in the root of the workspace.
const OF_THE_WORKSPACE: [&str; 4] =
    ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "rust-toolchain.toml"];

/// Whether nothing that `image` was made from, in the workspace at `root`, has changed since. Where
/// that cannot be told, it may have.
pub(crate) fn is_fresh(image: &Path, root: &Path) -> bool {
    let listed = fs::read_to_string(image.with_extension("d"));
    let (Some(made), Ok(listed)) = (changed(image), listed) else { return false };
    let sources = sources(&listed);
    let manifests = sources.iter().filter_map(|source| manifest_of(source, root));
    let manifests: BTreeSet<PathBuf> = manifests.collect();
    let is_older = |file: &Path| changed(file).is_some_and(|changed| changed <= made);
    !sources.is_empty()
        && sources.iter().all(|source| is_older(source))
        && manifests.iter().all(|manifest| is_older(manifest))
        && OF_THE_WORKSPACE.iter().map(|name| root.join(name)).all(|file| is_older(&file))
}

fn changed(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|data| data.modified()).ok()
}

/// The files behind the colon of a rule; a space in a name has a backslash before it.
fn sources(rule: &str) -> Vec<PathBuf> {
    let Some((_, listed)) = rule.lines().next().unwrap_or("").split_once(": ") else {
        return Vec::new();
    };
    let spaced = listed.replace("\\ ", "\0");
    spaced.split_ascii_whitespace().map(|name| name.replace('\0', " ").into()).collect()
}

/// The manifest of the package that a source belongs to.
fn manifest_of(source: &Path, root: &Path) -> Option<PathBuf> {
    let folders = source.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
    folders.map(|folder| folder.join("Cargo.toml")).find(|manifest| manifest.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::Duration;

    #[test]
    fn a_rule_is_read() {
        let rule = "/t/image: /a/src/lib.rs /with\\ space/main.rs\n\n/other: /b\n";
        let expected = ["/a/src/lib.rs", "/with space/main.rs"].map(PathBuf::from);
        assert_eq!(sources(rule), expected);
        assert!(sources("garbage").is_empty());
    }

    #[test]
    fn an_image_is_fresh_until_something_changes() {
        let root = tempfile::tempdir().expect("a folder");
        let root = root.path();
        let write = |name: &str, text: &str| {
            let file = root.join(name);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(&file, text).expect("a file");
            file
        };
        let mut inputs: Vec<PathBuf> = OF_THE_WORKSPACE.map(|name| write(name, "")).to_vec();
        let source = write("one/src/lib.rs", "");
        inputs.extend([write("one/Cargo.toml", ""), source.clone()]);
        let image = write("target/image", "");
        assert!(!is_fresh(&image, root), "nobody says what it is made from");
        write("target/image.d", &format!("{}: {}\n", image.display(), source.display()));
        assert!(is_fresh(&image, root));
        let later = SystemTime::now() + Duration::from_secs(60);
        for input in inputs {
            let file = File::options().write(true).open(&input).expect("a file");
            let before = changed(&input).expect("a time");
            file.set_modified(later).expect("a time");
            assert!(!is_fresh(&image, root), "{input:?}");
            file.set_modified(before).expect("a time");
        }
        assert!(is_fresh(&image, root));
        fs::remove_file(&source).expect("it is there");
        assert!(!is_fresh(&image, root), "a source is gone");
    }
}
