//! The way kernel threads were made before kthread_create: kernel_thread and daemonize.

use core::sync::atomic::Ordering;

use crate::task::state::*;
use crate::task::{Spawn, Start, Task, ThreadFn};
use crate::{Cx, Errno, Kernel};

impl Kernel {
    /// Makes a thread of the caller's that runs a C function at once; returns its pid (Linux up
    /// to 3.8: kernel_thread). It is the caller's child, has its name and its signal actions, and
    /// becomes a proper kernel thread only by daemonize. Its function may simply return.
    ///
    /// # Errors
    ///
    /// EAGAIN when there are too many tasks, ENOMEM.
    pub fn kernel_thread(
        &self,
        cx: &Cx<'_>,
        function: ThreadFn,
        data: usize,
        _flags: u64,
    ) -> Result<i32, Errno> {
        let parent = cx.task.get_ref();
        let task = self.spawn(Spawn {
            name: parent.comm().as_str(),
            start: Start::Function(function, data),
            parent,
            flags: parent.flags() & PF_KTHREAD,
            done: None,
        })?;
        let pid = task.pid();
        self.wake_up_new_task(task);
        Ok(pid)
    }

    /// Makes the running task a kernel thread of its own (Linux up to 3.8: daemonize): gives it a
    /// name, lets go of its address space, makes kthreadd its parent, and blocks every signal.
    pub fn daemonize(&self, cx: &Cx<'_>, name: &str) {
        let task = cx.task.get_ref();
        task.set_comm(name);
        task.head.flags.fetch_or(PF_KTHREAD | PF_NOFREEZE, Ordering::Relaxed);
        task.head.mm.store(0, Ordering::Relaxed);
        self.reparent(task, self.kthreadd());
        self.block_all_signals(cx);
    }

    fn reparent(&self, task: &Task, parent: &Task) {
        task.head.parent.store(parent.address(), Ordering::Relaxed);
        task.head.real_parent.store(parent.address(), Ordering::Relaxed);
    }
}
