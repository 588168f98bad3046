//! What is explored: modules that are loaded, a script, and their end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kthreads_base::{Nanos, choose};
use kthreads_capi::module::{Argument, InsmodError, ModuleFile, ModuleLoader};
use kthreads_explore::{CHOOSE_DELAY, Scenario};
use kthreads_kernel::module::Image;
use kthreads_kernel::task::state::TASK_UNINTERRUPTIBLE;
use kthreads_kernel::{Booted, Config, Cx, Kernel};
use kthreads_shell::syntax::Script;
use kthreads_shell::{CommandError, Ended, Host, Shell, Stream};
use kthreads_sim::{SimConfig, SimMachine};

use kthreads_session::Prepared;

/// How long modules are let run before they are unloaded. The first is the usual one; all of them
/// happen to somebody.
const DELAYS: [Nanos; 4] =
    [Nanos(10 * Nanos::SECOND.0), Nanos::ZERO, Nanos::from_millis(20), Nanos(3 * Nanos::SECOND.0)];

/// Longer than it takes until hung tasks are looked for again.
const LOOKED_FOR: Nanos = Nanos(30 * Nanos::SECOND.0);

/// Modules and what is done with them.
pub(crate) struct ModuleScenario {
    modules: Arc<[Prepared]>,
    script: Option<Script>,
    tells_accesses: bool,
    seen: Mutex<Seen>,
    /// Looks lines up: what that needs is made for the kernel.
    helper: Booted,
    /// Places that were named, by module and distance from its beginning.
    named: Mutex<HashMap<(String, usize), Option<String>>>,
}

/// What is kept of the last schedule, to name addresses by.
#[derive(Default)]
struct Seen {
    images: Vec<(String, Arc<dyn Image>)>,
    /// Why a module could not be loaded, if one could not.
    not_loaded: Option<String>,
}

impl ModuleScenario {
    pub(crate) fn new(
        modules: Vec<Prepared>,
        script: Option<Script>,
        tells_accesses: bool,
    ) -> Result<ModuleScenario, String> {
        let machine = SimMachine::new(SimConfig { cpus: 1, ..SimConfig::default() });
        let machine = machine.map_err(|error| error.to_string())?;
        let helper = Kernel::boot(machine, Config::default())
            .map_err(|errno| format!("the kernel does not boot: {errno}"))?;
        Ok(ModuleScenario {
            modules: modules.into(),
            script,
            tells_accesses,
            seen: Mutex::default(),
            helper,
            named: Mutex::default(),
        })
    }

    /// Why a module could not be loaded in the last schedule.
    pub(crate) fn not_loaded(&self) -> Option<String> {
        self.seen().not_loaded.clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does it all. In the kernel.
    fn carry_out(&self, cx: &Cx<'_>) {
        let host =
            Arc::new(ExploreHost { loader: ModuleLoader::new(cx), modules: self.modules.clone() });
        for module in self.modules.iter() {
            if let Err(error) = host.load(cx, module) {
                self.note_failure(module, &error);
            }
            let name = &module.object.name;
            let image = cx.kernel.find_module(name).and_then(|module| module.image());
            self.seen().images.extend(image.map(|image| (name.clone(), image)));
        }
        match &self.script {
            Some(script) => run_script(cx, host.clone(), script),
            None => {
                let delay = DELAYS[choose(CHOOSE_DELAY, DELAYS.len() as u32) as usize];
                cx.kernel.sleep_for(cx, delay, TASK_UNINTERRUPTIBLE);
            }
        }
        for module in self.modules.iter().rev() {
            if cx.kernel.find_module(&module.object.name).is_some() {
                // What cannot be unloaded stays; the log says why.
                let _ = host.loader.rmmod(cx, &module.object.name);
            }
        }
    }

    fn note_failure(&self, module: &Prepared, error: &InsmodError) {
        // An init function that fails may do so in some schedules: that is the module's own.
        if matches!(
            error,
            InsmodError::File(_) | InsmodError::Symbols(_) | InsmodError::DuplicateSymbol { .. }
        ) {
            let path = &module.path;
            let text = format!("cannot load {} ({path}): {error}", module.object.name);
            self.seen().not_loaded = Some(text);
        }
    }
}

fn run_script(cx: &Cx<'_>, host: Arc<ExploreHost>, script: &Script) {
    let shell = Shell::new(host);
    shell.attach(cx);
    if shell.run(cx, script) == Ended::Finished {
        shell.wait_for_jobs(cx);
    }
    if shell.hung_commands() > 0 {
        // The shell has given up on it; whoever looks for hung tasks is to see it, too.
        cx.kernel.sleep_for(cx, LOOKED_FOR, TASK_UNINTERRUPTIBLE);
    }
    let failed = shell.failed_expectations();
    assert!(failed == 0, "an expectation of the script failed");
}

impl Scenario for ModuleScenario {
    fn run(&self, kernel: &Kernel) {
        *self.seen() = Seen::default();
        kernel.enter_as("sh", |cx| self.carry_out(cx));
    }

