//! What modules leave behind when they are unloaded: threads that still run in them, and the
//! names that reports need to explain what happened.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use super::{Image, Module};
use crate::backtrace::Origin;
use crate::log::Level;
use crate::task::state::PF_EXITING;
use crate::task::{Task, TaskId};
use crate::{Cx, Kernel, log};

/// How many modules that are gone are remembered.
const REMEMBERED: usize = 64;
/// How many ticks a thread has to leave a module's text before it counts as left behind: one that
/// has answered whoever waited for it may still be on its way out.
const GRACE_TICKS: u32 = 10;

pub(super) struct Unloaded {
    name: String,
    range: Range<usize>,
    /// Its image, if the memory is kept because threads still run in it.
    kept: Option<Arc<dyn Image>>,
}

/// Whether an unloaded module's memory may be freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vacancy {
    /// Nobody runs in it.
    Empty,
    /// Threads still do: it must stay mapped.
    Occupied,
}

/// A thread that runs in a module's text, or will return there.
struct Straggler {
    task: TaskId,
    /// An address in the text that its stack holds, or its function.
    address: usize,
    /// Whether the address is not just something that an earlier call has left there.
    is_certain: bool,
}

impl Kernel {
    /// Looks for threads that still run in the text of a module that has just been unloaded, names
    /// them and ends them. Sleeps a few ticks if there are some, since they may be about to leave.
    pub fn leave_module(&self, cx: &Cx<'_>, module: &Module, image: &Arc<dyn Image>) -> Vacancy {
        let stragglers = self.wait_for_stragglers(cx, &**image);
        for straggler in &stragglers {
            self.report_straggler(cx, module.name(), straggler);
        }
        for straggler in stragglers.iter().filter(|straggler| straggler.is_certain) {
            if let Some(task) = self.task_by_id(straggler.task) {
                self.kill(task);
            }
        }
        let left = match stragglers.is_empty() {
            true => stragglers,
            false => self.wait_for_stragglers(cx, &**image),
        };
        for straggler in &left {
            self.report_immortal(cx, module.name(), straggler);
        }
        let kept = (!left.is_empty()).then(|| image.clone());
        let vacancy = if kept.is_some() { Vacancy::Occupied } else { Vacancy::Empty };
        self.remember_unloaded(module.name(), &**image, kept);
        vacancy
    }

    /// The threads that run in an image, once those that are about to leave have left.
    fn wait_for_stragglers(&self, cx: &Cx<'_>, image: &dyn Image) -> Vec<Straggler> {
        let mut stragglers = self.stragglers(cx, image);
        for _ in 0..GRACE_TICKS {
            if stragglers.is_empty() {
                break;
            }
            self.msleep(cx, 1);
            stragglers = self.stragglers(cx, image);
        }
        stragglers
    }

    fn stragglers(&self, cx: &Cx<'_>, image: &dyn Image) -> Vec<Straggler> {
        let others = self.all_tasks().into_iter().filter(|task| task.id() != cx.task.id());
        let find = |task: &Task| {
            let (address, is_certain) = self.address_in(task, image)?;
            Some(Straggler { task: task.id(), address, is_certain })
        };
        others.filter_map(find).collect()
    }

    /// Finds an address of the image's text that the task will come to: where its stack says that
    /// a call returns to, or else its function, while it has not ended.
    fn address_in(&self, task: &Task, image: &dyn Image) -> Option<(usize, bool)> {
        if task.flags() & PF_EXITING != 0 {
            return None;
        }
        let found = Origin::of_resting(task).and_then(|origin| origin.first_in(image));
        // One that runs, or was interrupted, has no return address to its own function.
        let function = task.entry_point.address();
        found.or_else(|| image.contains_text(function).then_some((function, true)))
    }

    fn report_straggler(&self, cx: &Cx<'_>, module: &str, straggler: &Straggler) {
        let Some(task) = self.task_by_id(straggler.task) else { return };
        self.count_bug();
        let (comm, pid) = (task.comm(), task.pid());
        log!(
            cx,
            Level::Alert,
            "kthreads: thread {comm} (pid {pid}) still runs in module {module} which was unloaded"
        );
        if let Some(place) = self.describe(straggler.address, 0) {
            log!(cx, Level::Alert, "kthreads: at {place}");
        }
        if straggler.is_certain {
            log!(
                cx,
                Level::Alert,
                "kthreads: {comm} is ended before the text of {module} goes; on Linux it would run \
                 freed memory"
            );
        }
    }

    fn report_immortal(&self, cx: &Cx<'_>, module: &str, straggler: &Straggler) {
        let Some(task) = self.task_by_id(straggler.task) else { return };
        let (comm, pid) = (task.comm(), task.pid());
        log!(
            cx,
            Level::Alert,
            "kthreads: the memory of {module} is kept: thread {comm} (pid {pid}) goes on in it"
        );
    }

    fn remember_unloaded(&self, name: &str, image: &dyn Image, kept: Option<Arc<dyn Image>>) {
        let range = image.base()..image.base() + image.size();
        let mut unloaded = self.modules.unloaded.lock();
        unloaded.retain(|old| old.range.end <= range.start || old.range.start >= range.end);
        if unloaded.len() >= REMEMBERED
            && let Some(oldest) = unloaded.iter().position(|old| old.kept.is_none())
        {
            unloaded.remove(oldest);
        }
        unloaded.push(Unloaded { name: name.to_string(), range, kept });
    }

    /// The name of the unloaded module that used to lie at an address, if no other lies there now.
    pub fn unloaded_module_at(&self, address: usize) -> Option<String> {
        let is_loaded =
            |module: &Arc<Module>| module.image().is_some_and(|image| image.contains(address));
        if self.modules().iter().any(is_loaded) {
            return None;
        }
        let unloaded = self.modules.unloaded.lock();
        let found = unloaded.iter().find(|old| old.range.contains(&address));
        found.map(|old| old.name.clone())
    }

    /// The images of unloaded modules that are kept because threads run in them.
    pub(crate) fn kept_images(&self) -> Vec<(String, Arc<dyn Image>)> {
        let unloaded = self.modules.unloaded.lock();
        let kept = |old: &Unloaded| Some((old.name.clone(), old.kept.clone()?));
        unloaded.iter().filter_map(kept).collect()
    }

    /// The image of an unloaded module that is kept because threads run in it.
    pub(super) fn kept_image_at(&self, address: usize) -> Option<(String, Arc<dyn Image>)> {
        let unloaded = self.modules.unloaded.lock();
        let found = unloaded.iter().find(|old| old.range.contains(&address))?;
        found.kept.clone().map(|image| (found.name.clone(), image))
    }
}
