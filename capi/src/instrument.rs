//! What an instrumented module calls before it accesses memory.
//!
//! With `-fsanitize=thread` gcc and clang put a call before each access and make calls of all
//! atomic operations. Here these calls are points where a machine that explores may let another CPU
//! go on, and tell it of the access. The point comes first, then the telling, then the access
//! itself, with nothing in between that another CPU could run in.
//!
//! How an access is told is said in [`kthreads_base::access`].

use core::arch::naked_asm;
use core::sync::atomic::{
    AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering, compiler_fence, fence,
};

use kthreads_base::access::{self, MARKED, WRITES};
use kthreads_base::explore::{NOTE_FENCE, note};

/// An access is about to be made by the code at `place`.
extern "C" fn told(address: usize, place: usize, how: usize) {
    access::tell(address, how & 0x1f, how & !0x1f, place);
}

/// A range is about to be accessed.
extern "C" fn told_range(address: usize, place: usize, how: usize, len: usize) {
    access::tell(address, len, how, place);
}

/// Makes functions that tell of an access of a fixed size, with the place of their caller.
macro_rules! plain {
    ($($name:ident: $how:expr;)*) => { $(
        #[unsafe(naked)]
        extern "C" fn $name(_address: usize) {
            naked_asm!("mov rsi, [rsp]", "mov edx, {how}", "jmp {told}", how = const $how, told = sym told)
        }
    )* };
}

/// Makes functions that tell of the access of a range.
macro_rules! range {
    ($($name:ident: $how:expr;)*) => { $(
        #[unsafe(naked)]
        extern "C" fn $name(_address: usize, _len: usize) {
            naked_asm!(
                "mov rcx, rsi",
                "mov rsi, [rsp]",
                "mov edx, {how}",
                "jmp {told}",
                how = const $how,
                told = sym told_range,
            )
        }
    )* };
}

plain! {
    read1: 1;
    write1: WRITES | 1;
    volatile_read1: MARKED | 1;
    volatile_write1: MARKED | WRITES | 1;
    read2: 2;
    write2: WRITES | 2;
    volatile_read2: MARKED | 2;
    volatile_write2: MARKED | WRITES | 2;
    read4: 4;
    write4: WRITES | 4;
    volatile_read4: MARKED | 4;
    volatile_write4: MARKED | WRITES | 4;
    read8: 8;
    write8: WRITES | 8;
    volatile_read8: MARKED | 8;
    volatile_write8: MARKED | WRITES | 8;
    read16: 16;
    write16: WRITES | 16;
    volatile_read16: MARKED | 16;
    volatile_write16: MARKED | WRITES | 16;
}

range! {
    read_range: 0;
    write_range: WRITES;
}

/// What a module does where it begins and ends functions, and once when it is loaded.
extern "C" fn nothing(_: usize) {}

/// C's memory orders.
const ACQUIRE_ORDERS: [i32; 4] = [1, 2, 4, 5];
const RELEASE_ORDERS: [i32; 3] = [3, 4, 5];

/// Tells of an atomic access and of what it orders. All are made sequentially consistent: the
/// machines that run instrumented modules are.
#[inline]
fn atomic(address: usize, size: usize, effect: usize, order: i32) {
    let acquires = if ACQUIRE_ORDERS.contains(&order) { access::ACQUIRES } else { 0 };
    let releases = if RELEASE_ORDERS.contains(&order) { access::RELEASES } else { 0 };
    access::tell(address, size, MARKED | effect | acquires | releases, 0);
}

/// The memory of an atomic of C's.
///
/// # Safety
///
/// `address` is that of an object of that size, aligned; where it is none, the access faults as
/// the module's own would.
unsafe fn at<'a, T>(address: usize) -> &'a T {
    // SAFETY: the caller's promise.
    unsafe { &*(address as *const T) }
}

macro_rules! operations {
    ($type:ty, $atomic:ty: $($name:ident = $method:ident;)*) => { $(
        extern "C" fn $name(address: usize, value: $type, order: i32) -> $type {
            atomic(address, size_of::<$type>(), WRITES, order);
            // SAFETY: the compiler calls this with the address of such an atomic.
            unsafe { at::<$atomic>(address) }.$method(value, Ordering::SeqCst)
        }
    )* };
}

