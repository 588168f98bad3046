//! See `kthreads_fuzz::format`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kthreads_fuzz::format::run(data));
