//! The C compiler: which one, and with which flags.
//!
//! The flags make one object that runs in a process and in a kernel: position independent without
//! a procedure linkage table, no red zone and no floating point (module code is interrupted on its
//! own stack), frame pointers for back traces, and stack probes, so that a frame larger than the
//! guard page faults there.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::plan::{Language, Unit};
use super::{BuildError, Colour, headers};

/// What gcc and clang are given for each source.
pub(super) const CODE_FLAGS: &[&str] = &[
    "-std=gnu11",
    "-ffreestanding",
    "-nostdinc",
    "-O2",
    "-g",
    "-fPIC",
    "-fno-plt",
    "-fvisibility=hidden",
    "-mno-red-zone",
    "-mgeneral-regs-only",
    "-fno-stack-protector",
    "-fcf-protection=none",
    "-fno-asynchronous-unwind-tables",
    "-fno-common",
    "-fno-strict-aliasing",
    "-fno-delete-null-pointer-checks",
    "-fno-omit-frame-pointer",
    "-fno-optimize-sibling-calls",
    "-fstack-clash-protection",
    "-D__KERNEL__",
    "-DMODULE",
];

/// The warnings that a kernel build shows.
pub(super) const WARNINGS: &[&str] = &[
    "-Wall",
    "-Wstrict-prototypes",
    "-Wvla",
    "-Wframe-larger-than=2048",
    "-Wno-address-of-packed-member",
    "-Wno-format-security",
    "-Wno-frame-address",
    "-Wno-pointer-sign",
    "-Wno-trigraphs",
    "-Wno-unused-but-set-variable",
    "-Wno-unused-const-variable",
];

/// Warnings that a kernel build turns off and that only gcc knows.
const GCC_WARNINGS: &[&str] = &[
    "-Wno-format-overflow",
    "-Wno-format-truncation",
    "-Wno-maybe-uninitialized",
    "-Wno-stringop-truncation",
];

/// Headers that a kernel build puts before each C source: options and attributes are known
/// without any `#include`.
pub(super) const FORCED_HEADERS: &[&str] = &["linux/kconfig.h", "linux/compiler_types.h"];

/// Whose options the compiler understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Gcc,
    Clang,
}

/// What is put into a module beside its own code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instrument {
    /// Nothing.
    Nothing,
    /// A call before each access of memory.
    Accesses,
}

/// What makes gcc put a call before each access; volatile ones are told from others.
const GCC_ACCESSES: &[&str] = &[
    "-fsanitize=thread",
    "--param=tsan-distinguish-volatile=1",
    "--param=tsan-instrument-func-entry-exit=0",
    "-Wno-tsan",
];

/// The same for clang.
const CLANG_ACCESSES: &[&str] = &[
    "-fsanitize=thread",
    "-mllvm",
    "-tsan-distinguish-volatile=1",
    "-mllvm",
    "-tsan-instrument-func-entry-exit=0",
];

/// Is a compiler that was found, with what every call of it needs.
#[derive(Debug)]
pub(super) struct Compiler {
    words: Vec<String>,
    family: Family,
    /// The compiler's own headers (stdarg.h and the like), which `-nostdinc` leaves out.
    own_headers: PathBuf,
    /// Our headers.
    headers: PathBuf,
    colour: Colour,
    instrument: Instrument,
}

impl Compiler {
    /// Finds the compiler: `cc`, which may be several words, or else gcc, or else clang.
    pub(super) fn find(
        cc: Option<&str>,
        colour: Colour,
        instrument: Instrument,
    ) -> Result<Self, BuildError> {
        let candidates = match cc.filter(|cc| !cc.trim().is_empty()) {
            Some(cc) => vec![
                shlex::split(cc)
                    .filter(|words| !words.is_empty())
                    .ok_or_else(|| BuildError::InvalidCc(cc.to_owned()))?,
            ],
            None => vec![vec!["gcc".to_owned()], vec!["clang".to_owned()]],
        };
        for words in &candidates {
            if let Some(own_headers) = own_headers(words)? {
                let family = family(words, &own_headers);
                let (words, headers) = (words.clone(), headers::unpacked()?);
                return Ok(Compiler { words, family, own_headers, headers, colour, instrument });
            }
        }
        let tried = candidates.iter().map(|words| words.join(" ")).collect();
        Err(BuildError::CompilerMissing { tried })
    }

    /// Compiles one source to one object file.
    pub(super) fn compile(
        &self,
        unit: &Unit,
        module: &str,
        object: &Path,
    ) -> Result<Output, BuildError> {
        let mut command = self.command();
        command.args(CODE_FLAGS).args(WARNINGS);
        if self.family == Family::Gcc {
            command.args(GCC_WARNINGS);
        }
        command.arg(join("-I", &self.headers)).arg("-isystem").arg(&self.own_headers);
        match unit.language {
            Language::C => {
                let forced = FORCED_HEADERS.iter().filter(|name| headers::exists(name));
                command.args(forced.flat_map(|name| ["-include", name]));
                command.args(self.access_flags());
            }
            Language::Assembly => {
                command.arg("-D__ASSEMBLY__");
            }
        }
        let folder = unit.source.parent().filter(|folder| !folder.as_os_str().is_empty());
        command
            .args(names(unit, module))
            .args(&unit.flags)
            .arg("-Wno-error")
            .arg(join("-I", folder.unwrap_or(Path::new("."))))
            .args(["-c", "-o"])
            .args([object, &unit.source]);
        self.run(command)
    }

