//! What can go wrong while a module is built, and what to do about it.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::{fmt, io};

/// Says why a module was not built.
#[derive(Debug)]
pub(crate) enum BuildError {
    /// No compiler could be started; with the commands that were tried.
    CompilerMissing { tried: Vec<String> },
    /// `CC` has an open quote.
    InvalidCc(String),
    /// The compiler does not answer a plain question.
    CompilerBroken { command: String, answer: String },
    /// The compiler could not be started, though it was there a moment ago.
    CompilerNotStarted { command: String, error: io::Error },
    /// The headers could not be unpacked.
    Headers { folder: PathBuf, error: io::Error },
    /// There is no such file or directory.
    NotFound(PathBuf),
    /// A file that is neither C nor a module.
    UnknownKind(PathBuf),
    /// A module that is built already stands where sources are expected.
    AlreadyBuilt(PathBuf),
    /// A directory without Kbuild and Makefile.
    NoMakefile(PathBuf),
    /// A file or directory could not be read.
    Unreadable { path: PathBuf, error: io::Error },
    /// A Kbuild or Makefile that names no module.
    NoModules(PathBuf),
    /// `$(error ...)` was reached.
    Stopped { file: PathBuf, line: u32, text: String },
    /// A module lists its own object file as one of its parts.
    ListsItself { file: PathBuf, module: String },
    /// An object file has no source.
    MissingSource { file: PathBuf, object: PathBuf },
    /// Flags in a Kbuild or Makefile have an open quote.
    InvalidFlags { file: PathBuf, flags: String },
    /// A file name that gives no name for a module.
    InvalidName(String),
    /// Two modules would be written to one file.
    SameName(String),
    /// `-o` was given for more than one module.
    TooManyForOutput(Vec<String>),
    /// The directory for intermediate files could not be set up.
    Workspace(io::Error),
    /// The compiler refused these sources; it has said why.
    NotCompiled { sources: Vec<PathBuf>, status: ExitStatus },
    /// The linker refused to join the parts of a module; it has said why.
    NotLinked { module: String, status: ExitStatus },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use BuildError as E;
        match self {
            E::CompilerMissing { .. }
            | E::InvalidCc(_)
            | E::CompilerBroken { .. }
            | E::CompilerNotStarted { .. } => self.fmt_compiler(f),
            E::NoMakefile(_)
            | E::NoModules(_)
            | E::Stopped { .. }
            | E::ListsItself { .. }
            | E::MissingSource { .. }
            | E::InvalidFlags { .. } => self.fmt_makefile(f),
            E::Headers { folder, error } => write!(
                f,
                "cannot unpack the C headers to {}: {error}; set XDG_CACHE_HOME to a directory \
                 you can write to",
                folder.display()
            ),
            E::NotFound(path) => write!(f, "{}: no such file or directory", path.display()),
            E::UnknownKind(path) => write!(
                f,
                "{}: not a module: give a .c file, a .ko file, or a directory with a Kbuild or \
                 Makefile",
                path.display()
            ),
            E::AlreadyBuilt(path) => {
                write!(f, "{} is built already: load it with `kthreads run`", path.display())
            }
            E::Unreadable { path, error } => write!(f, "cannot read {}: {error}", path.display()),
            E::InvalidName(name) => write!(
                f,
                "'{name}' is no name for a module: a file's name without its ending must have 1 \
                 to 55 characters"
            ),
            E::SameName(name) => write!(f, "two modules are called {name}: build them separately"),
            E::TooManyForOutput(names) => write!(
                f,
                "-o names one module, but there are {}: {}; leave -o out",
                names.len(),
                names.join(", ")
            ),
            E::Workspace(error) => write!(
                f,
                "cannot set up a directory to build in: {error}; set TMPDIR to one with space"
            ),
            E::NotCompiled { sources, status } => {
                let sources: Vec<_> = sources.iter().map(|s| s.display().to_string()).collect();
                write!(f, "{} did not compile (compiler: {status})", sources.join(", "))
            }
            E::NotLinked { module, status } => {
                write!(f, "the parts of {module} could not be linked (compiler: {status})")
            }
        }
    }
}

impl BuildError {
    fn fmt_compiler(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::CompilerMissing { tried } => write!(
                f,
                "no C compiler found (tried {}): install one, as with `apt-get install \
                 build-essential`, or set CC",
                tried.join(", ")
            ),
            BuildError::InvalidCc(cc) => write!(f, "CC has an open quote: {cc}"),
            BuildError::CompilerBroken { command, answer } => write!(
                f,
                "`{command}` is not a working gcc or clang: {}; set CC to one that is",
                answer.trim()
            ),
            BuildError::CompilerNotStarted { command, error } => {
                write!(f, "cannot start `{command}`: {error}")
            }
            _ => Ok(()),
        }
    }

    fn fmt_makefile(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::NoMakefile(folder) => write!(
                f,
                "{} has no Kbuild and no Makefile: write `obj-m := NAME.o` to one, or give the \
                 .c files",
                folder.display()
            ),
            BuildError::NoModules(file) => {
                write!(f, "{} names no module: it needs a line `obj-m := NAME.o`", file.display())
            }
            BuildError::Stopped { file, line, text } => {
                write!(f, "{}:{line}: {text}", file.display())
            }
            BuildError::ListsItself { file, module } => write!(
                f,
                "{}: {module}.o is listed as a part of {module}.o: give the module or the file \
                 another name",
                file.display()
            ),
            BuildError::MissingSource { file, object } => write!(
                f,
                "{}: there is neither {} nor a .S file to build {} from",
                file.display(),
                object.with_extension("c").display(),
                object.display()
            ),
            BuildError::InvalidFlags { file, flags } => {
                write!(f, "{}: these flags have an open quote: {flags}", file.display())
            }
            _ => Ok(()),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BuildError::CompilerNotStarted { error, .. }
            | BuildError::Headers { error, .. }
            | BuildError::Unreadable { error, .. }
            | BuildError::Workspace(error) => Some(error),
            _ => None,
        }
    }
}
