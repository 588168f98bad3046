//! Arming timers (Linux: mod_timer and what is around it), with the CPU's clock kept right.

use core::pin::Pin;

use super::{AlreadyPending, Attempt, Jiffies, Timer};
use crate::Kernel;

impl Kernel {
    /// Arms a timer for `expires`; returns whether it was pending (Linux: mod_timer).
    pub fn mod_timer(&self, timer: Pin<&Timer>, expires: Jiffies) -> bool {
        self.check_timer_armed(timer.get_ref());
        self.timer_armed(self.timers.modify(timer, expires, self.here()))
    }

    /// Changes the expiry of a timer that is pending (Linux: mod_timer_pending).
    pub fn mod_timer_pending(&self, timer: Pin<&Timer>, expires: Jiffies) -> bool {
        self.check_timer_armed(timer.get_ref());
        self.timer_armed(self.timers.modify_pending(timer, expires, self.here()))
    }

    /// Makes a timer expire earlier, never later (Linux: timer_reduce).
    pub fn reduce_timer(&self, timer: Pin<&Timer>, expires: Jiffies) -> bool {
        self.check_timer_armed(timer.get_ref());
        self.timer_armed(self.timers.reduce(timer, expires, self.here()))
    }

    /// Arms a timer for the expiry it has (Linux: add_timer).
    ///
    /// # Errors
    ///
    /// AlreadyPending when it is; Linux warns.
    pub fn add_timer(&self, timer: Pin<&Timer>) -> Result<(), AlreadyPending> {
        self.check_timer_armed(timer.get_ref());
        self.timers.add(timer, self.here()).map(|armed| {
            self.timer_armed(armed);
        })
    }

    /// Arms a timer for the expiry it has, on that CPU (Linux: add_timer_on).
    ///
    /// # Errors
    ///
    /// As [`add_timer`](Kernel::add_timer).
    pub fn add_timer_on(&self, timer: Pin<&Timer>, cpu: u32) -> Result<(), AlreadyPending> {
        self.check_timer_armed(timer.get_ref());
        let on = super::Here { cpu, ..self.here() };
        self.timers.add_on(timer, on).map(|armed| {
            self.timer_armed(armed);
        })
    }

    /// Disarms a timer; returns whether it was pending (Linux: del_timer).
    pub fn del_timer(&self, timer: &Timer) -> bool {
        self.timers.delete(timer)
    }

    /// Disarms a timer and waits for its function (Linux: del_timer_sync).
    pub fn del_timer_sync(&self, timer: &Timer) -> bool {
        self.timers.delete_sync(timer, &mut || kthreads_base::current_head().relax())
    }

    /// Disarms a timer unless its function runs (Linux: try_to_del_timer_sync).
    pub fn try_del_timer_sync(&self, timer: &Timer) -> Attempt {
        self.timers.try_delete_sync(timer)
    }

    /// Disarms a timer for good (Linux: timer_shutdown).
    pub fn shutdown_timer(&self, timer: &Timer) -> bool {
        self.timers.shutdown(timer)
    }

    /// Disarms a timer for good and waits for its function (Linux: timer_shutdown_sync).
    pub fn shutdown_timer_sync(&self, timer: &Timer) -> bool {
        self.timers.shutdown_sync(timer, &mut || kthreads_base::current_head().relax())
    }

    /// Disarms every timer that `matches`; returns how many (for what a module leaves behind).
    pub fn detach_timers(&self, matches: &mut dyn FnMut(&Timer) -> bool) -> usize {
        self.timers.detach_where(matches)
    }
}
