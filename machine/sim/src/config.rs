//! What a machine is to be like.

use std::sync::Arc;

use kthreads_base::Nanos;
use kthreads_host::arena::Arena;

use crate::SimMachine;
use crate::chooser::{Chooser, InOrder};
use crate::stacks::StackPool;

/// The most CPUs a machine may have: CPU sets are one word.
pub(crate) const MAX_CPUS: u32 = 64;

/// Why a machine cannot go on, or should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// No CPU can go on and no timer is set: nothing happens any more by itself.
    Deadlock,
    /// The limit of steps was reached.
    StepLimit,
    /// Nothing is wrong, but [`SimConfig::look_every`] has passed since the last look.
    Look,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Waits for another thread of the host to do something.
    Wait,
    /// Looks again: something was done about it.
    Retry,
    /// Never runs a CPU again. Who waits outside is let go as if its job had been killed; what
    /// the kernel owns is leaked.
    Abandon,
}

/// What is called, on the waiting host thread's own stack, when a machine is stuck.
pub type OnStuck = Box<dyn FnMut(&SimMachine, Stuck) -> Reaction + Send>;

/// What a machine is to be like.
pub struct SimConfig {
    /// How many CPUs, 1 to 64.
    pub cpus: u32,
    /// What everything random comes from.
    pub seed: u64,
    /// How many nanoseconds each step costs.
    pub step_nanos: u64,
    /// How many steps there may be; [`Stuck::StepLimit`] beyond.
    pub step_limit: u64,
    /// How often, in the machine's time, somebody is to look whether all is well.
    pub look_every: Nanos,
    /// The longest time that may pass while somebody could go on: who can is held up that long.
    pub longest_hold: Nanos,
    /// After how many steps in a row another CPU that can go on does, whatever the chooser wants:
    /// a loop that waits for another CPU must not keep it from running for ever.
    pub turn_limit: u32,
    /// Whether the points that each thread comes to are counted, for [`Point::place`](crate::Point::place).
    pub counts_points: bool,
    /// How much memory the instance is told it has, in bytes.
    pub memory_bytes: u64,
    /// Who decides.
    pub chooser: Box<dyn Chooser>,
    /// Where stacks come from. With one pool, machine after machine gets the same addresses.
    pub stacks: Arc<StackPool>,
    /// Where the kernel's memory comes from, if the machine is to go back to what it was: see
    /// [`SimMachine::keep`].
    pub arena: Option<Box<Arena>>,
    /// Who is asked when nothing goes on.
    pub on_stuck: Option<OnStuck>,
}

impl Default for SimConfig {
    /// Two CPUs, the usual choices, no limit.
    fn default() -> SimConfig {
        SimConfig {
            cpus: 2,
            seed: 0,
            step_nanos: 1000,
            step_limit: u64::MAX,
            look_every: Nanos::NEVER,
            longest_hold: Nanos(10 * Nanos::SECOND.0),
            turn_limit: 2000,
            counts_points: false,
            memory_bytes: 1 << 30,
            chooser: Box::new(InOrder),
            stacks: Arc::new(StackPool::default()),
            arena: None,
            on_stuck: None,
        }
    }
}
