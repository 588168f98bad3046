//! `kthreads boot`: the same kernel on bare metal, in QEMU.

mod debugger;
mod events;
mod obituary;
mod prompt;
mod screen;

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::rc::Rc;

use kthreads_qemu::{Debugger, End, Guest, ImageSource, Options, Outcome, pack};
use kthreads_session::{Prepared, Show, words};

use crate::args::{BootCommand, Clock, Lockdep, MachineOptions, Start, UsageError};
use crate::run::{nanos, read_script};
use crate::{interrupts, objects, parameters, status};
use events::{Event, Events};
use obituary::Obituary;
use prompt::KernelThere;

/// Why a guest was not booted: what to say, and the exit status.
struct Failure {
    text: String,
    status: u8,
}

impl Failure {
    fn usage(text: impl ToString) -> Failure {
        Failure { text: text.to_string(), status: status::USAGE }
    }

    fn not_loaded(text: impl ToString) -> Failure {
        Failure { text: text.to_string(), status: status::NOT_LOADED }
    }
}

/// Does `kthreads boot`; returns the exit status.
pub(crate) fn boot(command: &BootCommand) -> u8 {
    try_boot(command).unwrap_or_else(|failure| {
        eprintln!("kthreads: {}", failure.text);
        failure.status
    })
}

fn try_boot(command: &BootCommand) -> Result<u8, Failure> {
    let run = &command.run;
    let script = run.script.as_ref().map(read_script).transpose().map_err(Failure::usage)?;
    let has_prompt = script.is_none() && run.limit.is_none() && has_input();
    let is_endless = script.is_none() && run.limit.is_none() && !has_prompt;
    if run.machine.clock == Clock::FastForward && is_endless {
        return Err(Failure::usage(UsageError::EndlessFastForward));
    }
    let modules = objects::prepare(&run.machine.modules).map_err(Failure::not_loaded)?;
    parameters::check(&modules).map_err(Failure::usage)?;
    let source = ImageSource::new("kthreads-image").or_file(command.image.clone());
    let image = source.find(&mut |text| eprintln!("kthreads: {text}"));
    let image = image.map_err(Failure::not_loaded)?;
    let files = Files::new(&modules, script.map(|script| script.text));
    let debugger =
        (command.start == Start::ByDebugger).then(|| Debugger { port: debugger::free_port() });
    let options = Options {
        initrd: files.pack().map_err(Failure::not_loaded)?,
        command_line: command_line(command, has_prompt, &files),
        cpus: run.machine.cpus,
        memory_mib: command.memory_mib,
        pace: command.pace,
        debugger,
        ..Options::new(image)
    };
    if let Some(debugger) = debugger {
        eprint!("{}", debugger::instructions(&options.image, debugger));
    }
    let guest = Guest::start(&options).map_err(Failure::not_loaded)?;
    Ok(attend(guest, Obituary::new(options.image), has_prompt))
}

/// Whether standard input has commands: a terminal, a pipe or a file, not nothing at all.
fn has_input() -> bool {
    let input = io::stdin();
    let kind =
        || Some(File::from(input.as_fd().try_clone_to_owned().ok()?).metadata().ok()?.file_type());
    input.is_terminal()
        || kind().is_some_and(|kind| kind.is_fifo() || kind.is_file() || kind.is_socket())
}

/// What the guest gets.
struct Files {
    /// Modules by the names that the kernel's command line has, each with its parameters.
    modules: Vec<(String, Prepared)>,
    script: Option<String>,
}

impl Files {
    fn new(modules: &[Prepared], script: Option<String>) -> Files {
        let named = |module: &Prepared| (file_name(module), module.clone());
        Files { modules: modules.iter().map(named).collect(), script }
    }

    fn pack(&self) -> io::Result<Vec<u8>> {
        let modules =
            self.modules.iter().map(|(file, module)| (&file[..], &module.object.bytes[..]));
        let script = self.script.iter().map(|text| ("script", text.as_bytes()));
        pack(&modules.chain(script).collect::<Vec<_>>())
    }
}

/// A module's file in the guest: its path here, or one in its directory.
fn file_name(module: &Prepared) -> String {
    match Path::new(&module.path).is_dir() {
        true => format!("{}/{}.ko", module.path.trim_end_matches('/'), module.object.name),
        false => module.path.clone(),
    }
}

fn command_line(command: &BootCommand, has_prompt: bool, files: &Files) -> String {
    let run = &command.run;
    let mut options = vec!["command".to_owned()];
    options.extend(has_prompt.then(|| "prompt".to_owned()));
    options.extend((run.machine.clock == Clock::FastForward).then(|| "fast-forward".to_owned()));
    options.extend((run.show == Show::Nothing).then(|| "quiet".to_owned()));
    options.extend((command.start == Start::ByDebugger).then(|| "gdb".to_owned()));
    options.extend(kernel_options(&run.machine));
    options.extend(run.limit.map(|limit| format!("limit_ns={}", nanos(limit).0)));
    options.extend(command.append.iter().cloned());
    let mut modules = Vec::new();
    for (file, module) in &files.modules {
        modules.push(&file[..]);
        modules.extend(module.parameters.iter().map(String::as_str));
    }
    format!("{} -- {}", options.join(" "), words::join(modules))
}

/// What the kernel is configured with.
fn kernel_options(machine: &MachineOptions) -> [String; 4] {
    [
        format!("hung_task_timeout_secs={}", machine.hung_task_seconds),
        format!("watchdog_thresh={}", machine.watchdog_seconds),
        format!("prove_locking={}", u8::from(machine.lockdep == Lockdep::On)),
        format!("linux={}", machine.linux),
    ]
}

/// Stays with the guest until it ends; returns the exit status.
fn attend(guest: Guest, obituary: Obituary, has_prompt: bool) -> u8 {
    let stopper = guest.stopper();
    let events = Rc::new(Events::new(&guest));
    let inbox = events.watch(guest, obituary);
    let (first, link) = (stopper.clone(), events.link.clone());
    let tell = move |_| link.interrupt().unwrap_or_else(|_| first.stop());
    if let Err(error) = events.interrupts.watch(tell, move || stopper.stop()) {
        eprintln!("kthreads: {}", interrupts::cannot_watch(&error));
    }
    let kernel = KernelThere::new(events.clone(), inbox);
    if has_prompt {
        kernel.attend();
    }
    let outcome = kernel.wait_for_end();
    events.screen.finish();
    end(&outcome, events.status())
}

/// The exit status: the guest's own word if there is one, else what its end tells.
fn end(outcome: &Outcome, told: Option<u8>) -> u8 {
    if let Some(status) = told {
        return status;
    }
    match &outcome.end {
        End::Stopped => return status::INTERRUPTED,
        End::Status(2) => return status::USAGE,
        _ => eprintln!("kthreads: {outcome}"),
    }
    match &outcome.end {
        End::Silent(_) => {
            eprintln!(
                "kthreads: `kthreads boot --gdb` shows where it stands; more memory may help: \
                 --memory MIB"
            );
            status::BUG
        }
        End::Failed(_) => status::NOT_LOADED,
        _ => status::BUG,
    }
}
