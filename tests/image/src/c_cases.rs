//! The cases in C: a module, a script, and what real Linux answered, all on the initial RAM disk.
//!
//! Some leave a thread behind that can never end, as on Linux. What such a thread still refers to
//! is never freed, so nothing that the shell keeps may refer to the kernel or the machine: the next
//! case needs them.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kthreads_base::job::Mailbox;
use kthreads_capi::module::{Argument, ModuleFile, ModuleLoader};
use kthreads_kernel::{Config, Cx, Kernel};
use kthreads_pc::Clock;
use kthreads_shell::syntax::{self, Script};
use kthreads_shell::{CommandError, Host, Shell, Stream};
use kthreads_tests::c_case::{Cpus, Output, Record, SHARED_HEADER, Seen, Source};
use kthreads_tests::{Verdict, why};

use crate::files::Files;
use crate::runner::{ALL, machine};

/// What is around the shell that runs one case: its module is a file, its output is kept.
struct Bench {
    files: Files,
    loader: ModuleLoader,
    printed: Arc<Mailbox<String>>,
}

impl Host for Bench {
    fn insmod(&self, cx: &Cx<'_>, file: &str, parameters: &[String]) -> Result<(), CommandError> {
        let bytes = self.files.read(file).map_err(CommandError::Other)?;
        let module = ModuleFile { name: file.trim_end_matches(".ko"), bytes };
        let arguments: Vec<_> = parameters.iter().map(|word| Argument::parse(word)).collect();
        self.loader.insmod(cx, &module, &arguments).map_err(|error| error.errno().into())
    }

    fn rmmod(&self, cx: &Cx<'_>, name: &str) -> Result<(), CommandError> {
        Ok(self.loader.rmmod(cx, name)?)
    }

    fn write(&self, _: Stream, text: &str) {
        self.printed.push(text.to_owned());
    }

    fn set_console_level(&self, _: u8) {}
}

/// The cases that are there.
pub(crate) fn names(files: Files) -> Vec<&'static str> {
    files.all().filter_map(|(name, _)| name.strip_suffix(".ko")).collect()
}

/// What a case's source says.
///
/// # Errors
///
/// When it is not there.
pub(crate) fn source(files: Files, name: &str) -> Result<Source, String> {
    let shared = files.read(SHARED_HEADER)?;
    Ok(Source::new(name, shared, files.text(&format!("{name}.c"))?))
}

/// Runs a case on a fresh kernel, and compares what came out with what was recorded.
pub(crate) fn run(files: Files, source: &Source) -> Verdict {
    let recorded = files.text(&format!("{}.linux", source.name))?;
    let script = syntax::parse(&source.whole_script()).map_err(|error| format!("{error}"))?;
    let cpus = if source.cpus == Cpus::Two { 2 } else { ALL };
    let machine = machine(cpus, Clock::FastForward)?;
    let hold = machine.hold_clock();
    let kernel = Kernel::boot(machine, Config::default());
    let kernel = kernel.map_err(|errno| format!("the kernel: {errno}"))?;
    let printed = Arc::new(Mailbox::default());
    let ran = kernel.enter_holding("sh", hold, |cx| run_script(cx, files, &printed, &script));
    let text: String = core::iter::from_fn(|| printed.pop()).collect();
    ran.map_err(|error| format!("{}\n{text}", why(&kernel, error)))?;
    let Some(Output { script, log }) = Output::split(&text) else {
        return Err(format!("its script did not get to its end:\n{text}"));
    };
    let seen = Seen { release: "ours", cpus: kernel.nr_cpus(), script: &script, log: &log };
    match Record::new(source, seen).difference(recorded) {
        None => Ok(()),
        Some(difference) => Err(format!("{difference}\n{text}")),
    }
}

fn run_script(cx: &Cx<'_>, files: Files, printed: &Arc<Mailbox<String>>, script: &Script) {
    let bench = Bench { files, loader: ModuleLoader::new(cx), printed: printed.clone() };
    Shell::new(Arc::new(bench)).run(cx, script);
}
