//! Parameters that are text: a pointer to a copy of it, or an array that it is copied into.

use alloc::vec::Vec;

use kthreads_kernel::log::Level;
use kthreads_kernel::{Errno, log};

use super::{KernelParam, KernelParamOps, put_line, read_at, value_of, write_at};
use crate::module::table::KernelExport;
use crate::object::{Ptr, text};

/// The longest text that a `char *` parameter takes.
const TEXT_MAX: usize = 1024;

/// C's `struct kparam_string`.
#[repr(C)]
struct KparamString {
    size: u32,
    text: usize,
}

impl KparamString {
    fn of(kp: Ptr<KernelParam>) -> &'static KparamString {
        Ptr::at(kp.get().arg).get()
    }
}

export! {
    fn param_set_charp(cx, val: Ptr<u8>, kp: Ptr<KernelParam>) -> i32 {
        let Some(text) = value_of(val) else { return Errno::EINVAL.to_c() };
        let kp = kp.get();
        if text.len() > TEXT_MAX {
            log!(cx, Level::Error, "{}: string parameter too long", kp.name());
            return Errno::ENOSPC.to_c();
        }
        let old = read_at::<usize>(kp.arg);
        write_at(kp.arg, cx.kernel.keep_text([text, b"\0"].concat()));
        cx.kernel.drop_text(old);
        0
    }

    fn param_get_charp(_cx, page: usize, kp: Ptr<KernelParam>) -> i32 {
        let text = value_of(Ptr::at(read_at(kp.get().arg)));
        put_line(page, text.unwrap_or(b"(null)"))
    }

    fn param_free_charp(cx, arg: usize) {
        cx.kernel.drop_text(read_at(arg));
    }

    fn param_set_copystring(cx, val: Ptr<u8>, kp: Ptr<KernelParam>) -> i32 {
        let Some(text) = value_of(val) else { return Errno::EINVAL.to_c() };
        let string = KparamString::of(kp);
        if text.len() >= string.size as usize {
            let most = string.size.saturating_sub(1);
            let name = kp.get().name();
            log!(cx, Level::Error, "{name}: string doesn't fit in {most} chars.");
            return Errno::ENOSPC.to_c();
        }
        let bytes = text.iter().chain(&[0]).enumerate();
        bytes.for_each(|(offset, byte)| write_at(string.text + offset, *byte));
        0
    }

    fn param_get_string(_cx, page: usize, kp: Ptr<KernelParam>) -> i32 {
        put_line(page, text(Ptr::at(KparamString::of(kp).text)))
    }
}

#[expect(non_upper_case_globals, reason = "named as C does")]
static param_ops_charp: KernelParamOps = KernelParamOps {
    flags: 0,
    set: Some(param_set_charp),
    get: Some(param_get_charp),
    free: Some(param_free_charp),
};

#[expect(non_upper_case_globals, reason = "named as C does")]
static param_ops_string: KernelParamOps = KernelParamOps {
    flags: 0,
    set: Some(param_set_copystring),
    get: Some(param_get_string),
    free: None,
};

/// The tables, by name.
pub(super) fn tables() -> Vec<KernelExport> {
    [
        KernelExport::data("param_ops_charp", &raw const param_ops_charp as usize),
        KernelExport::data("param_ops_string", &raw const param_ops_string as usize),
    ]
    .into()
}

exports! {
    "param_set_charp" => param_set_charp, Any;
    "param_get_charp" => param_get_charp, Any;
    "param_free_charp" => param_free_charp, Any;
    "param_set_copystring" => param_set_copystring, Any;
    "param_get_string" => param_get_string, Any;
}
