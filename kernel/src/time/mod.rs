//! Time: jiffies, timers, and sleeping for a time.

mod api;
mod irq;
mod jiffies;
mod sleep;
mod timer;
mod wheel;

pub use jiffies::*;
pub(crate) use sleep::{ByWakeTime, first_wake_time};
pub use timer::*;
