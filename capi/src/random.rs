//! Random numbers (Linux: linux/random.h), from the machine: a simulator's come from its seed.

export! {
    fn get_random_bytes(cx, buf: *mut u8, len: usize) {
        const WORD: usize = size_of::<u64>();
        for start in (0..len).step_by(WORD) {
            let word = cx.kernel.machine().entropy().to_le_bytes();
            let taken = WORD.min(len - start);
            // SAFETY: C gives a buffer of `len` bytes.
            unsafe { core::ptr::copy(word.as_ptr(), buf.add(start), taken) };
        }
    }

    fn get_random_u32(cx) -> u32 {
        cx.kernel.machine().entropy() as u32
    }

    fn get_random_u64(cx) -> u64 {
        cx.kernel.machine().entropy()
    }
}

exports! {
    "get_random_bytes" => get_random_bytes, Any;
    "get_random_u32" => get_random_u32, Any;
    "get_random_u64" => get_random_u64, Any;
}
