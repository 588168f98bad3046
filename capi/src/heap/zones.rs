//! What memory is filled with, and where something else is found.

use core::ptr;

use kthreads_kernel::heap::{Block, Damage, Kind, NewBlock, Zone};

use super::Fill;

/// The least length of a red zone.
pub(super) const RED_BYTES: usize = 16;
/// The longest: what is not used of a large block is not filled.
const RED_BYTES_MAX: usize = 64;
/// What red zones are filled with (Linux: SLUB_RED_ACTIVE).
const RED: u8 = 0xcc;
/// What freed memory is filled with (Linux: POISON_FREE).
const POISON: u8 = 0x6b;
/// What freed pages are filled with (Linux: PAGE_POISON).
const PAGE_POISON: u8 = 0xaa;
/// What new memory is filled with (Linux: POISON_INUSE).
const NEW: u8 = 0x5a;
/// Large blocks are poisoned in their first part only.
const POISONED_MAX: usize = 1 << 16;
/// The same for new ones.
const FILLED_MAX: usize = 4096;

fn has_zones(kind: Kind) -> bool {
    matches!(kind, Kind::Kmalloc | Kind::CacheObject | Kind::Virtual | Kind::Worker)
}

fn is_memory(kind: Kind) -> bool {
    has_zones(kind) || kind == Kind::Pages
}

fn poison(kind: Kind) -> u8 {
    if kind == Kind::Pages { PAGE_POISON } else { POISON }
}

/// The length of the zone behind `len` bytes of a block with that room.
fn right_len(len: usize, room: usize) -> usize {
    (room + RED_BYTES - len).min(RED_BYTES_MAX)
}

fn fill(start: usize, len: usize, byte: u8) {
    // SAFETY: part of a block that the caller has to itself, or of its red zones.
    unsafe { ptr::write_bytes(start as *mut u8, byte, len) };
}

/// Fills the memory and the zones of a new block.
pub(super) fn fill_new(block: &NewBlock, how: Fill) {
    match how {
        Fill::Zero => fill(block.memory, block.len, 0),
        Fill::None => fill(block.memory, block.len.min(FILLED_MAX), NEW),
    }
    if has_zones(block.kind) {
        fill(block.memory - RED_BYTES, RED_BYTES, RED);
        fill(block.memory + block.len, right_len(block.len, block.room), RED);
    }
}

/// Moves the right zone of a block whose length was `old`; what is new of its memory is zero.
pub(super) fn move_right(block: &Block, old: usize) {
    if block.len > old {
        fill(block.memory + old, block.len - old, 0);
    }
    if has_zones(block.kind) {
        fill(block.memory + block.len, right_len(block.len, block.room), RED);
    }
}

/// Fills the memory of a block that has been freed.
pub(super) fn fill_freed(block: &Block) {
    if is_memory(block.kind) {
        fill(block.memory, block.len.min(POISONED_MAX), poison(block.kind));
    }
}

/// Looks for bytes that somebody has written where nobody may, and puts them right.
pub(super) fn find_damage(block: &Block) -> Option<Damage> {
    let look = |start, len, byte, zone| find_other(start, len, byte, zone);
    if block.freed.is_some() && is_memory(block.kind) {
        let len = block.len.min(POISONED_MAX);
        let damage = look(block.memory, len, poison(block.kind), Zone::Poison);
        if damage.is_some() {
            return damage;
        }
    }
    if !has_zones(block.kind) {
        return None;
    }
    let right = right_len(block.len, block.room);
    look(block.memory - RED_BYTES, RED_BYTES, RED, Zone::LeftRedzone)
        .or_else(|| look(block.memory + block.len, right, RED, Zone::RightRedzone))
}

/// Finds the bytes of a range that are not `expected`, and overwrites the range if there are some.
fn find_other(start: usize, len: usize, expected: u8, zone: Zone) -> Option<Damage> {
    // SAFETY: part of a block that the book holds, or of its red zones.
    let bytes = unsafe { core::slice::from_raw_parts(start as *const u8, len) };
    // All bytes are read, which compilers do many at a time.
    if bytes.iter().fold(0, |other, byte| other | (byte ^ expected)) == 0 {
        return None;
    }
    let is_other = |byte: &u8| *byte != expected;
    let first = bytes.iter().position(is_other)?;
    let last = bytes.iter().rposition(is_other)?;
    let (found, first, last) = (bytes[first], start + first, start + last);
    fill(start, len, expected);
    Some(Damage { zone, first, last, found, expected })
}
