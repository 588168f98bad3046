//! Threads that are ended because their module was unloaded, in the middle of what others take part
//! in: they see that through.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kthreads_base::{module_point, with_current};
use kthreads_kernel::audit::When;
use kthreads_kernel::kthread::Node;
use kthreads_kernel::module::{Image, ImageSymbol, Module, NewModule, Vacancy};
use kthreads_kernel::sync::WorkerThread;
use kthreads_kernel::task::ThreadFn;
use kthreads_kernel::{Cx, Kernel};

use super::{Case, until};

pub(super) const CASES: &[Case] = &[
    Case { name: "who is ended while it makes a thread takes the answer", run: in_create },
    Case { name: "who is ended while it flushes works sees them done", run: in_flush },
];

/// A module that is one function.
struct OneFunction(usize);

impl Image for OneFunction {
    fn base(&self) -> usize {
        self.0
    }

    fn size(&self) -> usize {
        1
    }

    fn contains(&self, address: usize) -> bool {
        address == self.0
    }

    fn contains_text(&self, address: usize) -> bool {
        address == self.0
    }

    fn symbolize(&self, _: usize, _: &mut dyn FnMut(&str, usize, usize)) -> bool {
        false
    }

    fn symbols(&self) -> Vec<ImageSymbol> {
        Vec::new()
    }
}

/// Has a thread run `function`, and unloads that.
fn run_and_unload(cx: &Cx<'_>, function: ThreadFn) {
    let kernel = cx.kernel;
    let (can_be_unloaded, taints) = (true, 0);
    let name = String::from("one_function");
    let module = NewModule { name, parameters: Default::default(), can_be_unloaded, taints };
    let image: Arc<dyn Image> = Arc::new(OneFunction(function as usize));
    let task = kernel.kthread_create_on_node(cx, function, 0, Node::ANY, "stays");
    kernel.wake_up_process(task.expect("a thread"));
    cx.sleep(8);
    assert_eq!(kernel.leave_module(cx, &Module::new(module), &image), Vacancy::Empty);
}

/// Calls `body` with a tick between, as a module's function, until the module is unloaded.
fn each_tick(body: impl Fn(&Cx<'_>)) -> i32 {
    with_current(|kernel: &Kernel, _| {
        let cx = kernel.cx();
        loop {
            cx.sleep(4);
            body(&cx);
            module_point();
        }
    })
}

fn in_create(cx: &Cx<'_>) {
    extern "C" fn function(_: usize) -> i32 {
        each_tick(|cx| {
            if let Ok(thread) = cx.create("child", |_| ()) {
                thread.stop(cx);
            }
        })
    }
    let tasks = cx.kernel.task_count();
    run_and_unload(cx, function);
    until(cx, || cx.kernel.task_count() == tasks && cx.kernel.books().requests == 0);
}

fn in_flush(cx: &Cx<'_>) {
    extern "C" fn function(_: usize) -> i32 {
        with_current(|kernel: &Kernel, _| {
            let cx = kernel.cx();
            let worker = WorkerThread::new(&cx, "works").expect("a worker");
            let work = worker.work(&cx, |cx| cx.sleep(4));
            each_tick(|cx| {
                work.queue(cx);
                worker.flush(cx);
            })
        })
    }
    run_and_unload(cx, function);
    let found = cx.kernel.audit(When::Anytime);
    assert!(found.is_empty(), "{found:#?}");
}
