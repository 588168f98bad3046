//! What an editor's language server needs to understand modules: clang's way to say our flags.

use std::path::{Path, PathBuf};

use super::compiler::{CODE_FLAGS, FORCED_HEADERS, WARNINGS, names};
use super::plan::{self, Language, Unit};
use super::{BuildError, Target, headers};

/// How one source is compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CompileCommand {
    /// The source.
    pub(crate) file: PathBuf,
    /// The compiler and all its arguments.
    pub(crate) arguments: Vec<String>,
}

/// The flags for every source; our headers are unpacked where they say.
///
/// A language server brings compiler headers (stdarg.h and the like) of its own, so these are not
/// named, but allowed; other headers of the host are not.
pub(crate) fn editor_flags() -> Result<Vec<String>, BuildError> {
    let headers = headers::unpacked()?;
    let own = |flag: &&str| if *flag == "-nostdinc" { "-nostdlibinc" } else { *flag }.to_owned();
    let mut flags: Vec<String> = CODE_FLAGS.iter().chain(WARNINGS).map(own).collect();
    // The list is made for several versions of two compilers.
    flags.extend(
        ["-Wno-unknown-warning-option", "-Wno-unused-command-line-argument"].map(String::from),
    );
    flags.push(format!("-I{}", headers.display()));
    for header in FORCED_HEADERS.iter().filter(|name| headers::exists(name)) {
        flags.extend(["-include".to_owned(), (*header).to_owned()]);
    }
    Ok(flags)
}

/// How the sources of modules are compiled; what seems wrong with them goes to `warnings`.
pub(crate) fn compile_commands(
    targets: &[Target],
    warnings: &mut Vec<String>,
) -> Result<Vec<CompileCommand>, BuildError> {
    let flags = editor_flags()?;
    let mut commands = Vec::new();
    for target in targets {
        for module in plan::plan(target, warnings)? {
            let name = plan::identifier(&module.stem);
            commands.extend(module.units.iter().map(|unit| command(unit, &name, &flags)));
        }
    }
    Ok(commands)
}

fn command(unit: &Unit, module: &str, flags: &[String]) -> CompileCommand {
    let mut arguments = vec!["clang".to_owned()];
    arguments.extend_from_slice(flags);
    if unit.language == Language::Assembly {
        arguments.push("-D__ASSEMBLY__".to_owned());
    }
    arguments.extend(names(unit, module));
    arguments.extend_from_slice(&unit.flags);
    let folder = unit.source.parent().filter(|folder| !folder.as_os_str().is_empty());
    arguments.push(format!("-I{}", folder.unwrap_or(Path::new(".")).display()));
    arguments.extend(["-c".to_owned(), unit.source.to_string_lossy().into_owned()]);
    CompileCommand { file: unit.source.clone(), arguments }
}
