//! `kthreads flags`: what an editor needs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::args::{FlagsCommand, FlagsForm};
use crate::build::{self, BuildError, CompileCommand, Target};
use crate::status;

/// Does `kthreads flags`; returns the exit status.
pub(crate) fn print(command: &FlagsCommand) -> u8 {
    match text(command) {
        Ok(text) => {
            print!("{text}");
            status::CLEAN
        }
        Err(error) => {
            eprintln!("kthreads: {error}");
            status::NOT_LOADED
        }
    }
}

fn text(command: &FlagsCommand) -> Result<String, String> {
    let shown = |error: BuildError| error.to_string();
    if command.form == FlagsForm::Lines {
        let flags = build::editor_flags().map_err(shown)?;
        let module = ["-DKBUILD_MODNAME=\"module\"", "-DKBUILD_BASENAME=\"module\""];
        let lines = flags.iter().map(String::as_str).chain(module);
        return Ok(lines.flat_map(|flag| [flag, "\n"]).collect());
    }
    let targets = match command.files.as_slice() {
        [] => targets_here()?,
        files => {
            let targets = files.iter().map(|file| Target::of(file));
            targets.collect::<Result<Vec<_>, _>>().map_err(shown)?
        }
    };
    let mut warnings = Vec::new();
    let commands = build::compile_commands(&targets, &mut warnings).map_err(shown)?;
    warnings.iter().for_each(|warning| eprint!("{warning}"));
    let folder = env::current_dir().map_err(|error| format!("no current directory: {error}"))?;
    Ok(database(&folder, &commands))
}

/// What the current directory has: a Kbuild or Makefile, or else sources.
fn targets_here() -> Result<Vec<Target>, String> {
    let here = Path::new(".");
    let by_makefile = Target::Directory(PathBuf::from(here));
    let has_modules =
        build::compile_commands(std::slice::from_ref(&by_makefile), &mut Vec::new()).is_ok();
    if has_modules {
        return Ok(vec![by_makefile]);
    }
    let entries = fs::read_dir(here).map_err(|error| format!("cannot read .: {error}"))?;
    let is_source = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "c");
    let names = entries.flatten().map(|entry| PathBuf::from(entry.file_name()));
    let mut sources: Vec<PathBuf> = names.filter(is_source).collect();
    sources.sort();
    if sources.is_empty() {
        return Err(
            "this directory has no .c file, and no Kbuild or Makefile that makes modules: \
                    name the files"
                .to_owned(),
        );
    }
    Ok(sources.into_iter().map(|source| Target::Sources(vec![source])).collect())
}

/// Writes a compilation database as tools for C read it (compile_commands.json).
fn database(folder: &Path, commands: &[CompileCommand]) -> String {
    let folder = quoted(&folder.to_string_lossy());
    let entry = |command: &CompileCommand| {
        let words: Vec<String> = command.arguments.iter().map(|word| quoted(word)).collect();
        let file = quoted(&command.file.to_string_lossy());
        let words = words.join(", ");
        format!("  {{\"directory\": {folder}, \"file\": {file}, \"arguments\": [{words}]}}")
    };
    let entries: Vec<String> = commands.iter().map(entry).collect();
    format!("[\n{}\n]\n", entries.join(",\n"))
}

/// A string of JSON.
fn quoted(text: &str) -> String {
    let mut all = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => all.extend(['\\', letter]),
            // Writing to a String does not fail.
            letter if letter < ' ' => drop(write!(all, "\\u{:04x}", u32::from(letter))),
            letter => all.push(letter),
        }
    }
    all.push('"');
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_as_json_has_it() {
        assert_eq!(quoted("-DA=\"b\"\\\n\u{e9}"), "\"-DA=\\\"b\\\"\\\\\\u000a\u{e9}\"");
    }
}
