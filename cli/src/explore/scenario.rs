//! What is explored: modules that are loaded, a script, and their end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kthreads_base::{Nanos, choose};
use kthreads_capi::module::{Argument, InsmodError, LoadedImage, ModuleFile, ModuleLoader};
use kthreads_explore::{CHOOSE_DELAY, Prepared as Ready, Room, Scenario};
use kthreads_kernel::module::Image;
use kthreads_kernel::task::state::TASK_UNINTERRUPTIBLE;
use kthreads_kernel::{Booted, Config, Cx, Kernel};
use kthreads_shell::syntax::Script;
use kthreads_shell::{CommandError, Ended, Host, Shell, Stream};
use kthreads_sim::{SimConfig, SimMachine, outside};

use kthreads_session::Prepared;

/// How long modules are let run before they are unloaded. The first is the usual one; all of them
/// happen to somebody.
const DELAYS: [Nanos; 4] =
    [Nanos(10 * Nanos::SECOND.0), Nanos::ZERO, Nanos::from_millis(20), Nanos(3 * Nanos::SECOND.0)];

/// Longer than it takes until hung tasks are looked for again.
const LOOKED_FOR: Nanos = Nanos(30 * Nanos::SECOND.0);

/// Modules and what is done with them.
///
/// Nothing that is allocated in a kernel is kept here: see [`room`](ModuleScenario::room).
pub(crate) struct ModuleScenario {
    modules: Arc<[Prepared]>,
    script: Option<Script>,
    tells_accesses: bool,
    seen: Mutex<Seen>,
    /// Looks lines up, in images of its own: what that needs is made for the kernel.
    helper: Booted,
    /// Images of the modules, with their names and lines.
    pictures: Vec<Option<Arc<LoadedImage>>>,
    /// Places that were named, by module and distance from its beginning.
    named: Mutex<HashMap<(usize, usize), Option<String>>>,
}

/// What is known of the last schedule, and of the kernel it ran in.
#[derive(Default)]
struct Seen {
    /// Where the modules lie, by number.
    bases: Vec<Option<usize>>,
    /// Why a module could not be loaded, if one could not.
    not_loaded: Option<String>,
    /// Whether each module was loaded in any schedule, by number, and why not in the last.
    loads: Vec<Result<(), String>>,
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
        let pictures = helper.enter(|cx| {
            let loader = ModuleLoader::new(cx);
            modules.iter().map(|module| loader.picture(cx, &file_of(module)).ok()).collect()
        });
        let loads = vec![Err(String::new()); modules.len()];
        let seen = Seen { bases: vec![None; modules.len()], not_loaded: None, loads };
        Ok(ModuleScenario {
            modules: modules.into(),
            script,
            tells_accesses,
            seen: Mutex::new(seen),
            helper,
            pictures,
            named: Mutex::default(),
        })
    }

    /// A room to explore this in.
    pub(crate) fn room() -> Room {
        // SAFETY: scenarios of this kind keep nothing that was allocated in a kernel: what is
        // noted of one is made outside.
        unsafe { Room::for_tidy() }
    }

    /// Why a module could not be loaded in the last schedule.
    pub(crate) fn not_loaded(&self) -> Option<String> {
        self.seen().not_loaded.clone()
    }

    /// Why a module was loaded in no schedule so far, if one was not.
    pub(crate) fn never_loaded(&self) -> Option<String> {
        let seen = self.seen();
        let mut whys = seen.loads.iter().filter_map(|loaded| loaded.as_ref().err());
        // Where loading came to no end, that is what was found.
        whys.find(|why| !why.is_empty()).cloned()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does it all. In the kernel.
    fn carry_out(&self, cx: &Cx<'_>, host: &Arc<ExploreHost>) {
        for (number, module) in self.modules.iter().enumerate() {
            let loaded = host.load(cx, module);
            if let Err(error) = &loaded {
                self.note_failure(module, error);
            }
            self.note_load(number, module, loaded);
            let loaded = cx.kernel.find_module(&module.object.name);
            if let Some(image) = loaded.and_then(|module| module.image()) {
                self.seen().bases[number] = Some(image.base());
            }
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

    fn note_load(&self, number: usize, module: &Prepared, loaded: Result<(), InsmodError>) {
        outside(|| {
            let known = &mut self.seen().loads[number];
            if known.is_err() {
                *known = loaded.map_err(|error| format!("{}: {error}", module.object.name));
            }
        });
    }

    fn note_failure(&self, module: &Prepared, error: &InsmodError) {
        // An init function that fails may do so in some schedules: that is the module's own.
        if matches!(
            error,
            InsmodError::File(_) | InsmodError::Symbols(_) | InsmodError::DuplicateSymbol { .. }
        ) {
            let path = &module.path;
            outside(|| {
                let text = format!("cannot load {} ({path}): {error}", module.object.name);
                self.seen().not_loaded = Some(text);
            });
        }
    }

    /// The module that an address lies in, by number, with a picture of it and the same place
    /// there.
    fn find(&self, address: usize) -> Option<(usize, &LoadedImage, usize)> {
        let bases = outside(|| self.seen().bases.clone());
        let pictures = self.pictures.iter().zip(bases).enumerate();
        pictures.into_iter().find_map(|(number, (picture, base))| {
            let picture = picture.as_ref()?;
            let offset = address.wrapping_sub(base?);
            (offset < picture.size()).then(|| (number, &**picture, picture.base() + offset))
        })
    }
}

fn file_of(module: &Prepared) -> ModuleFile<'_> {
    ModuleFile { name: &module.object.name, bytes: &module.object.bytes }
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
    /// Links the modules, which takes longer than a schedule does.
    fn prepare(&self, cx: &Cx<'_>) -> Ready {
        let loader = ModuleLoader::new(cx);
        let mut images = Vec::new();
        for (number, module) in self.modules.iter().enumerate() {
            let Some(image) = loader.link_ahead(cx, &file_of(module)) else { continue };
            // Once is enough to read all lines.
            let _ = image.line_of(image.base());
            self.seen().bases[number] = Some(image.base());
            images.push(image);
        }
        Box::new(Arc::new(ExploreHost { loader, modules: self.modules.clone(), _images: images }))
    }

    fn run(&self, kernel: &Kernel, ready: &Ready) {
        self.seen().not_loaded = None;
        let Some(host) = ready.downcast_ref::<Arc<ExploreHost>>() else { return };
        kernel.enter_as("sh", |cx| self.carry_out(cx, host));
    }

    fn tells_accesses(&self) -> bool {
        self.tells_accesses
    }

    fn place(&self, address: usize) -> Option<String> {
        // A return address lies behind its call.
        let (module, picture, address) = self.find(address.wrapping_sub(1))?;
        let key = (module, address - picture.base());
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let name = || {
            let mut name = None;
            picture.symbolize(address, &mut |symbol, _, _| name = Some(symbol.to_owned()));
            let name = name?;
            let line = self.helper.enter(|_| picture.line_of(address));
            Some(line.map_or(name.clone(), |line| format!("{name} {line}")))
        };
        named.entry(key).or_insert_with(name).clone()
    }

    fn variable(&self, address: usize) -> Option<String> {
        let (_, picture, address) = self.find(address)?;
        let mut name = None;
        picture.symbolize(address, &mut |symbol, offset, _| {
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
    /// What is known of the modules, so that rmmod does not drop it in each schedule.
    _images: Vec<Arc<LoadedImage>>,
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
        let file = file_of(module);
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
