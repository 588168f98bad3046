//! What is to be built: from files and directories to modules and their sources.

use std::path::{Path, PathBuf};

pub(super) use kthreads_session::identifier;

use super::kbuild;
use super::{BuildError, Target};

/// The longest name a module can have, as in Linux.
const LONGEST_NAME: usize = 55;

/// Is a module with the sources it is made of.
#[derive(Debug)]
pub(super) struct ModulePlan {
    /// The name of its file, without `.ko`.
    pub(super) stem: String,
    /// Its sources; never empty.
    pub(super) units: Vec<Unit>,
}

/// Is one source of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) source: PathBuf,
    pub(super) language: Language,
    /// What its Kbuild or Makefile adds to the flags.
    pub(super) flags: Vec<String>,
}

/// Is what a source is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    C,
    Assembly,
}

/// Finds out which modules a target stands for, and adds what seems wrong to `warnings`.
pub(super) fn plan(
    target: &Target,
    warnings: &mut Vec<String>,
) -> Result<Vec<ModulePlan>, BuildError> {
    match target {
        Target::Sources(files) => Ok(vec![from_sources(files)?]),
        Target::Directory(folder) => {
            let modules = kbuild::read(folder, warnings)?;
            modules.iter().try_for_each(|module| check_name(&module.stem))?;
            Ok(modules)
        }
        Target::Module(file) => Err(BuildError::AlreadyBuilt(file.clone())),
    }
}

/// Makes one module of all files, named after the first.
fn from_sources(files: &[PathBuf]) -> Result<ModulePlan, BuildError> {
    let units: Vec<_> = files
        .iter()
        .map(|file| match language(file) {
            Some(language) if file.is_file() => {
                Ok(Unit { source: file.clone(), language, flags: Vec::new() })
            }
            Some(_) => Err(BuildError::NotFound(file.clone())),
            None => Err(BuildError::UnknownKind(file.clone())),
        })
        .collect::<Result<_, _>>()?;
    let stem = files.first().map(|file| stem(file)).transpose()?.unwrap_or_default();
    Ok(ModulePlan { stem, units })
}

/// Tells by a file's ending what it is written in.
pub(super) fn language(file: &Path) -> Option<Language> {
    match file.extension()?.to_str()? {
        "c" => Some(Language::C),
        "S" => Some(Language::Assembly),
        _ => None,
    }
}

/// Returns a file's name without its ending, if a module can be called so.
pub(super) fn stem(file: &Path) -> Result<String, BuildError> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    check_name(&stem)?;
    Ok(stem)
}

fn check_name(stem: &str) -> Result<(), BuildError> {
    if stem.is_empty() || stem.len() > LONGEST_NAME {
        return Err(BuildError::InvalidName(stem.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_modules() {
        assert_eq!(identifier("wait-queue,pair"), "wait_queue_pair");
        assert_eq!(identifier("a\"b\\c d"), "a_b_c_d");
        assert_eq!(stem(Path::new("x/wait-queue.c")).unwrap(), "wait-queue");
        assert!(stem(Path::new(&"n".repeat(56))).is_err());
    }

    #[test]
    fn only_sources_can_be_compiled() {
        let plan = |name: &str| from_sources(&[PathBuf::from(name)]);
        assert!(matches!(plan("/nowhere/a.c"), Err(BuildError::NotFound(_))));
        assert!(matches!(plan("/nowhere/a.rs"), Err(BuildError::UnknownKind(_))));
    }
}
