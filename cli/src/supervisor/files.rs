//! The loaded modules, as the child notes them and the parent reads them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use kthreads_capi::module::{ImageWatcher, Placed};

use super::shared::{ModuleSlot, NAME_WORDS, Shared};

const WORD: usize = size_of::<u64>();
const ORDER: Ordering = Ordering::Relaxed;

/// Notes modules that come and go.
pub(super) struct Files {
    shared: Shared,
    /// One writes at a time.
    writing: Mutex<()>,
}

impl Files {
    pub(super) fn new(shared: Shared) -> Files {
        Files { shared, writing: Mutex::new(()) }
    }

    fn slots(&self) -> &'static [ModuleSlot] {
        &self.shared.head().modules
    }

    /// Finds room for so many words between the files that are there.
    fn room_for(&self, words: u64) -> Option<u64> {
        let used = self.slots().iter().filter(|slot| slot.base.load(ORDER) != 0);
        let mut used: Vec<(u64, u64)> = used
            .map(|slot| (slot.file_at.load(ORDER), slot.file_len.load(ORDER).div_ceil(WORD as u64)))
            .collect();
        used.sort_unstable();
        let mut start = 0;
        for (at, len) in used {
            if start + words <= at {
                return Some(start);
            }
            start = start.max(at + len);
        }
        (start + words <= self.shared.files().len() as u64).then_some(start)
    }
}

impl ImageWatcher for Files {
    fn placed(&self, module: &Placed<'_>) {
        let _writing = self.writing.lock();
        let Some(slot) = self.slots().iter().find(|slot| slot.base.load(ORDER) == 0) else {
            return;
        };
        let words = module.debug_file.len().div_ceil(WORD) as u64;
        let (at, len) = match self.room_for(words) {
            Some(at) => (at, module.debug_file.len()),
            None => (0, 0),
        };
        put_bytes(&self.shared.files()[at as usize..], &module.debug_file[..len]);
        slot.name.iter().for_each(|word| word.store(0, ORDER));
        let name = module.name.as_bytes();
        put_bytes(&slot.name, &name[..name.len().min(NAME_WORDS * WORD)]);
        slot.len.store(module.len as u64, ORDER);
        slot.file_at.store(at, ORDER);
        slot.file_len.store(len as u64, ORDER);
        slot.base.store(module.base as u64, Ordering::Release);
    }

    fn removed(&self, base: usize) {
        let _writing = self.writing.lock();
        let slots = self.slots().iter();
        slots.filter(|slot| slot.base.load(ORDER) == base as u64).for_each(|slot| {
            slot.base.store(0, Ordering::Release);
        });
    }
}

fn put_bytes(words: &[AtomicU64], bytes: &[u8]) {
    for (word, bytes) in words.iter().zip(bytes.chunks(WORD)) {
        let mut whole = [0; WORD];
        whole[..bytes.len()].copy_from_slice(bytes);
        word.store(u64::from_le_bytes(whole), ORDER);
    }
}

fn get_bytes(words: &[AtomicU64], len: usize) -> Vec<u8> {
    let bytes = words.iter().flat_map(|word| word.load(ORDER).to_le_bytes());
    bytes.take(len).collect()
}

/// A module as the parent finds it.
pub(super) struct Found {
    pub(super) name: String,
    pub(super) base: u64,
    /// The debugging file; empty if there is none.
    pub(super) file: Vec<u8>,
}

/// Finds the module that an address belongs to.
pub(super) fn find(shared: Shared, address: u64) -> Option<Found> {
    let contains = |slot: &&ModuleSlot| {
        let base = slot.base.load(Ordering::Acquire);
        base != 0 && address.checked_sub(base).is_some_and(|at| at < slot.len.load(ORDER))
    };
    let slot = shared.head().modules.iter().find(contains)?;
    let name = get_bytes(&slot.name, NAME_WORDS * WORD);
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let start = usize::try_from(slot.file_at.load(ORDER)).ok()?;
    let len = usize::try_from(slot.file_len.load(ORDER)).ok()?;
    let file = shared.files().get(start..).map(|words| get_bytes(words, len));
    Some(Found {
        name: String::from_utf8_lossy(name).into_owned(),
        base: slot.base.load(ORDER),
        file: file.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(files: &Files, name: &str, base: usize, file: &[u8]) {
        files.placed(&Placed { name, base, len: 0x1000, debug_file: file });
    }

    #[test]
    fn modules_are_found_until_they_go_and_their_room_is_used_again() {
        let shared = Shared::map().expect("memory");
        let files = Files::new(shared);
        place(&files, "one", 0x1000, b"the first file");
        place(&files, "two", 0x2000, &[2; 100]);
        place(&files, "three", 0x3000, b"3");
        let found = find(shared, 0x1fff).expect("a module");
        assert_eq!((found.name.as_str(), found.file.as_slice()), ("one", &b"the first file"[..]));
        assert_eq!(found.base, 0x1000);
        assert!(find(shared, 0xfff).is_none() && find(shared, 0x4000).is_none());
        files.removed(0x2000);
        assert!(find(shared, 0x2000).is_none());
        assert_eq!(files.room_for(13), Some(2), "where the second was");
        assert_eq!(files.room_for(14), Some(16), "behind the third");
        assert_eq!(files.room_for(1 << 40), None);
        place(&files, &"n".repeat(70), 0x5000, b"");
        assert_eq!(find(shared, 0x5000).map(|found| found.name.len()), Some(56));
        assert_eq!(find(shared, 0x3001).map(|found| found.file), Some(b"3".to_vec()));
    }
}
