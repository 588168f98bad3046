//! See `kthreads_fuzz::script`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kthreads_fuzz::script::run(data));
