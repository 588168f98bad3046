//! How `%p` hides an address.

/// Returns what `%p` prints for an address: the low half of its SipHash-2-4 under the boot's secret.
///
/// The same address gives the same number for as long as the kernel runs, so lines of a log can be
/// compared with each other, but nothing leads back to the address.
pub const fn hashed_pointer(addr: u64, key: [u64; 2]) -> u64 {
    siphash(addr, key) & 0xffff_ffff
}

/// Computes SipHash-2-4 of one word, which stands for eight bytes in little-endian order.
const fn siphash(word: u64, key: [u64; 2]) -> u64 {
    let mut state = [
        key[0] ^ 0x736f_6d65_7073_6575,
        key[1] ^ 0x646f_7261_6e64_6f6d,
        key[0] ^ 0x6c79_6765_6e65_7261,
        key[1] ^ 0x7465_6462_7974_6573,
    ];
    state = absorb(state, word);
    // The last block carries the length of the message, eight bytes, in its top byte.
    state = absorb(state, 8 << 56);
    state[2] ^= 0xff;
    state = round(round(round(round(state))));
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

const fn absorb(mut state: [u64; 4], word: u64) -> [u64; 4] {
    state[3] ^= word;
    state = round(round(state));
    state[0] ^= word;
    state
}

const fn round(state: [u64; 4]) -> [u64; 4] {
    let [a, b, c, d] = state;
    let a = a.wrapping_add(b);
    let b = b.rotate_left(13) ^ a;
    let a = a.rotate_left(32);
    let c = c.wrapping_add(d);
    let d = d.rotate_left(16) ^ c;
    let a = a.wrapping_add(d);
    let d = d.rotate_left(21) ^ a;
    let c = c.wrapping_add(b);
    let b = b.rotate_left(17) ^ c;
    [a, b, c.rotate_left(32), d]
}

#[cfg(test)]
mod tests {
    use super::siphash;

    #[test]
    fn agrees_with_the_published_vector_for_eight_bytes() {
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        assert_eq!(siphash(0x0706_0504_0302_0100, key), 0x93f5_f579_9a93_2462);
    }
}
