//! Unloading what is left at the end.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kthreads_base::Nanos;
use kthreads_kernel::Cx;
use kthreads_kernel::module::State;
use kthreads_kernel::task::state::TASK_UNINTERRUPTIBLE;
use kthreads_shell::JobEnd;

use crate::{Outside, Session, status};

/// How often it is looked whether a module that somebody else unloads is gone.
const LOOK_EVERY: Nanos = Nanos::from_millis(20);

impl<O: Outside> Session<O> {
    /// Unloads what is still loaded, the newest first. What cannot be unloaded, or hangs for the
    /// hung-task time, is named and left.
    pub(crate) fn unload(self: &Arc<Self>, cx: &Cx<'_>) {
        let mut left: Vec<String> = Vec::new();
        loop {
            let modules = cx.kernel.modules();
            let next = modules.into_iter().find(|module| !left.iter().any(|n| n == module.name()));
            let Some(module) = next else { return };
            let (name, state) = (module.name().to_owned(), module.state());
            drop(module);
            let is_gone = match state {
                State::Live => self.unload_one(cx, &name),
                State::Coming | State::Going => self.wait_until_gone(cx, &name, state),
            };
            if !is_gone {
                left.push(name);
            }
        }
    }

    fn unload_one(self: &Arc<Self>, cx: &Cx<'_>, name: &str) -> bool {
        let (me, module) = (self.clone(), name.to_owned());
        let started = self.shell.start(cx, "rmmod", move |cx| {
            let Err(error) = me.loader.rmmod(cx, &module) else { return 0 };
            me.tell(&format!("cannot unload {module}: {error}"));
            1
        });
        let job = match started {
            Ok(job) => job,
            Err(errno) => {
                self.tell(&format!("cannot unload {name}: {errno}"));
                return false;
            }
        };
        loop {
            match self.shell.wait_for(cx, &job) {
                JobEnd::Done(status) => return status == 0,
                JobEnd::Died => {
                    let why = format!("unloading {name} failed: its exit function was killed");
                    return self.not_unloaded(&why);
                }
                JobEnd::Hung => {
                    self.shell.report_hung(cx, &job);
                    let why = format!("{name} is not unloaded: its exit function hangs");
                    return self.not_unloaded(&why);
                }
                // Unloading is what an interrupted run does anyway.
                JobEnd::Interrupted => {
                    let _ = self.shell.take_signal(cx);
                }
            }
        }
    }

    /// Waits for an rmmod or insmod that is under way.
    fn wait_until_gone(&self, cx: &Cx<'_>, name: &str, state: State) -> bool {
        let deadline = match cx.kernel.hung_task_seconds() {
            0 => Nanos::NEVER,
            seconds => cx.kernel.uptime() + Nanos(seconds.saturating_mul(Nanos::SECOND.0)),
        };
        let is_same = || cx.kernel.find_module(name).is_some_and(|m| m.state() == state);
        while is_same() && cx.kernel.uptime() < deadline {
            cx.kernel.sleep_for(cx, LOOK_EVERY, TASK_UNINTERRUPTIBLE);
        }
        if !is_same() {
            return true;
        }
        let what = if state == State::Going { "exit" } else { "init" };
        self.not_unloaded(&format!("{name} is not unloaded: its {what} function hangs"))
    }

    /// Says so and returns false.
    fn not_unloaded(&self, text: &str) -> bool {
        self.tell(text);
        self.call_for(status::BUG);
        false
    }
}
