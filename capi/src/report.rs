//! WARN, BUG and might_sleep (Linux: linux/bug.h, linux/kernel.h).

use kthreads_kernel::format::FixedText;
use kthreads_kernel::log::Level;
use kthreads_kernel::module::SymbolAt;
use kthreads_kernel::report::TAINT_WARN;
use kthreads_kernel::{Cx, log};

use crate::object::{Ptr, str_of};
use crate::va_list::VaPtr;

/// Logs where a warning comes from, as `%pS` has it.
fn print_place(cx: &Cx<'_>, file: &str, line: i32, function: &str, address: usize) {
    use core::fmt::Write;
    let (cpu, pid) = (cx.cpu(), cx.task.pid());
    let mut symbol = FixedText::<160>::new();
    cx.kernel.with_symbol(address, &mut |at| {
        let SymbolAt { name, offset, size, module, .. } = at;
        // A name that is too long is cut.
        let _ = write!(symbol, "{name}+{offset:#x}/{size:#x} [{module}]");
    });
    let place = if symbol.is_empty() { function } else { symbol.as_str() };
    log!(cx, Level::Warning, "WARNING: CPU: {cpu} PID: {pid} at {file}:{line} {place}");
}

export! {
    fn vwarn_at(cx, file: Ptr<u8>, line: i32, function: Ptr<u8>, fmt: Ptr<u8>, args: VaPtr) {
        cx.kernel.count_bug();
        log!(cx, Level::Warning, "------------[ cut here ]------------");
        let address = args.get().return_address();
        if fmt.address() != 0 {
            let message = crate::print::message(fmt, args.get());
            cx.kernel.printk(cx, message.as_bytes());
        }
        print_place(cx, str_of(file), line, str_of(function), address);
        cx.kernel.add_taint(TAINT_WARN);
        cx.kernel.dump_stack(cx);
        log!(cx, Level::Warning, "---[ end trace 0000000000000000 ]---");
    }

    fn might_sleep(cx, file: Ptr<u8>, line: i32) {
        cx.kernel.might_sleep_at(cx, str_of(file), line as u32);
    }
}

export_noreturn! {
    fn bug_at(cx, file: Ptr<u8>, line: i32, _function: Ptr<u8>) {
        cx.kernel.bug(cx, str_of(file), line as u32)
    }
}

variadic!(warn_at, 4, "r8" => vwarn_at);

exports! {
    "__warn_at" => warn_at, Local;
    "__bug_at" => bug_at, Local;
    "__might_sleep" => might_sleep, Any;
}
