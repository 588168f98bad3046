//! See `kthreads_fuzz::parameters`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kthreads_fuzz::parameters::run(data));
