//! The modules that `insmod` can load: those of the command line, and files.
//!
//! The modules of the command line are built before the kernel starts and kept in memory. A
//! source that a script names is compiled by a thread of the host, while the task that asked
//! sleeps and the clock is held: compiling takes no kernel time.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, thread};

use kthreads_host::{ClockHold, HostMachine};
use kthreads_kernel::wait::Completion;
use kthreads_kernel::{Booted, Cx};
use kthreads_session::{Object, Prepared};
use kthreads_shell::CommandError;

use crate::args::ModuleArgument;
use crate::build::{self, BuildError, Colour, Instrument, Module, Place, Request, Target};

/// Builds the modules of a command line and reads them, in the order to load them.
pub(crate) fn prepare(modules: &[ModuleArgument]) -> Result<Vec<Prepared>, BuildError> {
    prepare_for(modules, Instrument::Nothing)
}

/// As [`prepare`], for modules that are instrumented.
pub(crate) fn prepare_for(
    modules: &[ModuleArgument],
    instrument: Instrument,
) -> Result<Vec<Prepared>, BuildError> {
    let targets = modules.iter().map(|module| Target::of(&module.path));
    let targets = targets.collect::<Result<Vec<_>, _>>()?;
    let built = build_targets(targets, instrument)?;
    let prepared = |(object, target): (Object, usize)| {
        let ModuleArgument { path, parameters } = modules[target].clone();
        Prepared { object, path: path.display().to_string(), parameters }
    };
    Ok(built.into_iter().map(prepared).collect())
}

/// Builds and reads; each module with the number of its target.
fn build_targets(
    targets: Vec<Target>,
    instrument: Instrument,
) -> Result<Vec<(Object, usize)>, BuildError> {
    let request = Request { targets, place: Place::Temporary, colour: colour(), instrument };
    let build = build::build(&request, &mut io::stderr())?;
    build.modules.iter().map(|module| Ok((read(module)?, module.target))).collect()
}

fn read(module: &Module) -> Result<Object, BuildError> {
    let unreadable = |error| BuildError::Unreadable { path: module.path.clone(), error };
    let bytes = fs::read(&module.path).map_err(unreadable)?;
    Ok(Object { name: module.name.clone(), bytes: bytes.into() })
}

/// Lets the compiler colour its messages if somebody looks at them.
pub(crate) fn colour() -> Colour {
    if io::stderr().is_terminal() { Colour::Always } else { Colour::Never }
}

/// What became of building a file that a script named.
pub(crate) type Outcome = Result<Object, String>;

/// A file to build, and the task that waits for it.
struct Order {
    path: PathBuf,
    done: Completion,
    outcome: Mutex<Option<Outcome>>,
    hold: Mutex<Option<ClockHold>>,
}

/// Builds what scripts ask for.
pub(crate) struct Objects {
    orders: Mutex<Sender<Arc<Order>>>,
}

impl Objects {
    /// Starts the thread that builds.
    pub(crate) fn new(kernel: &Arc<Booted>) -> Objects {
        let (orders, inbox) = mpsc::channel::<Arc<Order>>();
        let kernel = kernel.clone();
        thread::spawn(move || inbox.iter().for_each(|order| serve(&kernel, &order)));
        Objects { orders: Mutex::new(orders) }
    }

    /// Finds or builds the module that `file` names. In the kernel; the calling task sleeps.
    pub(crate) fn find(
        &self,
        cx: &Cx<'_>,
        machine: &HostMachine,
        file: &str,
    ) -> Result<Object, CommandError> {
        let order = Arc::new(Order {
            path: PathBuf::from(file),
            done: Completion::new(),
            outcome: Mutex::new(None),
            hold: Mutex::new(Some(machine.hold_clock())),
        });
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner).clone();
        orders.send(order.clone()).map_err(|_| other("the program ends"))?;
        cx.kernel.wait_for_completion(cx, &order.done);
        let outcome = order.outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
        outcome.unwrap_or_else(|| Err("it was not built".to_owned())).map_err(other)
    }
}

fn other(text: impl Into<String>) -> CommandError {
    CommandError::Other(text.into())
}

/// Builds a file and wakes the task that waits for it. Only when that is under way the clock may
/// go on.
fn serve(kernel: &Booted, order: &Order) {
    let outcome = build_one(&order.path);
    *order.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    let hold = order.hold.lock().unwrap_or_else(PoisonError::into_inner).take();
    // A kernel that has ended waits for nothing.
    let _ = kernel.enter_holding("host", hold, |cx| cx.kernel.complete(&order.done));
}

/// Builds the one module that a path stands for; an error as the user is told.
pub(crate) fn build_one(path: &Path) -> Outcome {
    let build =
        Target::of(path).and_then(|target| build_targets(vec![target], Instrument::Nothing));
    let mut built = match build {
        Ok(built) => built,
        Err(BuildError::NotFound(_)) => return Err("No such file or directory".to_owned()),
        Err(error) => return Err(error.to_string()),
    };
    match (built.pop(), built.is_empty()) {
        (Some((object, _)), true) => Ok(object),
        _ => Err("a directory that makes several modules: load it on the command line".to_owned()),
    }
}
