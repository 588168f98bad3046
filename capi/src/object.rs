//! C memory, seen from Rust.
//!
//! A pointer from C is whatever C made of it. It is read once before it becomes a reference, so
//! that a bad one faults here, as an oops of the thread, on every machine alike. What an object
//! is at that address is C's word; the types are made of atomics, so that C may do with the
//! fields what it does on Linux.

use core::pin::Pin;

use alloc::boxed::Box;

use kthreads_kernel::Cx;
use kthreads_kernel::task::Task;

/// A pointer from C to a `T`.
#[repr(transparent)]
pub(crate) struct Ptr<T>(*const T);

impl<T> Clone for Ptr<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ptr<T> {}

impl<T> Ptr<T> {
    /// The pointer that stands at an address.
    pub(crate) fn at(address: usize) -> Ptr<T> {
        Ptr(address as *const T)
    }

    /// The address.
    pub(crate) fn address(self) -> usize {
        self.0 as usize
    }

    /// The object.
    #[inline(always)]
    pub(crate) fn get<'a>(self) -> &'a T {
        touch(self.address());
        // SAFETY: C hands over an object of this type that lives and stays during the call, or,
        // where the kernel keeps it, as long as the object's own contract says.
        unsafe { &*self.0 }
    }

    /// The object, pinned: C objects do not move while the kernel knows of them.
    #[inline(always)]
    pub(crate) fn pin<'a>(self) -> Pin<&'a T> {
        // SAFETY: as in `get`; C does not move it meanwhile.
        unsafe { Pin::new_unchecked(self.get()) }
    }

    /// The object, None for NULL.
    pub(crate) fn option<'a>(self) -> Option<&'a T> {
        (!self.0.is_null()).then(|| self.get())
    }
}

/// Reads a byte, so that a bad address faults.
#[inline(always)]
pub(crate) fn touch(address: usize) {
    // SAFETY: a byte of C memory; where there is none, the machine ends the thread.
    let _ = unsafe { core::ptr::read_volatile(address as *const u8) };
}

/// A place of C's that takes a value.
#[repr(transparent)]
pub(crate) struct Out<T>(*mut T);

impl<T> Clone for Out<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Out<T> {}

impl<T> Out<T> {
    /// The place at an address.
    pub(crate) fn at(address: usize) -> Out<T> {
        Out(address as *mut T)
    }

    /// Whether C wants no value.
    pub(crate) fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// Stores a value.
    pub(crate) fn set(self, value: T) {
        // SAFETY: C gives memory for a T; where there is none, the machine ends the thread.
        unsafe { self.0.write_unaligned(value) };
    }
}

impl<T: Copy> Out<T> {
    /// Reads the value that stands there.
    pub(crate) fn read(self) -> T {
        // SAFETY: C gives an initialised T; where there is none, the machine ends the thread.
        unsafe { self.0.read_unaligned() }
    }
}

/// The error pointer of a negative errno (Linux: ERR_PTR).
pub(crate) fn error_pointer(errno: kthreads_kernel::Errno) -> usize {
    errno.to_c() as isize as usize
}

/// The task whose task_struct C names; a report and None if it is gone or never was.
#[inline]
pub(crate) fn task<'k>(cx: &Cx<'k>, pointer: TaskPtr, what: &'static str) -> Option<&'k Task> {
    let found = cx.kernel.task_at(pointer.0);
    if found.is_none() {
        report_no_task(cx, pointer.0, what);
    }
    found
}

/// A `struct task_struct *` of C.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub(crate) struct TaskPtr(pub(crate) usize);

#[cold]
#[inline(never)]
fn report_no_task(cx: &Cx<'_>, address: usize, what: &'static str) {
    touch(address);
    cx.kernel.count_bug();
    let level = kthreads_kernel::log::Level::Error;
    match cx.kernel.slot_at(address) {
        Some(slot) => {
            let (comm, pid) = (slot.comm(), slot.pid());
            kthreads_kernel::log!(
                cx,
                level,
                "kthreads: {what} of a thread that is gone: it was {comm}, pid {pid}"
            );
        }
        None => kthreads_kernel::log!(
            cx,
            level,
            "kthreads: {what} of {address:#x}, which is no task_struct"
        ),
    }
    cx.kernel.dump_stack(cx);
}

/// A C string, as bytes without the NUL.
pub(crate) fn text<'a>(string: Ptr<u8>) -> &'a [u8] {
    let mut len = 0;
    // SAFETY: C strings end with a NUL; where memory ends before, the machine ends the thread.
    while unsafe { string.0.add(len).read() } != 0 {
        len += 1;
    }
    // SAFETY: these bytes have just been read; C leaves them alone during the call.
    unsafe { core::slice::from_raw_parts(string.0, len) }
}

/// A C string as text; what is not UTF-8 is cut off.
pub(crate) fn str_of<'a>(string: Ptr<u8>) -> &'a str {
    text(string).utf8_chunks().next().map_or("", |chunk| chunk.valid())
}

/// Gives a boxed value to C.
pub(crate) fn into_c<T>(value: Box<T>) -> usize {
    Box::into_raw(value) as usize
}

/// Takes back what [`into_c`] gave; the address must come from there and not be used any more.
pub(crate) fn from_c<T>(pointer: Ptr<T>) -> Box<T> {
    // SAFETY: by this function's contract.
    unsafe { Box::from_raw(pointer.0.cast_mut()) }
}
