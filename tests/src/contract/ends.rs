//! The end of a machine's CPUs.

use alloc::borrow::ToOwned;
use alloc::sync::Arc;

use kthreads_base::{Machine, Nanos, current_head};

use super::Verdict;
use super::rig::start;

/// For how long the first CPU goes on alone: some ticks of any machine's.
const ALONE: Nanos = Nanos::from_millis(15);

/// What comes for a CPU that has ended, or for whoever watches it, is over when the machine says
/// that all have ended: the kernel may go then.
pub(super) fn nobody_asks_when_all_have_ended(machine: &Arc<dyn Machine>) -> Verdict {
    let rig = start(machine, |rig, cpu| {
        rig.all_together();
        if cpu != 0 {
            return;
        }
        let end = rig.machine.now() + ALONE;
        rig.asked.slowly();
        // The others have ended, but the time for which they set their timers comes.
        while rig.machine.now() < end && !rig.asked.is_under_way() {
            current_head().relax();
        }
    });
    rig.asked.will_be_ended_here();
    rig.try_finish()?;
    match rig.asked.when_gone() {
        true => Err("the kernel is asked by whom it does not know any more".to_owned()),
        false => Ok(()),
    }
}
