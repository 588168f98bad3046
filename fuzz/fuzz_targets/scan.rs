//! See `kthreads_fuzz::scan`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kthreads_fuzz::scan::run(data));
