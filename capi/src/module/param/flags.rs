//! Parameters that are yes or no.

use alloc::vec::Vec;

use kthreads_kernel::Errno;
use kthreads_kernel::format::kstrtobool;

use super::numbers::param_get_int;
use super::{
    KernelParam, KernelParamOps, OPS_NO_ARGUMENT, put_line, read_at, to_c, value_of, write_at,
};
use crate::module::table::KernelExport;
use crate::object::Ptr;

/// Reads a yes or no; no value at all is a yes.
fn parse(val: Ptr<u8>) -> Result<bool, Errno> {
    kstrtobool(value_of(val).unwrap_or(b"1")).map_err(|error| Errno::from_raw(error.errno()))
}

/// A variable of C's type bool, whatever number stands in it.
fn is_set(kp: Ptr<KernelParam>) -> bool {
    read_at::<u8>(kp.get().arg) != 0
}

export! {
    fn param_set_bool(_cx, val: Ptr<u8>, kp: Ptr<KernelParam>) -> i32 {
        to_c(parse(val).map(|yes| write_at(kp.get().arg, yes)))
    }

    fn param_get_bool(_cx, page: usize, kp: Ptr<KernelParam>) -> i32 {
        put_line(page, if is_set(kp) { b"Y" } else { b"N" })
    }

    fn param_set_invbool(_cx, val: Ptr<u8>, kp: Ptr<KernelParam>) -> i32 {
        to_c(parse(val).map(|yes| write_at(kp.get().arg, !yes)))
    }

    fn param_get_invbool(_cx, page: usize, kp: Ptr<KernelParam>) -> i32 {
        put_line(page, if is_set(kp) { b"N" } else { b"Y" })
    }

    fn param_set_bint(_cx, val: Ptr<u8>, kp: Ptr<KernelParam>) -> i32 {
        to_c(parse(val).map(|yes| write_at(kp.get().arg, i32::from(yes))))
    }
}

#[expect(non_upper_case_globals, reason = "named as C does")]
static param_ops_bool: KernelParamOps = KernelParamOps {
    flags: OPS_NO_ARGUMENT,
    set: Some(param_set_bool),
    get: Some(param_get_bool),
    free: None,
};

/// Linux wants a value for this one.
#[expect(non_upper_case_globals, reason = "named as C does")]
static param_ops_invbool: KernelParamOps = KernelParamOps {
    flags: 0,
    set: Some(param_set_invbool),
    get: Some(param_get_invbool),
    free: None,
};

#[expect(non_upper_case_globals, reason = "named as C does")]
static param_ops_bint: KernelParamOps = KernelParamOps {
    flags: OPS_NO_ARGUMENT,
    set: Some(param_set_bint),
    get: Some(param_get_int),
    free: None,
};

/// The tables, by name.
pub(super) fn tables() -> Vec<KernelExport> {
    [
        KernelExport::data("param_ops_bool", &raw const param_ops_bool as usize),
        KernelExport::data("param_ops_invbool", &raw const param_ops_invbool as usize),
        KernelExport::data("param_ops_bint", &raw const param_ops_bint as usize),
    ]
    .into()
}

exports! {
    "param_set_bool" => param_set_bool, Any;
    "param_get_bool" => param_get_bool, Any;
    "param_set_invbool" => param_set_invbool, Any;
    "param_get_invbool" => param_get_invbool, Any;
    "param_set_bint" => param_set_bint, Any;
    "param_get_bint" => param_get_int, Local;
}
