//! See `kthreads_fuzz::loader`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kthreads_fuzz::loader::run(data));
