//! `kthreads new`: the beginning of a module.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::args::NewCommand;
use crate::status;

const SOURCE: &str = include_str!("new/module.c");
const SCRIPT: &str = include_str!("new/module.script");
const README: &str = include_str!("new/README.md");
/// What stands for the module's name in these.
const PLACEHOLDER: &str = "NAME";

/// Does `kthreads new`; returns the exit status.
pub(crate) fn write(command: &NewCommand) -> u8 {
    match write_all(command) {
        Ok(files) => {
            files.iter().for_each(|file| println!("{}", file.display()));
            println!("kthreads: test it with: {}", command_line(command));
            status::CLEAN
        }
        Err(error) => {
            eprintln!("kthreads: {error}");
            status::USAGE
        }
    }
}

fn write_all(command: &NewCommand) -> Result<Vec<PathBuf>, String> {
    let NewCommand { name, folder } = command;
    let files = [
        (folder.join(format!("{name}.c")), SOURCE),
        (folder.join(format!("{name}.script")), SCRIPT),
        (folder.join("README.md"), README),
    ];
    if let Some((path, _)) = files.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
        return Err(format!("{} is there already: nothing was written", path.display()));
    }
    let cannot = |path: &Path, error| format!("cannot write {}: {error}", path.display());
    fs::create_dir_all(folder).map_err(|error| cannot(folder, error))?;
    let command = command_line(command);
    for (path, text) in &files {
        let text = text.replace("COMMAND", &command).replace(PLACEHOLDER, name);
        write_new(path, &text).map_err(|error| cannot(path, error))?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

/// Never writes over a file, even if it came a moment ago.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

/// The command that runs the new module.
fn command_line(command: &NewCommand) -> String {
    let NewCommand { name, folder } = command;
    let file = |ending: &str| {
        let path = folder.join(format!("{name}.{ending}")).to_string_lossy().into_owned();
        shlex::try_quote(&path).map(|quoted| quoted.into_owned()).unwrap_or(path)
    };
    format!("kthreads run {} --fast-forward --script-file {}", file("c"), file("script"))
}
