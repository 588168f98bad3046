//! Where schedules are run: a kernel that goes back to what it was after the boot.
//!
//! Booting a kernel takes longer than most schedules do. So a campaign boots one, runs a scenario
//! in it, and takes it back ([`SimMachine::put_back`]): every schedule begins in the same state,
//! byte for byte, whatever those before did. Where that cannot be (no address space for an arena, a
//! kernel that is too wrong to be made ready), a new one is booted for each schedule.

use std::any::Any;
use std::sync::Arc;

use kthreads_kernel::{Booted, Cx, Kernel};
use kthreads_sim::{Arena, InOrder, Kept, Left, Reaction, SimConfig, SimMachine, StackPool};

use crate::config::Config;
use crate::run::Scenario;

/// How many steps the end of a kernel may take.
const STEPS_TO_END: u64 = 50_000;

/// How many steps it may take until a scenario can begin.
const STEPS_TO_BE_READY: u64 = 10_000_000;

/// What a scenario has when its kernel is booted: see [`Scenario::prepare`].
pub type Prepared = Box<dyn Any + Send + Sync>;

/// What a scenario leaves of what was allocated in the kernel while it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaves {
    /// Nothing that anybody will use.
    Nothing,
    /// Whatever was not freed.
    WhatIsNotFreed,
}

/// A place to run the schedules of one scenario in, one after the other.
pub struct Room {
    leaves: Leaves,
    kernel: Option<Resident>,
    /// Whether kernels here are so wrong that they cannot be made ready.
    is_broken: bool,
    /// The stacks of kernels that are used once: all get the same, but for those of kernels that
    /// were given up.
    stacks: Arc<StackPool>,
}

/// A kernel that was booted, and what it was then.
pub(crate) struct Resident {
    // In this order: the kernel's memory is its machine's.
    pub(crate) prepared: Prepared,
    pub(crate) kernel: Booted,
    pub(crate) machine: Arc<SimMachine>,
    kept: Option<Kept>,
    /// What of the configuration it was booted with.
    cpus: u32,
    seed: u64,
}

impl Room {
    /// An empty room, for scenarios that may keep what they get from a kernel.
    pub fn new() -> Room {
        Room {
            leaves: Leaves::WhatIsNotFreed,
            kernel: None,
            is_broken: false,
            stacks: Arc::default(),
        }
    }

    /// An empty room. Memory that was allocated in a kernel is used again after each schedule,
    /// even if it was not freed.
    ///
    /// # Safety
    ///
    /// Scenarios that are run here keep nothing beyond their run that was allocated in the kernel.
    pub unsafe fn for_tidy() -> Room {
        Room { leaves: Leaves::Nothing, ..Room::new() }
    }

    /// A kernel as it is after the boot.
    pub(crate) fn enter(&mut self, config: &Config, scenario: &dyn Scenario) -> Resident {
        let fits = |old: &Resident| (old.cpus, old.seed) == (config.cpus, config.seed);
        if let Some(old) = self.kernel.take().filter(fits) {
            return old;
        }
        if !self.is_broken {
            // The pool is the kernel's alone.
            let booted = Resident::boot(config, Arc::new(StackPool::default()));
            if let Some(ready) = booted.ready(scenario) {
                return ready;
            }
            self.is_broken = true;
        }
        let mut booted = Resident::boot(config, self.stacks.clone());
        booted.prepare(scenario);
        booted
    }

    /// A schedule is over: takes its kernel back to what it was, for the next.
    pub(crate) fn leave(&mut self, kernel: Resident) {
        let left = match self.leaves {
            Leaves::Nothing => Left::Nothing,
            Leaves::WhatIsNotFreed => kernel.machine.left(),
        };
        self.kernel = kernel.goes_back(left);
    }
}

impl Default for Room {
    fn default() -> Room {
        Room::new()
    }
}

impl Resident {
    fn boot(config: &Config, stacks: Arc<StackPool>) -> Resident {
        let machine = SimMachine::new(SimConfig {
            cpus: config.cpus,
            seed: config.seed,
            stacks,
            longest_hold: config.longest_hold,
            arena: Arena::new().ok(),
            ..SimConfig::default()
        });
        let machine = machine.unwrap_or_else(|error| panic!("{error}"));
        let boot = || Kernel::boot(machine.clone(), config.kernel.clone());
        // SAFETY: this thread made the machine and drives it.
        let kernel = unsafe { machine.in_arena(boot) };
        let kernel = kernel.unwrap_or_else(|errno| panic!("the kernel does not boot: {errno}"));
        let (cpus, seed) = (config.cpus, config.seed);
        let prepared = Box::new(());
        Resident { prepared, kernel, machine, kept: None, cpus, seed }
    }

    /// Makes the kernel ready for a scenario, and remembers it so. None if it does not get to that:
    /// kernels with mistakes are explored, too.
    fn ready(mut self, scenario: &dyn Scenario) -> Option<Resident> {
        self.prepare(scenario)?;
        // SAFETY: this thread drives the machine and waits for nothing, so no CPU runs; nobody else
        // knows the kernel or the pool.
        self.kept = Some(unsafe { self.machine.keep() }?);
        Some(self)
    }

    /// Does what a scenario needs once; None if the kernel does not get to that.
    fn prepare(&mut self, scenario: &dyn Scenario) -> Option<()> {
        self.machine.set_on_stuck(Some(Box::new(|_, _| Reaction::Abandon)));
        self.machine.set_steps_left(STEPS_TO_BE_READY);
        let prepare = || {
            self.kernel.try_enter_as("sh", |cx| {
                warm_up(cx);
                scenario.prepare(cx)
            })
        };
        // SAFETY: this thread drives the machine.
        let prepared = unsafe { self.machine.in_arena(prepare) };
        self.prepared = prepared.ok()?;
        self.machine.set_on_stuck(None);
        Some(())
    }

    /// Takes the kernel back; ends it if it is not to be used again.
    fn goes_back(self, left: Left) -> Option<Resident> {
        self.machine.set_on_stuck(None);
        drop(self.machine.replace_chooser(Box::new(InOrder)));
        self.machine.set_steps_left(STEPS_TO_END);
        let kept = self.kept.as_ref()?;
        // SAFETY: this thread drives the machine, and no CPU runs. Scenarios cannot hold on to the
        // kernel, which they only borrow; nobody will use what else was had from it by the promise
        // of `for_tidy`, or it stays where it is.
        let has_room = unsafe { self.machine.put_back(kept, left) };
        has_room.then_some(self)
    }
}

/// Does what makes tables grow that never shrink: memory that stays would be taken for the
/// scenario's.
fn warm_up(cx: &Cx<'_>) {
    // Without memory for a thread the scenario says so itself.
    let thread = |cpu| Some(cx.create("warm", |cx| cx.sleep(1)).ok()?.bind(cx, cpu).wake(cx));
    let threads: Vec<_> = (0..cx.kernel.nr_cpus()).filter_map(thread).collect();
    for thread in threads {
        let _ = thread.join(cx);
    }
}
