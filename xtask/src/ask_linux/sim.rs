//! Runs the cases on the simulated machine, in this process: the usual schedule of each.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use kthreads_capi::module::{Argument, ModuleFile, ModuleLoader};
use kthreads_kernel::{Config, Cx, Errno, Kernel};
use kthreads_shell::syntax;
use kthreads_shell::{CommandError, Host, Shell, Stream};
use kthreads_sim::{Reaction, SimConfig, SimMachine};

use super::guest::{Answer, Outcome};
use super::ours::{CPUS, build_command, build_module, each};
use super::source::{self, Case};
use super::{find_root, settle_one};
use kthreads_tests::c_case::Output;

/// How many steps a case may take: far more than any does.
const STEPS: u64 = 50_000_000;

/// Runs `cargo xtask cases --machine sim [NAME...]`.
pub(super) fn run(names: &[String]) -> Result<(), String> {
    let command = build_command()?;
    let cases = source::load(&find_root()?.join("tests/cases"), names)?;
    let folder = tempfile::tempdir().map_err(|error| format!("a temporary folder: {error}"))?;
    let results = each(&cases, |case| run_one(&command, case, folder.path()));
    super::ours::tell(&cases, &results)
}

fn run_one(command: &Path, case: &Case, folder: &Path) -> Result<(), String> {
    let path = folder.join(format!("{}.ko", case.name));
    build_module(command, case, &path)?;
    let object = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let text = ask(case, object)?;
    let Some(Output { script, log }) = Output::split(&text) else {
        return Err(format!("did not get to its end:\n{text}"));
    };
    let answer = Answer::of(CPUS, Outcome::Ended, script, log);
    match settle_one(case, &answer, super::Mode::Check)? {
        None => Ok(()),
        Some(failure) => Err(format!("{failure}\n{}", answer.as_text())),
    }
}

/// What the case's script prints.
fn ask(case: &Case, object: Vec<u8>) -> Result<String, String> {
    let script = syntax::parse(&case.whole_script()).map_err(|error| error.to_string())?;
    let config = SimConfig {
        cpus: CPUS,
        step_limit: STEPS,
        on_stuck: Some(Box::new(|_, _| Reaction::Abandon)),
        ..SimConfig::default()
    };
    let machine = SimMachine::new(config).map_err(|error| error.to_string())?;
    let kernel = Kernel::boot(machine, Config::default())
        .map_err(|errno| format!("the kernel does not boot: {errno}"))?;
    let text = Arc::new(Mutex::new(String::new()));
    let ran = kernel.try_enter_as("sh", |cx| {
        let loader = ModuleLoader::new(cx);
        let outside = Outside { loader, name: case.name.clone(), object, text: text.clone() };
        let shell = Shell::new(Arc::new(outside));
        shell.attach(cx);
        shell.run(cx, &script);
    });
    let text = text.lock().unwrap_or_else(PoisonError::into_inner).clone();
    ran.map(|()| text.clone()).map_err(|error| format!("{error}\n{text}"))
}

/// The world outside of the kernel: the one module, and what is printed.
struct Outside {
    loader: ModuleLoader,
    name: String,
    object: Vec<u8>,
    text: Arc<Mutex<String>>,
}

impl Host for Outside {
    fn insmod(&self, cx: &Cx<'_>, file: &str, parameters: &[String]) -> Result<(), CommandError> {
        if file.trim_end_matches(".ko") != self.name {
            return Err(CommandError::Errno(Errno::ENOENT));
        }
        let arguments: Vec<_> = parameters.iter().map(|word| Argument::parse(word)).collect();
        let file = ModuleFile { name: &self.name, bytes: &self.object };
        let loaded = self.loader.insmod(cx, &file, &arguments);
        loaded.map_err(|error| CommandError::Errno(error.errno()))
    }

    fn rmmod(&self, cx: &Cx<'_>, name: &str) -> Result<(), CommandError> {
        Ok(self.loader.rmmod(cx, name)?)
    }

    fn write(&self, stream: Stream, text: &str) {
        if stream == Stream::Output {
            self.text.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        }
    }

    fn set_console_level(&self, _: u8) {}
}
