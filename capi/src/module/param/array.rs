//! Parameters that are lists of values, parted by commas.

use alloc::vec::Vec;

use kthreads_kernel::log::Level;
use kthreads_kernel::{Errno, log};

use super::{KernelParam, KernelParamOps, read_at, value_of, write_at};
use crate::module::table::KernelExport;
use crate::object::Ptr;

/// C's `struct kparam_array`.
#[repr(C)]
struct KparamArray {
    max: u32,
    element_bytes: u32,
    /// The address of a variable for the number of elements, 0 for none.
    count: usize,
    ops: Ptr<KernelParamOps>,
    elements: usize,
}

impl KparamArray {
    fn of(arg: usize) -> &'static KparamArray {
        Ptr::at(arg).get()
    }

    /// How many elements are in use.
    fn len(&self) -> u32 {
        if self.count == 0 { self.max } else { read_at::<u32>(self.count).min(self.max) }
    }

    fn set_len(&self, len: u32) {
        if self.count != 0 {
            write_at(self.count, len);
        }
    }

    fn address(&self, index: u32) -> usize {
        self.elements + index as usize * self.element_bytes as usize
    }

    /// What the functions of the elements' type get.
    fn element(&self, kp: &KernelParam, index: u32) -> KernelParam {
        KernelParam { arg: self.address(index), ops: self.ops, ..*kp }
    }
}

export! {
    fn param_array_set(cx, val: Ptr<u8>, kp: Ptr<KernelParam>) -> i32 {
        let Some(text) = value_of(val) else { return Errno::EINVAL.to_c() };
        let kp = kp.get();
        let array = KparamArray::of(kp.arg);
        let Some(set) = array.ops.get().set else { return Errno::EPERM.to_c() };
        array.set_len(0);
        for (index, value) in (0..).zip(text.split(|byte| *byte == b',')) {
            if index == array.max {
                log!(cx, Level::Error, "{}: can only take {} arguments", kp.name(), array.max);
                return Errno::EINVAL.to_c();
            }
            let (value, element) = ([value, b"\0"].concat(), array.element(kp, index));
            let element = Ptr::at(core::ptr::from_ref(&element) as usize);
            let result = set(Ptr::at(value.as_ptr() as usize), element);
            if result != 0 {
                return result;
            }
            array.set_len(index + 1);
        }
        0
    }

    fn param_array_get(_cx, page: usize, kp: Ptr<KernelParam>) -> i32 {
        let kp = kp.get();
        let array = KparamArray::of(kp.arg);
        let Some(get) = array.ops.get().get else { return Errno::EPERM.to_c() };
        let mut end = page;
        for index in 0..array.len() {
            if end > page {
                // In place of the newline behind the element before.
                write_at(end - 1, b',');
            }
            let element = array.element(kp, index);
            let result = get(end, Ptr::at(core::ptr::from_ref(&element) as usize));
            if result < 0 {
                return result;
            }
            end += result as usize;
        }
        write_at(end, 0u8);
        (end - page) as i32
    }

    fn param_array_free(_cx, arg: usize) {
        let array = KparamArray::of(arg);
        if let Some(free) = array.ops.get().free {
            (0..array.len()).for_each(|index| free(array.address(index)));
        }
    }
}

#[expect(non_upper_case_globals, reason = "named as C does")]
static param_array_ops: KernelParamOps = KernelParamOps {
    flags: 0,
    set: Some(param_array_set),
    get: Some(param_array_get),
    free: Some(param_array_free),
};

/// The table, by name.
pub(super) fn tables() -> Vec<KernelExport> {
    [KernelExport::data("param_array_ops", &raw const param_array_ops as usize)].into()
}
