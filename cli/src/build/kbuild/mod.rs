//! What a directory's Kbuild or Makefile says about its modules.

mod eval;
mod expand;
mod functions;
mod lines;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use super::BuildError;
use super::plan::{Language, ModulePlan, Unit, language};
use eval::Makefile;

/// How deep `obj-m += folder/` may be nested.
const DEEPEST_FOLDER: usize = 8;

/// The variables with flags for all sources of a directory, in the order of a kernel build.
const FLAGS: [&str; 4] = ["KCFLAGS", "EXTRA_CFLAGS", "ccflags-y", "CFLAGS_MODULE"];

/// Reads the modules of a directory; what was not understood goes to `warnings`.
pub(super) fn read(
    folder: &Path,
    warnings: &mut Vec<String>,
) -> Result<Vec<ModulePlan>, BuildError> {
    let mut found = Found { modules: Vec::new(), warnings };
    let file = found.read_folder(folder, &[], 0)?;
    if found.modules.is_empty() {
        return Err(BuildError::NoModules(file));
    }
    Ok(found.modules)
}

struct Found<'a> {
    modules: Vec<ModulePlan>,
    warnings: &'a mut Vec<String>,
}

impl Found<'_> {
    /// Reads one directory and those it names; returns the file that was read.
    fn read_folder(
        &mut self,
        folder: &Path,
        inherited: &[String],
        depth: usize,
    ) -> Result<PathBuf, BuildError> {
        let (file, content) = makefile(folder)?;
        let absolute = folder
            .canonicalize()
            .map_err(|error| BuildError::Unreadable { path: folder.to_owned(), error })?;
        let environment = |name: &str| std::env::var(name).ok();
        let mut makefile = Makefile::new(absolute, &environment);
        makefile.read(&file, &content);
        let result = self.collect(&mut makefile, folder, inherited, depth);
        self.warnings.append(&mut makefile.warnings);
        if let Some(error) = makefile.stopped.take() {
            return Err(error);
        }
        result.map(|()| file)
    }

    fn collect(
        &mut self,
        makefile: &mut Makefile<'_>,
        folder: &Path,
        inherited: &[String],
        depth: usize,
    ) -> Result<(), BuildError> {
        let mut for_all = inherited.to_vec();
        for_all.extend(flags(makefile, "subdir-ccflags-y")?);
        for entry in unique_words(&makefile.value("obj-m")) {
            if let Some(name) = entry.strip_suffix(".o") {
                self.modules.push(module(makefile, folder, name, &for_all)?);
            } else if let Some(name) = entry.strip_suffix('/')
                && depth < DEEPEST_FOLDER
            {
                self.read_folder(&folder.join(name), &for_all, depth + 1)?;
            } else {
                makefile.warn(&format!("obj-m: {entry} is neither an object nor a folder/"));
            }
        }
        let built_in = makefile.value("obj-y");
        if !built_in.trim().is_empty() {
            makefile.warn(&format!("obj-y is ignored: write obj-m for {}", built_in.trim()));
        }
        Ok(())
    }
}

/// Reads a directory's Kbuild, or else its Makefile.
fn makefile(folder: &Path) -> Result<(PathBuf, String), BuildError> {
    let files = ["Kbuild", "Makefile"].map(|name| folder.join(name));
    let Some(file) = files.into_iter().find(|file| file.is_file()) else {
        return Err(match folder.is_dir() {
            true => BuildError::NoMakefile(folder.to_owned()),
            false => BuildError::NotFound(folder.to_owned()),
        });
    };
    match fs::read(&file) {
        Ok(content) => Ok((file, String::from_utf8_lossy(&content).into_owned())),
        Err(error) => Err(BuildError::Unreadable { path: file, error }),
    }
}

fn module(
    makefile: &mut Makefile<'_>,
    folder: &Path,
    name: &str,
    inherited: &[String],
) -> Result<ModulePlan, BuildError> {
    let (path, stem) = name.rsplit_once('/').unwrap_or(("", name));
    let lists = ["objs", "y", "m"].map(|kind| makefile.value(&format!("{name}-{kind}")));
    let mut objects = unique_words(&lists.join(" "));
    let own = format!("{name}.o");
    if objects.contains(&own) && objects.len() > 1 {
        return Err(BuildError::ListsItself { file: makefile.file.clone(), module: name.into() });
    }
    if objects.is_empty() {
        objects.push(own);
    } else {
        // The parts of a module in a folder are named from the folder of the Makefile, too.
        let missing = |object: &String| source(&folder.join(object)).is_none();
        if !path.is_empty() && objects.iter().all(missing) {
            objects.iter_mut().for_each(|object| *object = format!("{path}/{object}"));
        }
    }
    let units = objects
        .iter()
        .map(|object| unit(makefile, folder, object, inherited))
        .collect::<Result<_, _>>()?;
    Ok(ModulePlan { stem: stem.to_owned(), units })
}

fn unit(
    makefile: &mut Makefile<'_>,
    folder: &Path,
    object: &str,
    inherited: &[String],
) -> Result<Unit, BuildError> {
    let Some((source, language)) = source(&folder.join(object)) else {
        let (file, object) = (makefile.file.clone(), folder.join(object));
        return Err(BuildError::MissingSource { file, object });
    };
    let mut all = inherited.to_vec();
    let mut removed = Vec::new();
    let names = [object, object.rsplit('/').next().unwrap_or(object)];
    let names = if names[0] == names[1] { &names[..1] } else { &names[..] };
    let (prefix, for_folder) = match language {
        Language::C => ("CFLAGS", &FLAGS[..]),
        Language::Assembly => ("AFLAGS", &["EXTRA_AFLAGS", "asflags-y"][..]),
    };
    for variable in for_folder {
        all.extend(flags(makefile, variable)?);
    }
    removed.extend(flags(makefile, "ccflags-remove-y")?);
    for name in names {
        all.extend(flags(makefile, &format!("{prefix}_{name}"))?);
        removed.extend(flags(makefile, &format!("{prefix}_REMOVE_{name}"))?);
    }
    all.retain(|flag| !removed.contains(flag));
    Ok(Unit { source, language, flags: all })
}

/// Finds the source of an object file.
fn source(object: &Path) -> Option<(PathBuf, Language)> {
    let candidates = ["c", "S"].map(|extension| object.with_extension(extension));
    let source = candidates.into_iter().find(|source| source.is_file())?;
    language(&source).map(|language| (source, language))
}

/// Returns a variable's words as the shell would give them to the compiler.
fn flags(makefile: &mut Makefile<'_>, variable: &str) -> Result<Vec<String>, BuildError> {
    let value = makefile.value(variable);
    let Some(words) = shlex::split(&value) else {
        return Err(BuildError::InvalidFlags { file: makefile.file.clone(), flags: value });
    };
    Ok(below_folder(words, &makefile.folder))
}

/// Makes the directories of `-I` absolute: the compiler is not started in the module's directory.
fn below_folder(words: Vec<String>, folder: &Path) -> Vec<String> {
    let absolute = |path: &str| folder.join(path).to_string_lossy().into_owned();
    let mut previous = String::new();
    let mut result = Vec::new();
    for word in words {
        let is_folder = matches!(previous.as_str(), "-I" | "-isystem" | "-iquote");
        result.push(match word.strip_prefix("-I") {
            _ if is_folder => absolute(&word),
            Some(path) if !path.is_empty() => format!("-I{}", absolute(path)),
            _ => word.clone(),
        });
        previous = word;
    }
    result
}

fn unique_words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}
