//! Panics of Rust code on kernel stacks.
//!
//! The kernel tells of them itself, so the hook is silent there and keeps the place for
//! [`catch`], which learns the message from what is unwound. A panic that nobody catches ends the
//! program through a second one; that, and whatever base calls fatal, is told to the end.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Mutex, MutexGuard, Once, OnceLock};

use kthreads_base::{current_head, head};

use crate::{arena, sys};

const FATAL: &str = "kthreads: fatal:";

/// The places of panics under way, by the address of the thread's head.
fn places() -> MutexGuard<'static, HashMap<usize, String>> {
    static PLACES: OnceLock<Mutex<HashMap<usize, String>>> = OnceLock::new();
    let places = PLACES.get_or_init(Mutex::default);
    places.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn this_thread() -> usize {
    std::ptr::from_ref(&*current_head()) as usize
}

/// Installs the hook, once for the process.
pub(crate) fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !head::on_kernel_stack() {
                return previous(info);
            }
            // What is noted outlives the kernel's memory.
            arena::outside(|| note(info));
        }));
    });
}

fn note(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let message = text_of(info.payload());
    let before = places().insert(this_thread(), place.clone());
    if before.is_some() || message.starts_with(FATAL) {
        let before = before.map(|place| format!(" (after a panic at {place})"));
        let line = format!("panic at {place}: {message}{}\n", before.unwrap_or_default());
        sys::write_stderr(line.as_bytes());
    }
}

fn text_of(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a value that is no text")
}

/// Calls `body`; if it panics, returns the message and the place.
pub(crate) fn catch(body: &mut dyn FnMut()) -> Result<(), String> {
    let Err(payload) = panic::catch_unwind(AssertUnwindSafe(body)) else { return Ok(()) };
    let message = text_of(&*payload);
    if !head::on_kernel_stack() {
        return Err(message.to_string());
    }
    let place = arena::outside(|| places().remove(&this_thread()));
    Err(place.map_or(message.to_string(), |place| format!("{message}, {place}")))
}