    fn tells_accesses(&self) -> bool {
        self.tells_accesses
    }

    fn place(&self, address: usize) -> Option<String> {
        let seen = self.seen();
        // A return address lies behind its call.
        let address = address.wrapping_sub(1);
        let (module, image) = seen.images.iter().find(|(_, image)| image.contains(address))?;
        let key = (module.clone(), address - image.base());
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let name = || {
            let mut name = None;
            image.symbolize_past(address, &mut |symbol, _, _| name = Some(symbol.to_owned()));
            let name = name?;
            let line = self.helper.enter(|_| image.line_of(address));
            Some(line.map_or(name.clone(), |line| format!("{name} {line}")))
        };
        named.entry(key).or_insert_with(name).clone()
    }

    fn variable(&self, address: usize) -> Option<String> {
        let seen = self.seen();
        let (_, image) = seen.images.iter().find(|(_, image)| image.contains(address))?;
        let mut name = None;
        image.symbolize(address, &mut |symbol, offset, _| {
            name = Some(match offset {
                0 => symbol.to_owned(),
                _ => format!("{symbol}+{offset:#x}"),
            });
        });
        name
    }
}

/// The world outside the kernel, of which there is little.
struct ExploreHost {
    loader: ModuleLoader,
    modules: Arc<[Prepared]>,
}

impl ExploreHost {
    fn load(&self, cx: &Cx<'_>, module: &Prepared) -> Result<(), InsmodError> {
        self.load_with(cx, module, &module.parameters)
    }

    fn load_with(
        &self,
        cx: &Cx<'_>,
        module: &Prepared,
        parameters: &[String],
    ) -> Result<(), InsmodError> {
        let file = ModuleFile { name: &module.object.name, bytes: &module.object.bytes };
        let arguments: Vec<_> = parameters.iter().map(|word| Argument::parse(word)).collect();
        self.loader.insmod(cx, &file, &arguments)
    }
}

impl Host for ExploreHost {
    fn insmod(&self, cx: &Cx<'_>, file: &str, parameters: &[String]) -> Result<(), CommandError> {
        let is_meant = |module: &&Prepared| {
            let name = &module.object.name;
            file == name || file == format!("{name}.ko") || module.path == file
        };
        let module = self.modules.iter().find(is_meant);
        let module = module.ok_or_else(|| {
            CommandError::Other("only modules of the command line can be loaded".to_owned())
        })?;
        let loaded = self.load_with(cx, module, parameters);
        loaded.map_err(|error| CommandError::Errno(error.errno()))
    }

    fn rmmod(&self, cx: &Cx<'_>, name: &str) -> Result<(), CommandError> {
        Ok(self.loader.rmmod(cx, name)?)
    }

    fn write(&self, _: Stream, _: &str) {}

    fn set_console_level(&self, _: u8) {}
}
