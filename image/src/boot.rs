//! From the machine's start to its end.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::panic::PanicInfo;
use core::sync::atomic::AtomicBool;

use kthreads_base::with_current;
use kthreads_capi::module::GdbAnnouncer;
use kthreads_kernel::Kernel;
use kthreads_pc::{Boot, Clock, ClockHold, PcConfig, PcMachine, serial, spawn_outside};
use kthreads_session::link::FromGuest;
use kthreads_session::{Plan, Prepared, status, wrong_script};
use kthreads_shell::syntax::{self, Script};

use crate::arguments::{self, Arguments, Debugger, Peer, Time, Work};
use crate::bare::{Bare, Session};
use crate::console::{Console, on_error_stream};
use crate::library::Librarian;
use crate::wire::Wire;
use crate::{files, last_words, lines};

kthreads_pc::entry!(main);

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    kthreads_pc::panicked(info, |message| {
        with_current::<Kernel, _>(|kernel, _| kernel.die_of_panic(&kernel.cx(), message))
    })
}

/// The file of the initrd that holds the script, if the command line has none.
const SCRIPT: &str = "script";

/// Why the kernel did not come to its work: what to say, and the exit status.
struct Failure {
    text: String,
    status: u8,
}

fn main(boot: &Boot) -> u8 {
    let peer = arguments::peer(boot.command_line);
    if peer == Peer::Command {
        serial::write(&FromGuest::Hello.bytes());
    }
    let arguments = arguments::parse(boot.command_line);
    let arguments = arguments.map_err(|text| Failure { text, status: status::USAGE });
    let status = arguments.and_then(|arguments| run(boot, &arguments));
    let status = status.unwrap_or_else(|failure| fail(peer, &failure));
    if peer == Peer::Command {
        serial::write(&FromGuest::Status(status).bytes());
    }
    // Not by ending the kernel: a thread of a module may never give its CPU back.
    kthreads_pc::exit(status)
}

fn fail(peer: Peer, failure: &Failure) -> u8 {
    let line = format!("kthreads: {}\n", failure.text);
    match peer {
        Peer::Terminal => serial::write(line.as_bytes()),
        Peer::Command => serial::write(&on_error_stream(&line)),
    }
    failure.status
}

fn run(boot: &Boot, arguments: &Arguments) -> Result<u8, Failure> {
    let not_loaded = |text| Failure { text, status: status::NOT_LOADED };
    let script = script(boot, arguments)?;
    let modules = files::modules(boot.initrd, &arguments.modules).map_err(not_loaded)?;
    let (session, hold) = start(arguments, modules).map_err(not_loaded)?;
    let console = session.outside.console.clone();
    let peer = arguments.peer;
    let wire = Wire::new(&session);
    let (reader, teller) = (wire.clone(), wire.clone());
    spawn_outside(move || reader.read(peer));
    spawn_outside(move || teller.deliver_interrupts());
    let status = match arguments.work {
        Work::Lines => lines::run(&session, &wire, peer, hold),
        Work::Plan => Plan { script, limit: arguments.limit }.run(&session, hold),
    };
    console.close();
    Ok(status)
}

/// The script of the command line, or that of the initrd.
fn script(boot: &Boot, arguments: &Arguments) -> Result<Option<Script>, Failure> {
    let wrong = |text| Failure { text, status: status::USAGE };
    let text = match (&arguments.script, files::find(boot.initrd, SCRIPT)) {
        (Some(text), _) => text.clone(),
        (None, Some(bytes)) => core::str::from_utf8(bytes)
            .map_err(|error| wrong(wrong_text(&error)))?
            .to_string(),
        (None, None) => return Ok(None),
    };
    syntax::parse(&text).map(Some).map_err(|error| wrong(wrong_script(&error)))
}

fn wrong_text(error: &core::str::Utf8Error) -> String {
    format!("the script is no text: {error}")
}

/// Boots the kernel and starts the strands that serve it. Time does not jump while the returned
/// hold is there.
fn start(
    arguments: &Arguments,
    modules: alloc::vec::Vec<Prepared>,
) -> Result<(Arc<Session>, ClockHold), String> {
    let clock = match arguments.time {
        Time::Real => Clock::Real,
        Time::FastForward => Clock::FastForward,
    };
    let machine = PcMachine::new(PcConfig { cpus: arguments.cpus, clock });
    let machine = machine.map_err(|error| error.to_string())?;
    let hold = machine.hold_clock();
    let kernel = Kernel::boot(machine.clone(), arguments.config.clone());
    let kernel = Arc::new(kernel.map_err(|errno| format!("the kernel does not boot: {errno}"))?);
    last_words::prepare(kernel.log_ring());
    let console = Console::new(&kernel, arguments.peer, arguments.show);
    let follower = console.clone();
    spawn_outside(move || follower.follow());
    let librarian = Librarian::new(&machine, arguments.peer);
    let (server, server_kernel, server_console) =
        (librarian.clone(), kernel.clone(), console.clone());
    spawn_outside(move || server.serve(&server_kernel, &server_console));
    let is_interrupted = AtomicBool::new(false);
    let bare = Bare { machine, console, librarian, is_interrupted };
    let session = Session::new(kernel, Arc::new(bare), modules);
    if arguments.debugger == Debugger::Announce {
        session.kernel.enter(|_| session.loader().watch(GdbAnnouncer::new()));
    }
    Ok((session, hold))
}
