//! The programs that are measured, built for speed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::rows::Row;
use crate::ask_linux::find_root;
use crate::bench::MODULE;

/// Says which CPUs a program may run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cpus {
    /// One, always the same.
    One,
    /// All there are.
    All,
}

/// Is what was built.
pub(super) struct Programs {
    /// The source tree.
    pub(super) root: PathBuf,
    /// The command.
    pub(super) kthreads: PathBuf,
    /// The program of benches/peers.
    pub(super) peers: PathBuf,
    cpu: String,
    /// Where modules and programs are put that are built on the way.
    pub(super) folder: TempDir,
}

impl Programs {
    /// Builds what is measured.
    pub(super) fn build() -> Result<Programs, String> {
        crate::tools::compiler()?;
        println!("xtask: building the command and its peers");
        let root = find_root()?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--release", "-p", "kthreads", "-p", "kthreads-peers"]);
        if !build.current_dir(&root).status().is_ok_and(|status| status.success()) {
            return Err("the command `kthreads` or benches/peers does not build".to_owned());
        }
        let target = target_folder()?.join("release");
        let folder = tempfile::tempdir().map_err(|error| format!("a temporary folder: {error}"))?;
        let programs = Programs {
            kthreads: target.join("kthreads"),
            peers: target.join("kthreads-peers"),
            cpu: last_cpu()?,
            root,
            folder,
        };
        programs.module(MODULE)?;
        Ok(programs)
    }

    /// Builds a module of the tree; returns the file.
    pub(super) fn module(&self, source: &str) -> Result<PathBuf, String> {
        let name = Path::new(source).with_extension("ko");
        let module = self.folder.path().join(name.file_name().unwrap_or_default());
        let mut build = Command::new(&self.kthreads);
        output(build.arg("build").arg(self.root.join(source)).arg("-o").arg(&module))?;
        Ok(module)
    }

    /// What a table is called.
    pub(super) fn describe(&self, cpus: Cpus) -> String {
        match (cpus, count()) {
            (Cpus::One, _) => "1 CPU".to_owned(),
            (Cpus::All, 1) => "all CPUs (there is one)".to_owned(),
            (Cpus::All, count) => format!("{count} CPUs"),
        }
    }

    /// Runs our benchmarks; returns what they print.
    pub(super) fn kbench(&self, cpus: Cpus, div: u32, rows: &[Row]) -> Result<String, String> {
        let mut run = self.on(cpus, &self.kthreads);
        run.arg("run").arg(self.folder.path().join("kbench.ko"));
        run.arg(format!("div={div}")).arg(only(rows.iter().map(|row| row.ours)));
        let cpus = if cpus == Cpus::One { 1 } else { count() };
        run.args(["--script", "rmmod kbench", "--cpus", &cpus.to_string()]);
        output(&mut run)
    }

    /// Runs those of the others.
    pub(super) fn peers(&self, cpus: Cpus, div: u32, rows: &[Row]) -> Result<String, String> {
        let mut run = self.on(cpus, &self.peers);
        run.arg("measure").arg(format!("div={div}"));
        output(run.arg(only(rows.iter().map(|row| row.theirs))))
    }

    fn on(&self, cpus: Cpus, program: &Path) -> Command {
        if cpus == Cpus::All {
            return Command::new(program);
        }
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", &self.cpu]).arg(program);
        command
    }
}

/// A list of names without repetitions, as a parameter.
fn only(names: impl Iterator<Item = &'static str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    format!("only={}", names.join(","))
}

/// Runs a command to its end; returns what it prints.
pub(in crate::bench) fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| match name.as_str() {
        "taskset" => format!("{name}: {error}; install it with: apt-get install util-linux"),
        name => format!("{name}: {error}"),
    })?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{name} failed ({}):\n{text}{errors}", output.status))
}

/// Where cargo builds: this program stands in a folder of it.
pub(in crate::bench) fn target_folder() -> Result<PathBuf, String> {
    let me = std::env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
    let folder = me.parent().and_then(Path::parent).map(Path::to_path_buf);
    folder.ok_or_else(|| format!("{} is in no folder of cargo's", me.display()))
}

fn count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The last CPU that this program may use: the first has more of the machine's own work.
fn last_cpu() -> Result<String, String> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let last = list.and_then(|list| list.trim().rsplit([',', '-']).next().map(str::to_owned));
    last.ok_or_else(|| "/proc/self/status does not tell the CPUs".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_once() {
        assert_eq!(only(["b", "a", "b"].into_iter()), "only=a,b");
    }

    #[test]
    fn there_is_a_last_cpu() {
        assert!(last_cpu().is_ok_and(|cpu| cpu.parse::<u32>().is_ok()));
    }
}