macro_rules! atomics {
    ($type:ty, $atomic:ty, $load:ident, $store:ident, $weak:ident, $value:ident) => {
        extern "C" fn $load(address: usize, order: i32) -> $type {
            atomic(address, size_of::<$type>(), 0, order);
            // SAFETY: the compiler calls this with the address of such an atomic.
            unsafe { at::<$atomic>(address) }.load(Ordering::SeqCst)
        }

        extern "C" fn $store(address: usize, value: $type, order: i32) {
            atomic(address, size_of::<$type>(), WRITES, order);
            // SAFETY: as above.
            unsafe { at::<$atomic>(address) }.store(value, Ordering::SeqCst);
        }

        extern "C" fn $weak(
            address: usize,
            expected: usize,
            new: $type,
            order: i32,
            _failure: i32,
        ) -> bool {
            // SAFETY: the compiler passes the address of the expected value.
            let expected = unsafe { &mut *(expected as *mut $type) };
            let found = $value(address, *expected, new, order, order);
            let same = found == *expected;
            *expected = found;
            same
        }

        extern "C" fn $value(
            address: usize,
            expected: $type,
            new: $type,
            order: i32,
            _failure: i32,
        ) -> $type {
            atomic(address, size_of::<$type>(), WRITES, order);
            // SAFETY: as above.
            let atomic = unsafe { at::<$atomic>(address) };
            let result = atomic.compare_exchange(expected, new, Ordering::SeqCst, Ordering::SeqCst);
            result.unwrap_or_else(|found| found)
        }
    };
}

atomics!(u8, AtomicU8, load8, store8, compare8, compare_value8);
operations! {
    u8, AtomicU8:
    exchange8 = swap;
    add8 = fetch_add;
    sub8 = fetch_sub;
    and8 = fetch_and;
    or8 = fetch_or;
    xor8 = fetch_xor;
    nand8 = fetch_nand;
}

atomics!(u16, AtomicU16, load16, store16, compare16, compare_value16);
operations! {
    u16, AtomicU16:
    exchange16 = swap;
    add16 = fetch_add;
    sub16 = fetch_sub;
    and16 = fetch_and;
    or16 = fetch_or;
    xor16 = fetch_xor;
    nand16 = fetch_nand;
}

atomics!(u32, AtomicU32, load32, store32, compare32, compare_value32);
operations! {
    u32, AtomicU32:
    exchange32 = swap;
    add32 = fetch_add;
    sub32 = fetch_sub;
    and32 = fetch_and;
    or32 = fetch_or;
    xor32 = fetch_xor;
    nand32 = fetch_nand;
}

atomics!(u64, AtomicU64, load64, store64, compare64, compare_value64);
operations! {
    u64, AtomicU64:
    exchange64 = swap;
    add64 = fetch_add;
    sub64 = fetch_sub;
    and64 = fetch_and;
    or64 = fetch_or;
    xor64 = fetch_xor;
    nand64 = fetch_nand;
}

extern "C" fn thread_fence(order: i32) {
    kthreads_base::interrupt_point();
    note(NOTE_FENCE, order as usize, 0);
    fence(Ordering::SeqCst);
}

extern "C" fn signal_fence(_order: i32) {
    compiler_fence(Ordering::SeqCst);
}

