//! The subcommands for people who write modules: `new`, `flags`, `stacks`.

use std::path::PathBuf;

use clap::Args;

use super::UsageError;

/// The longest name of a new module: its thread is named after it.
pub(super) const LONGEST_NAME: usize = 40;

/// The least memory a kernel can have, in bytes.
const LEAST_MEMORY: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(super) struct CliNew {
    /// The module's name, as in `rmmod NAME`.
    name: String,
    /// Where to write its files [default: a directory of that name].
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CliFlags {
    /// Sources, or directories with a Kbuild or Makefile [default: what is in this directory].
    #[arg(value_name = "FILE|DIR", requires = "compile_commands")]
    files: Vec<PathBuf>,
    /// Prints a compilation database: how each source is compiled.
    #[arg(long)]
    compile_commands: bool,
}

#[derive(Debug, Args)]
pub(super) struct CliStacks {
    /// The process to ask, if there are several.
    pub(super) pid: Option<u32>,
}

/// Is what `kthreads new` was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewCommand {
    /// The module's name: an identifier of C.
    pub(crate) name: String,
    /// Where its files go.
    pub(crate) folder: PathBuf,
}

/// Is what `kthreads flags` was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlagsCommand {
    /// What to print.
    pub(crate) form: FlagsForm,
    /// For what; empty for what is in the current directory.
    pub(crate) files: Vec<PathBuf>,
}

/// Says how flags are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlagsForm {
    /// One on each line.
    Lines,
    /// As a compilation database.
    CompileCommands,
}

impl From<CliFlags> for FlagsCommand {
    fn from(flags: CliFlags) -> FlagsCommand {
        let CliFlags { files, compile_commands } = flags;
        let form = if compile_commands { FlagsForm::CompileCommands } else { FlagsForm::Lines };
        FlagsCommand { form, files }
    }
}

pub(super) fn checked_new(new: CliNew) -> Result<NewCommand, UsageError> {
    let CliNew { name, folder } = new;
    let begins_well = name.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let goes_on_well = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if !begins_well || !goes_on_well || name.len() > LONGEST_NAME {
        return Err(UsageError::NotAName(name));
    }
    let folder = folder.unwrap_or_else(|| PathBuf::from(&name));
    Ok(NewCommand { name, folder })
}

/// Reads a size in bytes, as 512K, 64M or 2G.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let (number, shift) = match text.chars().last() {
        Some('K' | 'k') => (&text[..text.len() - 1], 10),
        Some('M' | 'm') => (&text[..text.len() - 1], 20),
        Some('G' | 'g') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    bytes
        .filter(|bytes| *bytes >= LEAST_MEMORY)
        .ok_or_else(|| "write a size of 1M or more, as 64M or 2G".to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size("1048576"), Ok(1 << 20));
        assert_eq!((parse_size("64M"), parse_size("2g")), (Ok(64 << 20), Ok(2 << 30)));
        for wrong in ["", "M", "1", "-1M", "1.5G", "1T", "99999999999G", "1M M"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }
}
