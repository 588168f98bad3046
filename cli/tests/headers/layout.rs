//! C assertions made from the Rust types: what Rust lets others see of them.

use std::mem::{align_of, offset_of, size_of};

use kthreads_base::{Head, Link, RawSpinLock};
use kthreads_kernel::kthread::{DelayedWork, Work, Worker};
use kthreads_kernel::log::RateLimit;
use kthreads_kernel::time::Timer;
use kthreads_kernel::wait::{Completion, Mutex, Semaphore, WaitEntry, WaitQueueHead};

/// Size and alignment of each pair of types.
macro_rules! types {
    ($($c:literal = $rust:ty;)*) => {
        [$(format!(
            "SIZE({0}, {1});\nALIGNMENT({0}, {2});\n",
            $c, size_of::<$rust>(), align_of::<$rust>(),
        )),*]
    };
}

/// Where the fields of a type are.
macro_rules! fields {
    ($c:literal = $rust:ty: $($c_field:ident = $field:ident)*) => {
        [$(format!(
            "OFFSET({}, {}, {});\n",
            $c, stringify!($c_field), offset_of!($rust, $field),
        )),*]
    };
}

/// The text of a header with all assertions.
pub(crate) fn asserts() -> String {
    let types = types! {
        "struct list_head" = Link;
        "struct hlist_node" = Link;
        "raw_spinlock_t" = RawSpinLock;
        "spinlock_t" = RawSpinLock;
        "struct wait_queue_head" = WaitQueueHead;
        "struct completion" = Completion;
        "struct mutex" = Mutex;
        "struct semaphore" = Semaphore;
        "struct wait_queue_entry" = WaitEntry;
        "struct timer_list" = Timer;
        "struct kthread_worker" = Worker;
        "struct kthread_work" = Work;
        "struct kthread_delayed_work" = DelayedWork;
        "struct ratelimit_state" = RateLimit;
    };
    let magic = format!(
        "_Static_assert(__COMPLETION_MAGIC == {}, \"completion\");\n\
         _Static_assert(__MUTEX_MAGIC == {}, \"mutex\");\n\
         _Static_assert(__SEMAPHORE_MAGIC == {}, \"semaphore\");\n",
        Completion::MAGIC,
        Mutex::MAGIC,
        Semaphore::MAGIC,
    );
    [types.concat(), task().concat(), magic].concat()
}

/// C sees only the beginning of a task.
fn task() -> [String; 38] {
    fields! { "struct task_struct" = Head:
        thread_info = ti_flags
        __state = state
        __preempt_count = preempt_count
        __irqs_off = irqs_off
        flags = flags
        __index = index
        pid = pid
        tgid = tgid
        comm = comm
        mm = mm
        active_mm = active_mm
        parent = parent
        real_parent = real_parent
        group_leader = group_leader
        prio = prio
        static_prio = static_prio
        normal_prio = normal_prio
        rt_priority = rt_priority
        policy = policy
        exit_code = exit_code
        exit_state = exit_state
        exit_signal = exit_signal
        nr_cpus_allowed = nr_cpus_allowed
        on_cpu = on_cpu
        cpus_ptr = cpus_ptr
        cpus_mask = cpus_mask
        nvcsw = nvcsw
        nivcsw = nivcsw
        utime = utime
        stime = stime
        start_time = start_time
        stack = stack
        blocked = blocked
        sighand = sighand
        signal = signal
        nsproxy = nsproxy
        journal_info = journal_info
        usage = usage
    }
}
