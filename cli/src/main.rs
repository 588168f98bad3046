//! The command `kthreads`: runs, watches and debugs Linux kernel-thread modules in a process.

mod args;
mod build;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use args::{BuildCommand, Command, MachineOptions};
use build::{Build, BuildError, Colour, Place, Request, Target};

/// The exit status when a module did not compile or load.
const NOT_LOADED: u8 = 3;

fn main() -> ExitCode {
    match args::parse() {
        Command::Build(command) => build_modules(command),
        Command::Run(command) => prepare(&command.machine),
        Command::Shell(machine) => prepare(&machine),
    }
}

/// Builds what a kernel is to load.
fn prepare(machine: &MachineOptions) -> ExitCode {
    match module_files(machine) {
        Ok(_) => {
            eprintln!("kthreads: no machine to run on");
            ExitCode::from(NOT_LOADED)
        }
        Err(error) => not_built(&error),
    }
}

/// Builds the modules of a command line; each [`build::Module`] knows whose parameters it gets.
fn module_files(machine: &MachineOptions) -> Result<Build, BuildError> {
    let targets = machine.modules.iter().map(|module| Target::of(&module.path));
    let targets = targets.collect::<Result<_, _>>()?;
    let request = Request { targets, place: Place::Temporary, colour: colour() };
    build::build(&request, &mut io::stderr())
}

/// Does `kthreads build`.
fn build_modules(command: BuildCommand) -> ExitCode {
    let request = match build_request(command) {
        Ok(request) => request,
        Err(error) => return not_built(&error),
    };
    match build::build(&request, &mut io::stderr()) {
        Ok(build) => {
            build.modules.iter().for_each(|module| println!("{}", module.path.display()));
            ExitCode::SUCCESS
        }
        Err(error) => not_built(&error),
    }
}

fn build_request(command: BuildCommand) -> Result<Request, BuildError> {
    let targets = if command.files.iter().all(|file| file.is_dir()) {
        command.files.into_iter().map(Target::Directory).collect()
    } else {
        vec![Target::Sources(command.files)]
    };
    let place = command.output.map_or_else(|| Place::Directory(PathBuf::new()), Place::File);
    Ok(Request { targets, place, colour: colour() })
}

/// Lets the compiler colour its messages if somebody looks at them.
fn colour() -> Colour {
    if io::stderr().is_terminal() { Colour::Always } else { Colour::Never }
}

fn not_built(error: &BuildError) -> ExitCode {
    eprintln!("kthreads: {error}");
    ExitCode::from(NOT_LOADED)
}
