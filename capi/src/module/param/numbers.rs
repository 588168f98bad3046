//! Parameters that are numbers.

use alloc::format;
use alloc::vec::Vec;

use kthreads_kernel::Errno;
use kthreads_kernel::format::{ParseError, kstrto_signed, kstrto_unsigned};

use super::{KernelParam, KernelParamOps, put_line, read_at, to_c, value_of, write_at};
use crate::module::table::KernelExport;
use crate::object::Ptr;

/// Reads a number of any base and stores it, as kstrtoint and its like do.
fn set<T>(
    val: Ptr<u8>,
    kp: Ptr<KernelParam>,
    parse: fn(&[u8], u32) -> Result<T, ParseError>,
) -> i32 {
    let Some(text) = value_of(val) else { return Errno::EINVAL.to_c() };
    let value = parse(text, 0).map_err(|error| Errno::from_raw(error.errno()));
    to_c(value.map(|value| write_at(kp.get().arg, value)))
}

/// Exports the set function, the get function and the table of each type of number.
macro_rules! numbers {
    ($($type:ty, $parse:path, $format:literal: $set:ident $get:ident $ops:ident;)*) => {
        $(
            export! {
                fn $set(_cx, val: Ptr<u8>, kp: Ptr<KernelParam>) -> i32 {
                    set::<$type>(val, kp, $parse)
                }

                fn $get(_cx, page: usize, kp: Ptr<KernelParam>) -> i32 {
                    let value = read_at::<$type>(kp.get().arg);
                    put_line(page, format!($format, value).as_bytes())
                }
            }

            #[expect(non_upper_case_globals, reason = "named as C does")]
            static $ops: KernelParamOps =
                KernelParamOps { flags: 0, set: Some($set), get: Some($get), free: None };
        )*

        /// The tables, by name.
        pub(super) fn tables() -> Vec<KernelExport> {
            [$(KernelExport::data(stringify!($ops), &raw const $ops as usize)),*].into()
        }
    };
}

numbers! {
    u8, kstrto_unsigned, "{}": param_set_byte param_get_byte param_ops_byte;
    i16, kstrto_signed, "{}": param_set_short param_get_short param_ops_short;
    u16, kstrto_unsigned, "{}": param_set_ushort param_get_ushort param_ops_ushort;
    i32, kstrto_signed, "{}": param_set_int param_get_int param_ops_int;
    u32, kstrto_unsigned, "{}": param_set_uint param_get_uint param_ops_uint;
    i64, kstrto_signed, "{}": param_set_long param_get_long param_ops_long;
    u64, kstrto_unsigned, "{}": param_set_ulong param_get_ulong param_ops_ulong;
    u64, kstrto_unsigned, "{}": param_set_ullong param_get_ullong param_ops_ullong;
    u32, kstrto_unsigned, "{:#08x}": param_set_hexint param_get_hexint param_ops_hexint;
}

exports! {
    "param_set_byte" => param_set_byte, Any;
    "param_get_byte" => param_get_byte, Any;
    "param_set_short" => param_set_short, Any;
    "param_get_short" => param_get_short, Any;
    "param_set_ushort" => param_set_ushort, Any;
    "param_get_ushort" => param_get_ushort, Any;
    "param_set_int" => param_set_int, Any;
    "param_get_int" => param_get_int, Any;
    "param_set_uint" => param_set_uint, Any;
    "param_get_uint" => param_get_uint, Any;
    "param_set_long" => param_set_long, Any;
    "param_get_long" => param_get_long, Any;
    "param_set_ulong" => param_set_ulong, Any;
    "param_get_ulong" => param_get_ulong, Any;
    "param_set_ullong" => param_set_ullong, Any;
    "param_get_ullong" => param_get_ullong, Any;
    "param_set_hexint" => param_set_hexint, Any;
    "param_get_hexint" => param_get_hexint, Any;
}
