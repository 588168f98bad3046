//! What modules do with modules: references, and memory for each CPU.

use kthreads_kernel::Cx;
use kthreads_kernel::heap::Kind;
use kthreads_kernel::log;
use kthreads_kernel::log::Level;
use kthreads_kernel::module::Module;

use alloc::sync::Arc;

use crate::heap;
use crate::object::touch;

/// The module whose `struct module` is at an address: None for NULL, and, with a report, for what
/// is no module.
fn module(cx: &Cx<'_>, address: usize, what: &str) -> Option<Arc<Module>> {
    if address == 0 {
        return None;
    }
    touch(address);
    let module = cx.kernel.module_at(address);
    if module.is_none() {
        cx.kernel.count_bug();
        log!(cx, Level::Error, "kthreads: {what} of {address:#x}, which is no loaded module");
        cx.kernel.dump_stack(cx);
    }
    module
}

fn put(cx: &Cx<'_>, address: usize) {
    let Some(module) = module(cx, address, "module_put") else { return };
    if !module.put() {
        cx.kernel.warn(cx, "module_put");
    }
}

export! {
    fn try_module_get(cx, address: usize) -> bool {
        address == 0 || module(cx, address, "try_module_get").is_some_and(|module| module.try_get())
    }

    fn module_put(cx, address: usize) {
        put(cx, address);
    }

    fn __module_get(cx, address: usize) {
        if let Some(module) = module(cx, address, "__module_get") {
            module.get();
        }
    }

    fn module_refcount(cx, address: usize) -> i32 {
        module(cx, address, "module_refcount").map_or(0, |module| module.refcount())
    }

    fn alloc_percpu_from(cx, size: usize, align: usize, place: usize) -> usize {
        let Some(address) = cx.kernel.alloc_per_cpu(size, align) else { return 0 };
        if !heap::enter(cx, Kind::PerCpu, address, size, place) {
            cx.kernel.free_per_cpu(address);
            return 0;
        }
        address
    }

    fn free_percpu(cx, address: usize) {
        if address == 0 {
            return;
        }
        if let Some((index, record)) = cx.kernel.block_at(address) {
            cx.kernel.strike_block(index, record);
        }
        if !cx.kernel.free_per_cpu(address) {
            cx.kernel.count_bug();
            log!(cx, Level::Error, "kthreads: free_percpu of {address:#x}, which is not allocated");
            cx.kernel.dump_stack(cx);
        }
    }
}

export_noreturn! {
    fn __module_put_and_kthread_exit(cx, address: usize, code: i64) {
        put(cx, address);
        cx.kernel.kthread_exit(cx, code)
    }
}

with_caller! {
    __alloc_percpu, "rdx" => alloc_percpu_from;
}

exports! {
    "try_module_get" => try_module_get, Any;
    "module_put" => module_put, Any;
    "__module_get" => __module_get, Any;
    "module_refcount" => module_refcount, Any;
    "__module_put_and_kthread_exit" => __module_put_and_kthread_exit, Any;
    "__alloc_percpu" => __alloc_percpu, GplOnly;
    "free_percpu" => free_percpu, GplOnly;
}
