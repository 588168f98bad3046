//! Time: sleeping, delays, clocks (Linux: linux/delay.h, linux/hrtimer.h, linux/timekeeping.h).

use kthreads_base::Nanos;
use kthreads_kernel::Errno;
use kthreads_kernel::task::state::TASK_RUNNING;

use crate::object::Out;

const HRTIMER_MODE_RELATIVE: u32 = 1;
const OFFSET_BOOT: u32 = 1;

export! {
    fn msleep(cx, milliseconds: u32) {
        cx.kernel.msleep(cx, milliseconds);
    }

    fn msleep_interruptible(cx, milliseconds: u32) -> u64 {
        u64::from(cx.kernel.msleep_interruptible(cx, milliseconds))
    }

    fn usleep_range_state(cx, min: u64, _max: u64, state: u32) {
        cx.kernel.sleep_for(cx, Nanos::from_micros(min), state);
    }

    fn udelay(cx, microseconds: u64) {
        cx.kernel.delay(cx, Nanos::from_micros(microseconds));
    }

    fn ndelay(cx, nanoseconds: u64) {
        cx.kernel.delay(cx, Nanos(nanoseconds));
    }

    fn schedule_hrtimeout_range(cx, expires: Out<i64>, _delta: u64, mode: u32) -> i32 {
        if expires.is_null() {
            cx.kernel.schedule(cx);
            return Errno::EINTR.to_c();
        }
        let expires = expires.read();
        if expires == 0 {
            cx.task.set_state(TASK_RUNNING);
            return 0;
        }
        let at = Nanos(expires.max(0) as u64);
        let relative = mode & HRTIMER_MODE_RELATIVE != 0;
        let deadline = if relative { cx.kernel.uptime() + at } else { at };
        let expired = cx.kernel.schedule_until(cx, deadline);
        cx.task.set_state(TASK_RUNNING);
        if expired { 0 } else { Errno::EINTR.to_c() }
    }

    fn ktime_get(cx) -> u64 {
        cx.kernel.uptime().0
    }

    fn ktime_get_with_offset(cx, offset: u32) -> u64 {
        if offset == OFFSET_BOOT { cx.kernel.uptime().0 } else { cx.kernel.wall_clock().0 }
    }

    fn si_meminfo(cx, info: Out<SysInfo>) {
        const PAGE: u64 = 4096;
        let memory = cx.kernel.machine().memory();
        let old = info.read();
        info.set(SysInfo {
            total: memory.total / PAGE,
            free: memory.free / PAGE,
            shared: 0,
            buffers: 0,
            total_high: 0,
            free_high: 0,
            unit: PAGE as u32,
            ..old
        });
    }
}

/// C's `struct sysinfo`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct SysInfo {
    uptime: i64,
    loads: [u64; 3],
    total: u64,
    free: u64,
    shared: u64,
    buffers: u64,
    total_swap: u64,
    free_swap: u64,
    procs: u16,
    pad: u16,
    total_high: u64,
    free_high: u64,
    unit: u32,
}

exports! {
    "msleep" => msleep, Any;
    "msleep_interruptible" => msleep_interruptible, Any;
    "usleep_range_state" => usleep_range_state, Any;
    "__udelay" => udelay, Any;
    "__ndelay" => ndelay, Any;
    "schedule_hrtimeout_range" => schedule_hrtimeout_range, GplOnly;
    "ktime_get" => ktime_get, GplOnly;
    "ktime_get_with_offset" => ktime_get_with_offset, GplOnly;
    "ktime_get_raw" => ktime_get, GplOnly;
    "sched_clock" => ktime_get, Any;
    "get_cycles" => ktime_get, Local;
    "si_meminfo" => si_meminfo, Any;
}
