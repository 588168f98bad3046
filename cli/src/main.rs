//! The command `kthreads`: runs, watches and debugs Linux kernel-thread modules in a process.

mod args;
mod boot;
mod build;
mod console;
mod explore;
mod flags;
mod gdb;
mod interrupts;
mod lines;
mod lockup;
mod new;
mod objects;
mod parameters;
mod process;
mod prompt;
mod run;
mod session;
mod stacks;
mod status;
mod supervisor;

use std::io;
use std::path::PathBuf;

use args::{BuildCommand, Command};
use build::{BuildError, Instrument, Place, Request, Target};

fn main() {
    let status = match args::parse() {
        Command::Build(command) => build_modules(command),
        Command::Run(command) => run::run(&command),
        Command::Boot(command) => boot::boot(&command),
        Command::Explore(command) => explore::explore(&command),
        Command::Replay(command) => explore::replay(&command),
        Command::Shell(machine) => prompt::shell(&machine),
        Command::New(command) => new::write(&command),
        Command::Flags(command) => flags::print(&command),
        Command::Stacks(pid) => stacks::send(pid),
    };
    // Not by returning: a thread of a module may never give its CPU back.
    status::exit_now(status)
}

/// Does `kthreads build`.
fn build_modules(command: BuildCommand) -> u8 {
    let request = match build_request(command) {
        Ok(request) => request,
        Err(error) => return not_built(&error),
    };
    match build::build(&request, &mut io::stderr()) {
        Ok(build) => {
            build.modules.iter().for_each(|module| println!("{}", module.path.display()));
            status::CLEAN
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
    Ok(Request { targets, place, colour: objects::colour(), instrument: Instrument::Nothing })
}

fn not_built(error: &BuildError) -> u8 {
    eprintln!("kthreads: {error}");
    status::NOT_LOADED
}
