//! kthread_worker (Linux: linux/kthread.h).

use core::pin::Pin;

use kthreads_kernel::heap::Kind;
use kthreads_kernel::kthread::{DelayedWork, Work, Worker, delayed_work_timer_fn};
use kthreads_kernel::{Cx, Errno};

use crate::heap::{self, Freeing};
use crate::object::{Ptr, error_pointer};
use crate::va_list::VaPtr;

/// Makes a worker and its thread, bound to `cpu` unless that is negative.
fn create(cx: &Cx<'_>, cpu: i32, flags: u32, fmt: Ptr<u8>, args: VaPtr) -> usize {
    let place = args.get().return_address();
    let (kind, fill) = (Kind::Worker, heap::Fill::Zero);
    let memory = heap::allocate(cx, kind, size_of::<Worker>(), fill, place);
    if memory == 0 {
        return error_pointer(Errno::ENOMEM);
    }
    let worker: Pin<&Worker> = Ptr::at(memory).pin();
    worker.init(flags);
    let made = crate::kthread::create(cx, kthread_worker_fn, memory, fmt, args.get());
    let task = match made {
        Ok(task) => task,
        Err(errno) => {
            heap::free(cx, memory, Freeing { who: "kthread_create_worker", place });
            return error_pointer(errno);
        }
    };
    if let Ok(cpu) = u32::try_from(cpu) {
        cx.kernel.kthread_bind(cx, task, cpu);
    }
    worker.set_task(task.address());
    cx.kernel.wake_up_process(task);
    memory
}

/// The lock validator learns that the function of the work at an address may be waited for.
fn note_wait(cx: &Cx<'_>, work: usize) {
    cx.kernel.note_wait_for_function(&cx.task.head, work);
}

hot_export! {
    fn kthread_flush_work(cx, work: Ptr<Work>) {
        note_wait(cx, work.address());
        cx.kernel.flush_work(cx, work.pin());
    }

    fn kthread_queue_work(cx, worker: Ptr<Worker>, work: Ptr<Work>) -> bool {
        cx.kernel.queue_work_as(cx, worker.pin(), work.pin())
    }
}

export! {
    fn init_worker(_cx, worker: Ptr<Worker>, _name: Ptr<u8>, _key: usize) {
        worker.pin().init(0);
    }

    fn kthread_worker_fn(cx, worker: usize) -> i32 {
        cx.kernel.worker_main(cx, Ptr::at(worker).pin())
    }

    fn vcreate_worker(cx, flags: u32, fmt: Ptr<u8>, args: VaPtr) -> usize {
        create(cx, -1, flags, fmt, args)
    }

    fn vcreate_worker_on_cpu(cx, cpu: i32, flags: u32, fmt: Ptr<u8>, args: VaPtr) -> usize {
        create(cx, cpu, flags, fmt, args)
    }

    fn kthread_destroy_worker_from(cx, worker: Ptr<Worker>, place: usize) {
        if cx.kernel.task_at(worker.get().task()).is_none() {
            // As Linux: a worker whose thread is gone is not freed.
            return cx.kernel.warn(cx, "kthread_destroy_worker of a worker without a thread");
        }
        cx.kernel.stop_worker(cx, worker.pin());
        heap::free(cx, worker.address(), Freeing { who: "kthread_destroy_worker", place });
    }

    fn kthread_queue_delayed_work(
        cx,
        worker: Ptr<Worker>,
        work: Ptr<DelayedWork>,
        delay: u64,
    ) -> bool {
        cx.kernel.queue_delayed_work(worker.pin(), work.pin(), delay)
    }

    fn kthread_mod_delayed_work(
        cx,
        worker: Ptr<Worker>,
        work: Ptr<DelayedWork>,
        delay: u64,
    ) -> bool {
        cx.kernel.mod_delayed_work(worker.pin(), work.pin(), delay)
    }

    fn kthread_flush_worker(cx, worker: Ptr<Worker>) {
        cx.kernel.flush_worker(cx, worker.pin());
    }

    fn kthread_cancel_work_sync(cx, work: Ptr<Work>) -> bool {
        note_wait(cx, work.address());
        cx.kernel.cancel_work_sync(cx, work.pin())
    }

    fn kthread_cancel_delayed_work_sync(cx, work: Ptr<DelayedWork>) -> bool {
        note_wait(cx, work.address());
        cx.kernel.cancel_delayed_work_sync(cx, work.pin())
    }
}

variadic!(kthread_create_worker, 2, "rdx" => vcreate_worker);
variadic!(kthread_create_worker_on_cpu, 3, "rcx" => vcreate_worker_on_cpu);

with_caller! {
    kthread_destroy_worker, "rsi" => kthread_destroy_worker_from;
}

exports! {
    "__kthread_init_worker" => init_worker, GplOnly;
    "kthread_worker_fn" => kthread_worker_fn, GplOnly;
    "kthread_create_worker" => kthread_create_worker, Any;
    "kthread_create_worker_on_cpu" => kthread_create_worker_on_cpu, Any;
    "kthread_destroy_worker" => kthread_destroy_worker, Any;
    "kthread_queue_work" => kthread_queue_work, GplOnly;
    "kthread_queue_delayed_work" => kthread_queue_delayed_work, GplOnly;
    "kthread_mod_delayed_work" => kthread_mod_delayed_work, GplOnly;
    "kthread_flush_work" => kthread_flush_work, GplOnly;
    "kthread_flush_worker" => kthread_flush_worker, GplOnly;
    "kthread_cancel_work_sync" => kthread_cancel_work_sync, GplOnly;
    "kthread_cancel_delayed_work_sync" => kthread_cancel_delayed_work_sync, GplOnly;
    "kthread_delayed_work_timer_fn" => delayed_work_timer_fn, Any;
}
