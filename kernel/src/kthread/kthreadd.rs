//! kthreadd: the parent of all kernel threads.

use core::sync::atomic::Ordering;

use crate::proc::WaitsIn;
use crate::task::state::*;
use crate::{Cx, Fault, Kernel};

/// The nodes with memory: there is one.
const ALL_MEMORY_NODES: u64 = 1;

impl Kernel {
    /// What pid 2 runs (Linux: kthreadd): sets up a clean context for its children to inherit,
    /// then answers create requests in the order they came.
    pub(crate) fn kthreadd_main(&self, cx: &Cx<'_>) -> ! {
        let task = cx.task.get_ref();
        task.set_comm("kthreadd");
        task.signals.ignore_all(&task.head);
        let _ = self.set_cpus_allowed(task, self.all_cpus());
        task.set_mems_allowed(ALL_MEMORY_NODES);
        // Nobody is told of its end: it was started by the boot, with no signal named.
        task.head.exit_signal.store(0, Ordering::Relaxed);
        task.head.flags.fetch_or(PF_NOFREEZE, Ordering::Relaxed);
        loop {
            let looked = self.has_fault(Fault::KthreaddLooksFirst) && self.requests.is_empty();
            cx.head.step();
            task.set_state(TASK_INTERRUPTIBLE);
            if looked || self.requests.is_empty() {
                let _waits = cx.waits_in(WaitsIn::Kthreadd);
                self.schedule(cx);
            }
            task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
            while let Some(id) = self.requests.pop() {
                self.answer_request(cx, id);
            }
        }
    }
}
