//! How a function becomes an export.
//!
//! Every export is made by one of two macros. [`export!`] (and [`hot_export!`], for what is called
//! most) makes one that acts on the running task: its body gets `cx`, a Rust panic in it ends the
//! thread with an oops, and at its end pending interrupts are taken and another task gets the CPU
//! if it should have it. [`leaf!`] makes one that only computes, or that handles locks and
//! interrupt flags and so says itself where it may be interrupted; it does not panic.
//!
//! Nothing is ever unwound into C: the `unwind` feature catches a panic here; without it, the
//! machine's panic handler ends the thread.

use kthreads_base::cpu::with_current_unchecked;
#[cfg(feature = "unwind")]
use kthreads_base::with_current;
use kthreads_base::{Current, module_point_of};
use kthreads_kernel::task::TaskPin;
use kthreads_kernel::{Cx, Kernel};

/// Who may link to an export (Linux: EXPORT_SYMBOL, EXPORT_SYMBOL_GPL).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum License {
    /// Every module.
    Any,
    /// Modules with a licence that is compatible with the GPL.
    GplOnly,
    /// Every module; Linux 6.1 has no export of that name (a name of the headers, or an old one).
    Local,
}

/// An exported function.
#[derive(Clone, Copy)]
pub struct Export {
    /// Its name.
    pub name: &'static str,
    /// Where it begins.
    pub(crate) function: *const (),
    /// Who may link to it.
    pub license: License,
}

// SAFETY: the pointer is the address of a function, which is read by nobody.
unsafe impl Sync for Export {}

impl Export {
    /// Where the function begins.
    pub fn address(&self) -> usize {
        self.function as usize
    }
}

/// What a name resolves to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The address.
    pub address: usize,
    /// Who may link to it.
    pub license: License,
}

/// Runs the body of an export as the running task.
#[inline(always)]
pub(crate) fn run<R>(body: impl FnOnce(&Cx<'_>) -> R) -> R {
    guarded(|| {
        as_current(|kernel, task, head| {
            let result = body(&kernel.cx_as(head, task));
            module_point_of(head);
            result
        })
    })
}

/// As [`run`], with code of its own for threads that nobody observes, in which points and notes cost
/// nothing. For what is called most.
#[inline(always)]
pub(crate) fn run_hot<R>(body: impl Fn(&Cx<'_>) -> R) -> R {
    guarded(|| {
        as_current(|kernel, task, head| {
            let Some(head) = head.unobserved() else {
                return run_observed(&kernel.cx_as(head, task), body);
            };
            let result = body(&kernel.cx_as(head, task));
            module_point_of(head);
            result
        })
    })
}

#[inline(always)]
fn as_current<R>(body: impl FnOnce(&Kernel, TaskPin<'_>, Current) -> R) -> R {
    // SAFETY: modules call this, whose code runs on kernel stacks only, in the kernel that has
    // loaded them; all threads of a Kernel are Tasks, in slots that live as long as it.
    unsafe { with_current_unchecked(body) }
}

#[cold]
#[inline(never)]
fn run_observed<R>(cx: &Cx<'_>, body: impl Fn(&Cx<'_>) -> R) -> R {
    let result = body(cx);
    cx.module_point();
    result
}

#[cfg(feature = "unwind")]
#[inline(always)]
fn guarded<R>(body: impl FnOnce() -> R) -> R {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)) {
        Ok(result) => result,
        Err(payload) => die(payload),
    }
}

#[cfg(not(feature = "unwind"))]
#[inline(always)]
fn guarded<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// Ends the thread after a panic, whose message the machine knows how to read.
#[cfg(feature = "unwind")]
#[cold]
#[inline(never)]
fn die(payload: alloc::boxed::Box<dyn core::any::Any + Send>) -> ! {
    with_current(|kernel: &Kernel, _| {
        let mut payload = Some(payload);
        let message = kernel.machine().catch(&mut || {
            if let Some(payload) = payload.take() {
                std::panic::resume_unwind(payload);
            }
        });
        let message = message.err().unwrap_or_default();
        kernel.die_of_panic(&kernel.cx(), &message)
    })
}

/// The address that the export which runs returns to, 0 if that is not known. To be called by the
/// export's function itself.
#[inline(always)]
pub(crate) fn caller() -> usize {
    kthreads_base::frames::Place::here().return_address()
}

/// Makes exports that act on the running task: `fn name(cx, argument: Type) -> Result { .. }`.
/// With `fn name(cx from caller, ..)`, `caller` is the address they return to.
macro_rules! export {
    ($(
        $(#[$meta:meta])*
        fn $name:ident($cx:ident $(from $caller:ident)? $(, $arg:ident: $type:ty)* $(,)?)
            $(-> $ret:ty)? $body:block
    )*) => { $(
        $(#[$meta])*
        pub(crate) extern "C" fn $name($($arg: $type),*) $(-> $ret)? {
            $(let $caller = $crate::export::caller();)?
            $crate::export::run(|$cx: &kthreads_kernel::Cx<'_>| $body)
        }
    )* };
}

/// As [`export!`], for what is called most: see [`run_hot`].
macro_rules! hot_export {
    ($(
        $(#[$meta:meta])*
        fn $name:ident($cx:ident $(, $arg:ident: $type:ty)* $(,)?) $(-> $ret:ty)? $body:block
    )*) => { $(
        $(#[$meta])*
        pub(crate) extern "C" fn $name($($arg: $type),*) $(-> $ret)? {
            #[inline(always)]
            fn body($cx: &kthreads_kernel::Cx<'_> $(, $arg: $type)*) $(-> $ret)? $body
            $crate::export::run_hot(move |cx| body(cx $(, $arg)*))
        }
    )* };
}

/// Makes exports that never return.
macro_rules! export_noreturn {
    ($(
        $(#[$meta:meta])*
        fn $name:ident($cx:ident $(, $arg:ident: $type:ty)* $(,)?) $body:block
    )*) => { $(
        $(#[$meta])*
        pub(crate) extern "C" fn $name($($arg: $type),*) -> ! {
            match $crate::export::run(|$cx: &kthreads_kernel::Cx<'_>| -> core::convert::Infallible {
                $body
            }) {}
        }
    )* };
}

/// Makes exports that neither need the running task nor are points of interruption.
macro_rules! leaf {
    ($(
        $(#[$meta:meta])*
        fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)? $body:block
    )*) => { $(
        $(#[$meta])*
        pub(crate) extern "C" fn $name($($arg: $type),*) $(-> $ret)? $body
    )* };
}

/// Makes exports that also learn where they were called from: `name, "rsi" => target;` calls
/// `target` with the return address in the register of the argument after the last.
macro_rules! with_caller {
    ($($name:ident, $register:literal => $target:path;)*) => { $(
        // SAFETY: all registers but that of an argument nobody gave, and the stack, are those of
        // the call, so the target finds its arguments and returns to the caller.
        #[unsafe(naked)]
        pub(crate) extern "C" fn $name() {
            core::arch::naked_asm!(
                concat!("mov ", $register, ", [rsp]"),
                "jmp {target}",
                target = sym $target,
            )
        }
    )* };
}

/// Makes the table of a file's exports: `"name" => function, Licence;`.
macro_rules! exports {
    ($($name:literal => $function:path, $license:ident;)*) => {
        pub(crate) static EXPORTS: &[$crate::export::Export] = &[$(
            $crate::export::Export {
                name: $name,
                function: $function as *const (),
                license: $crate::export::License::$license,
            },
        )*];
    };
}
