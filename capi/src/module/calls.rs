//! Telling return addresses from other words on a stack: a call stands before them, and may say
//! whom it calls.

use super::LoadedImage;

/// The longest call instruction without prefixes.
const CALL_MAX_BYTES: usize = 7;

/// Whether a call instruction of the image's text ends right before an address. Where the call does
/// not return, that may be the end of the text.
pub(super) fn ends_before(image: &LoadedImage, address: usize) -> bool {
    bytes_before(image, address).is_some_and(ends_with_call)
}

/// The function that such a call goes to, where it does not depend on a register.
pub(super) fn callee_before(image: &LoadedImage, address: usize) -> Option<usize> {
    let bytes = bytes_before(image, address)?;
    let distance = i32::from_le_bytes(*bytes.last_chunk()?) as isize;
    let target = address.wrapping_add_signed(distance);
    match bytes[CALL_MAX_BYTES - 6..] {
        // By way of the image's table of addresses.
        [0xff, 0x15, ..] => word_at(image, target),
        [_, 0xe8, ..] => Some(through_stub(image, target)),
        _ => None,
    }
}

/// Where a jump stub (`ff 25` and a distance) leads; what is none is the function itself.
fn through_stub(image: &LoadedImage, target: usize) -> usize {
    const STUB_BYTES: usize = 6;
    let Some(bytes) = bytes_before(image, target.wrapping_add(STUB_BYTES)) else { return target };
    let [0xff, 0x25, distance @ ..] = &bytes[CALL_MAX_BYTES - STUB_BYTES..] else { return target };
    let Ok(distance) = <[u8; 4]>::try_from(distance) else { return target };
    let slot = target + STUB_BYTES;
    let slot = slot.wrapping_add_signed(i32::from_le_bytes(distance) as isize);
    word_at(image, slot).unwrap_or(target)
}

/// The address that stands in a constant of the image.
fn word_at(image: &LoadedImage, address: usize) -> Option<usize> {
    let constants = image.image.read_only();
    let _kept = image.keep();
    let is_there = image.image.contains_text(image.image.text().start)
        && constants.contains(&address)
        && constants.contains(&address.wrapping_add(size_of::<usize>() - 1));
    // SAFETY: constants are mapped while the text is, which is until the guard goes.
    is_there.then(|| unsafe { (address as *const usize).read_unaligned() })
}

/// The bytes of the text right before an address in it or at its end, zeros where it begins later.
fn bytes_before(image: &LoadedImage, address: usize) -> Option<[u8; CALL_MAX_BYTES]> {
    let last = address.wrapping_sub(1);
    let texts = [image.image.text(), image.image.init_text()];
    let text = texts.into_iter().find(|text| text.contains(&last))?;
    let _kept = image.keep();
    if !image.image.contains_text(last) {
        return None;
    }
    let room = (address - text.start).min(CALL_MAX_BYTES);
    let mut bytes = [0; CALL_MAX_BYTES];
    // SAFETY: these bytes lie in text that may run now, which is mapped and constant until
    // the guard goes.
    let before = unsafe { core::slice::from_raw_parts((address - room) as *const u8, room) };
    bytes[CALL_MAX_BYTES - room..].copy_from_slice(before);
    Some(bytes)
}

/// Whether bytes end with a near call: `e8` and a distance, or `ff` with 2 in the middle of its
/// second byte.
fn ends_with_call(bytes: [u8; CALL_MAX_BYTES]) -> bool {
    let is_direct = bytes[CALL_MAX_BYTES - 5] == 0xe8;
    let is_indirect = |start: usize| {
        let [opcode, second, rest @ ..] = &bytes[start..] else { return false };
        *opcode == 0xff && second >> 3 & 7 == 2 && rest.len() == operand_bytes(*second, rest)
    };
    is_direct || (0..=CALL_MAX_BYTES - 2).any(is_indirect)
}

/// How many bytes follow the second byte (ModRM) of an instruction.
fn operand_bytes(second: u8, rest: &[u8]) -> usize {
    let (mode, base) = (second >> 6, second & 7);
    let has_index = mode != 3 && base == 4;
    let index_base = rest.first().map(|byte| byte & 7);
    let displacement = match mode {
        0 if base == 5 || (has_index && index_base == Some(5)) => 4,
        1 => 1,
        2 => 4,
        _ => 0,
    };
    usize::from(has_index) + displacement
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(code: &[u8]) -> bool {
        let mut bytes = [0x90; CALL_MAX_BYTES];
        bytes[CALL_MAX_BYTES - code.len()..].copy_from_slice(code);
        ends_with_call(bytes)
    }

    #[test]
    fn calls_of_all_forms_are_seen() {
        assert!(ends(&[0xe8, 1, 2, 3, 4]), "call rel32");
        assert!(ends(&[0xff, 0x15, 1, 2, 3, 4]), "call [rip+disp32]");
        assert!(ends(&[0xff, 0xd0]), "call rax");
        assert!(ends(&[0x41, 0xff, 0xd4]), "call r12");
        assert!(ends(&[0xff, 0x13]), "call [rbx]");
        assert!(ends(&[0xff, 0x50, 8]), "call [rax+8]");
        assert!(ends(&[0xff, 0x90, 1, 2, 3, 4]), "call [rax+disp32]");
        assert!(ends(&[0xff, 0x14, 0xc3]), "call [rbx+rax*8]");
        assert!(ends(&[0xff, 0x14, 0xc5, 1, 2, 3, 4]), "call [rax*8+disp32]");
        assert!(ends(&[0xff, 0x54, 0xc3, 8]), "call [rbx+rax*8+8]");
    }

    #[test]
    fn what_is_no_call_is_none() {
        assert!(!ends(&[0x90]));
        assert!(!ends(&[0xff, 0xe0]), "jmp rax");
        assert!(!ends(&[0xff, 0xc0]), "inc eax");
        assert!(!ends(&[0xff, 0x50]), "its displacement is cut off");
        assert!(!ends(&[0xff, 0xd0, 0x90]), "an instruction behind it");
        assert!(!ends(&[0x48, 0x89, 0xe5, 0xc3]));
    }
}