    /// What makes the compiler instrument accesses, if it is to.
    fn access_flags(&self) -> &'static [&'static str] {
        match (self.instrument, self.family) {
            (Instrument::Nothing, _) => &[],
            (Instrument::Accesses, Family::Gcc) => GCC_ACCESSES,
            (Instrument::Accesses, Family::Clang) => CLANG_ACCESSES,
        }
    }

    /// Whether the compiler understands what makes it instrument accesses.
    pub(super) fn can_instrument(&self) -> bool {
        let mut command = self.command();
        command.args(CODE_FLAGS).args(self.access_flags());
        command.args(["-x", "c", "-c", "-o", "/dev/null", "/dev/null"]);
        self.run(command).is_ok_and(|output| output.status.success())
    }

    /// Joins object files to one that can be loaded.
    pub(super) fn link(&self, objects: &[PathBuf], module: &Path) -> Result<Output, BuildError> {
        let mut command = self.command();
        command.args(["-nostdlib", "-r", "-o"]).arg(module).args(objects);
        self.run(command)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        if self.colour == Colour::Always {
            command.arg("-fdiagnostics-color=always");
        }
        // A user's own headers must not stand in for the kernel's.
        command.env_remove("CPATH").env_remove("C_INCLUDE_PATH");
        command
    }

    fn run(&self, mut command: Command) -> Result<Output, BuildError> {
        command.stdin(Stdio::null()).output().map_err(|error| BuildError::CompilerNotStarted {
            command: self.words.join(" "),
            error,
        })
    }
}

/// Asks a compiler where its own headers are; `None` if there is no such command.
fn own_headers(words: &[String]) -> Result<Option<PathBuf>, BuildError> {
    let question = "-print-file-name=include";
    let answer =
        Command::new(&words[0]).args(&words[1..]).arg(question).stdin(Stdio::null()).output();
    let command = || words.join(" ");
    let output = match answer {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(BuildError::CompilerNotStarted { command: command(), error }),
    };
    let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || path.is_empty() {
        let answer = String::from_utf8_lossy(&output.stderr).into_owned();
        let answer = if answer.trim().is_empty() { output.status.to_string() } else { answer };
        return Err(BuildError::CompilerBroken { command: command(), answer });
    }
    Ok(Some(PathBuf::from(path)))
}

/// Tells clang from gcc without asking it a second time: clang keeps its headers below a
/// directory `clang`, whatever the command is called.
fn family(words: &[String], own_headers: &Path) -> Family {
    let in_clang = own_headers.components().any(|part| part.as_os_str() == "clang");
    if in_clang || words.iter().any(|word| word.contains("clang")) {
        Family::Clang
    } else {
        Family::Gcc
    }
}

/// Returns the definitions that tell a source which module and file it is.
pub(super) fn names(unit: &Unit, module: &str) -> [String; 3] {
    let stem = unit.source.file_stem().unwrap_or_default().to_string_lossy();
    let base = super::plan::identifier(&stem);
    [
        format!("-DKBUILD_MODNAME=\"{module}\""),
        format!("-DKBUILD_BASENAME=\"{base}\""),
        format!("-DKBUILD_MODFILE=\"{module}\""),
    ]
}

fn join(option: &str, path: &Path) -> OsString {
    let mut all = OsString::from(option);
    all.push(OsStr::new(path));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_compiler_is_named_with_what_to_install() {
        let error = Compiler::find(Some("no-such-compiler -x"), Colour::Never, Instrument::Nothing)
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("no-such-compiler -x"), "{text}");
        assert!(text.contains("apt-get install build-essential"), "{text}");
    }

    #[test]
    fn a_command_that_is_no_compiler_is_refused() {
        let error = Compiler::find(Some("false"), Colour::Never, Instrument::Nothing).unwrap_err();
        assert!(matches!(error, BuildError::CompilerBroken { .. }), "{error}");
        let error = Compiler::find(Some("gcc '"), Colour::Never, Instrument::Nothing).unwrap_err();
        assert!(matches!(error, BuildError::InvalidCc(_)), "{error}");
    }

    #[test]
    fn cc_may_hold_several_words() {
        let compiler = Compiler::find(Some("env gcc"), Colour::Never, Instrument::Nothing).unwrap();
        assert_eq!(compiler.words, ["env", "gcc"]);
        assert!(compiler.own_headers.join("stdarg.h").is_file());
    }

    #[test]
    fn clang_is_known_by_its_headers() {
        let words = |word: &str| vec![word.to_owned()];
        let gcc = Path::new("/usr/lib/gcc/x86_64-linux-gnu/12/include");
        let clang = Path::new("/usr/lib/llvm-14/lib/clang/14.0.6/include");
        assert_eq!(family(&words("cc"), gcc), Family::Gcc);
        assert_eq!(family(&words("cc"), clang), Family::Clang);
        assert_eq!(family(&words("clang-19"), Path::new("include")), Family::Clang);
    }
}
