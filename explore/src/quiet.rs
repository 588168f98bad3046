//! Panics that are expected to be many: kept, not printed.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IS_QUIET.get() && !kthreads_base::on_kernel_stack() {
                keep(info);
            } else {
                before(info);
            }
        }));
    });
}

fn keep(info: &PanicHookInfo<'_>) {
    let text = info.payload();
    let text = text.downcast_ref::<String>().map(String::as_str).or(text.downcast_ref().copied());
    let place = info.location().map(|place| format!(" ({place})")).unwrap_or_default();
    LAST.set(Some(format!("{}{place}", text.unwrap_or("a value that is no text"))));
}

/// Calls `body`; if it panics, returns the message and the place, and prints nothing.
pub(crate) fn catch(body: impl FnOnce()) -> Result<(), String> {
    install();
    let before = IS_QUIET.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    IS_QUIET.set(before);
    result.map_err(|_| LAST.take().unwrap_or_default())
}
