//! Watching for what does not move: tasks that sleep for too long, CPUs that do not let go.

mod hung;
mod lockup;

pub(crate) use hung::HungTasks;
pub(crate) use lockup::{Passes, Watch};
