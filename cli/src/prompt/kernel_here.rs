//! `kthreads shell`: a prompt for a kernel in this process.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use kthreads_session::{Next, Outside, Prepared, Prompt, Show};
use kthreads_shell::{Stream, syntax};

use super::Kernel;
use crate::args::MachineOptions;
use crate::console::AbovePrompt;
use crate::process::Process;
use crate::session::{self, Session};
use crate::{interrupts, objects, parameters, status, supervisor};

/// Does `kthreads shell`; returns the exit status.
pub(crate) fn shell(options: &MachineOptions) -> u8 {
    let modules = match objects::prepare(&options.modules) {
        Ok(modules) => modules,
        Err(error) => {
            eprintln!("kthreads: {error}");
            return status::NOT_LOADED;
        }
    };
    if let Err(error) = parameters::check(&modules) {
        eprintln!("kthreads: {error}");
        return status::USAGE;
    }
    supervisor::run(|| run_prompt(options, modules))
}

/// Runs a kernel with a prompt; returns the exit status.
fn run_prompt(options: &MachineOptions, modules: Vec<Prepared>) -> u8 {
    let (session, hold) = match session::start(options, Show::Log, modules) {
        Ok(started) => started,
        Err(error) => {
            eprintln!("kthreads: {error}");
            return status::NOT_LOADED;
        }
    };
    interrupts::watch(&session);
    let prompt = RefCell::new(Prompt::new(session.clone(), hold));
    let kernel = Rc::new(KernelHere { session: session.clone(), prompt });
    let is_loaded = kernel.prompt.borrow_mut().load();
    if is_loaded {
        let kernel: Rc<dyn Kernel> = kernel.clone();
        super::read(&kernel);
    }
    let status = kernel.prompt.borrow_mut().end();
    session.outside.console.close(&session.kernel);
    status
}

/// Is a kernel in this process.
struct KernelHere {
    session: Arc<Session>,
    /// Used by one function at a time: completion happens while no line runs.
    prompt: RefCell<Prompt<Process>>,
}

impl Kernel for KernelHere {
    fn run(&self, text: &str) -> Next {
        let Ok(script) = syntax::parse(text) else { return Next::Line };
        self.prompt.borrow_mut().run(&script)
    }

    fn candidates(&self, command: &str, word: &str) -> Vec<String> {
        self.prompt.borrow_mut().candidates(command, word)
    }

    fn write(&self, stream: Stream, text: &str) {
        self.session.outside.write(stream, text);
    }

    fn tell(&self, text: &str) {
        self.session.tell(text);
    }

    fn call_for(&self, status: u8) {
        self.session.call_for(status);
    }

    fn is_interrupted(&self) -> bool {
        self.session.outside.is_interrupted()
    }

    fn reset_interrupts(&self) {
        self.session.outside.interrupts.reset();
    }

    fn at_prompt(&self, read: &mut dyn FnMut()) {
        self.session.outside.console.at_prompt(read);
    }

    fn set_printer(&self, printer: AbovePrompt) {
        self.session.outside.console.set_printer(printer);
    }
}
