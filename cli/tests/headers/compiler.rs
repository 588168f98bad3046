//! The C compilers, called as the command calls them.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::tool::root;

/// What decides how headers are understood.
const FLAGS: &[&str] = &[
    "-std=gnu11",
    "-ffreestanding",
    "-nostdinc",
    "-O2",
    "-fPIC",
    "-mgeneral-regs-only",
    "-D__KERNEL__",
    "-DMODULE",
    "-DKBUILD_MODNAME=\"headers\"",
    "-Wall",
    "-Wstrict-prototypes",
    "-Wno-pointer-sign",
    "-include",
    "linux/kconfig.h",
    "-include",
    "linux/compiler_types.h",
];

/// A compiler with the directory of its own headers.
pub(crate) struct Compiler {
    name: &'static str,
    own_headers: PathBuf,
}

impl Compiler {
    /// All that are installed; gcc must be.
    pub(crate) fn all() -> Vec<Compiler> {
        let mut all = vec![Compiler::gcc()];
        all.extend(Compiler::clang());
        all
    }

    pub(crate) fn gcc() -> Compiler {
        Compiler::find("gcc").expect("gcc is installed")
    }

    pub(crate) fn clang() -> Option<Compiler> {
        Compiler::find("clang")
    }

    fn find(name: &'static str) -> Option<Compiler> {
        let output = Command::new(name).arg("-print-file-name=include").output().ok()?;
        let answer = String::from_utf8(output.stdout).ok()?;
        Some(Compiler { name, own_headers: PathBuf::from(answer.trim()) })
    }

    /// A call with everything but what is to be done with which source.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(self.name);
        command.arg("-I").arg(root().join("include")).args(FLAGS);
        command.arg("-isystem").arg(&self.own_headers);
        command
    }

    /// Compiles a source text; returns what the compiler writes.
    pub(crate) fn feed(&self, flags: &[&str], source: &str) -> String {
        let mut command = self.command();
        command.args(flags).args(["-x", "c", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the compiler is installed");
        let mut input = child.stdin.take().expect("it is a pipe");
        input.write_all(source.as_bytes()).expect("the compiler reads it all");
        drop(input);
        let output = child.wait_with_output().expect("the compiler ends");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {source}{complaint}", self.name);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// Runs a compiler that must have nothing to say.
pub(crate) fn succeed(command: &mut Command) {
    let output = command.output().expect("the compiler is installed");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{command:?}: {complaint}");
}