exports! {
    "__tsan_read1" => read1, Local;
    "__tsan_unaligned_read1" => read1, Local;
    "__tsan_write1" => write1, Local;
    "__tsan_unaligned_write1" => write1, Local;
    "__tsan_volatile_read1" => volatile_read1, Local;
    "__tsan_unaligned_volatile_read1" => volatile_read1, Local;
    "__tsan_volatile_write1" => volatile_write1, Local;
    "__tsan_unaligned_volatile_write1" => volatile_write1, Local;
    "__tsan_read2" => read2, Local;
    "__tsan_unaligned_read2" => read2, Local;
    "__tsan_write2" => write2, Local;
    "__tsan_unaligned_write2" => write2, Local;
    "__tsan_volatile_read2" => volatile_read2, Local;
    "__tsan_unaligned_volatile_read2" => volatile_read2, Local;
    "__tsan_volatile_write2" => volatile_write2, Local;
    "__tsan_unaligned_volatile_write2" => volatile_write2, Local;
    "__tsan_read4" => read4, Local;
    "__tsan_unaligned_read4" => read4, Local;
    "__tsan_write4" => write4, Local;
    "__tsan_unaligned_write4" => write4, Local;
    "__tsan_volatile_read4" => volatile_read4, Local;
    "__tsan_unaligned_volatile_read4" => volatile_read4, Local;
    "__tsan_volatile_write4" => volatile_write4, Local;
    "__tsan_unaligned_volatile_write4" => volatile_write4, Local;
    "__tsan_read8" => read8, Local;
    "__tsan_unaligned_read8" => read8, Local;
    "__tsan_write8" => write8, Local;
    "__tsan_unaligned_write8" => write8, Local;
    "__tsan_volatile_read8" => volatile_read8, Local;
    "__tsan_unaligned_volatile_read8" => volatile_read8, Local;
    "__tsan_volatile_write8" => volatile_write8, Local;
    "__tsan_unaligned_volatile_write8" => volatile_write8, Local;
    "__tsan_read16" => read16, Local;
    "__tsan_unaligned_read16" => read16, Local;
    "__tsan_write16" => write16, Local;
    "__tsan_unaligned_write16" => write16, Local;
    "__tsan_volatile_read16" => volatile_read16, Local;
    "__tsan_unaligned_volatile_read16" => volatile_read16, Local;
    "__tsan_volatile_write16" => volatile_write16, Local;
    "__tsan_unaligned_volatile_write16" => volatile_write16, Local;
    "__tsan_read_range" => read_range, Local;
    "__tsan_write_range" => write_range, Local;
    "__tsan_atomic8_load" => load8, Local;
    "__tsan_atomic8_store" => store8, Local;
    "__tsan_atomic8_exchange" => exchange8, Local;
    "__tsan_atomic8_fetch_add" => add8, Local;
    "__tsan_atomic8_fetch_sub" => sub8, Local;
    "__tsan_atomic8_fetch_and" => and8, Local;
    "__tsan_atomic8_fetch_or" => or8, Local;
    "__tsan_atomic8_fetch_xor" => xor8, Local;
    "__tsan_atomic8_fetch_nand" => nand8, Local;
    "__tsan_atomic8_compare_exchange_strong" => compare8, Local;
    "__tsan_atomic8_compare_exchange_weak" => compare8, Local;
    "__tsan_atomic8_compare_exchange_val" => compare_value8, Local;
    "__tsan_atomic16_load" => load16, Local;
    "__tsan_atomic16_store" => store16, Local;
    "__tsan_atomic16_exchange" => exchange16, Local;
    "__tsan_atomic16_fetch_add" => add16, Local;
    "__tsan_atomic16_fetch_sub" => sub16, Local;
    "__tsan_atomic16_fetch_and" => and16, Local;
    "__tsan_atomic16_fetch_or" => or16, Local;
    "__tsan_atomic16_fetch_xor" => xor16, Local;
    "__tsan_atomic16_fetch_nand" => nand16, Local;
    "__tsan_atomic16_compare_exchange_strong" => compare16, Local;
    "__tsan_atomic16_compare_exchange_weak" => compare16, Local;
    "__tsan_atomic16_compare_exchange_val" => compare_value16, Local;
    "__tsan_atomic32_load" => load32, Local;
    "__tsan_atomic32_store" => store32, Local;
    "__tsan_atomic32_exchange" => exchange32, Local;
    "__tsan_atomic32_fetch_add" => add32, Local;
    "__tsan_atomic32_fetch_sub" => sub32, Local;
    "__tsan_atomic32_fetch_and" => and32, Local;
    "__tsan_atomic32_fetch_or" => or32, Local;
    "__tsan_atomic32_fetch_xor" => xor32, Local;
    "__tsan_atomic32_fetch_nand" => nand32, Local;
    "__tsan_atomic32_compare_exchange_strong" => compare32, Local;
    "__tsan_atomic32_compare_exchange_weak" => compare32, Local;
    "__tsan_atomic32_compare_exchange_val" => compare_value32, Local;
    "__tsan_atomic64_load" => load64, Local;
    "__tsan_atomic64_store" => store64, Local;
    "__tsan_atomic64_exchange" => exchange64, Local;
    "__tsan_atomic64_fetch_add" => add64, Local;
    "__tsan_atomic64_fetch_sub" => sub64, Local;
    "__tsan_atomic64_fetch_and" => and64, Local;
    "__tsan_atomic64_fetch_or" => or64, Local;
    "__tsan_atomic64_fetch_xor" => xor64, Local;
    "__tsan_atomic64_fetch_nand" => nand64, Local;
    "__tsan_atomic64_compare_exchange_strong" => compare64, Local;
    "__tsan_atomic64_compare_exchange_weak" => compare64, Local;
    "__tsan_atomic64_compare_exchange_val" => compare_value64, Local;
    "__tsan_atomic_thread_fence" => thread_fence, Local;
    "__tsan_atomic_signal_fence" => signal_fence, Local;
    "__tsan_init" => nothing, Local;
    "__tsan_func_entry" => nothing, Local;
    "__tsan_func_exit" => nothing, Local;
}
