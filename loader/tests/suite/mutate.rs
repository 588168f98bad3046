//! Damaged files: whatever the bytes, the loader answers and never panics.

use crate::common::{compile, compile_plain};
use kthreads_loader::{Access, Class, Image, ImageMemory, Object};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::Cell;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

const MUTANTS: usize = 50_000;
const TIME_LIMIT: Duration = Duration::from_secs(60);
const LARGEST_IMAGE_BYTES: usize = 1 << 20;
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// Memory from the heap, where protection is only written down.
#[derive(Default)]
struct HeapMemory {
    live_blocks: Cell<usize>,
}

fn pages(len: usize) -> Layout {
    Layout::from_size_align(len, kthreads_loader::PAGE_BYTES).unwrap()
}

// SAFETY: zeroed, page-aligned, from the allocator.
unsafe impl ImageMemory for HeapMemory {
    fn allocate(&self, len: usize) -> Option<NonNull<u8>> {
        assert!(len > 0 && len.is_multiple_of(kthreads_loader::PAGE_BYTES));
        if len > LARGEST_IMAGE_BYTES {
            return None;
        }
        self.live_blocks.set(self.live_blocks.get() + 1);
        // SAFETY: the size is not zero.
        NonNull::new(unsafe { alloc_zeroed(pages(len)) })
    }

    unsafe fn protect(&self, start: NonNull<u8>, len: usize, _: Access) {
        assert!(start.addr().get().is_multiple_of(kthreads_loader::PAGE_BYTES));
        assert!(len.is_multiple_of(kthreads_loader::PAGE_BYTES));
    }

    unsafe fn free(&self, start: NonNull<u8>, len: usize) {
        self.live_blocks.set(self.live_blocks.get() - 1);
        // SAFETY: allocated above with the same size.
        unsafe { dealloc(start.as_ptr(), pages(len)) }
    }
}

/// Marsaglia's xorshift: the same sequence in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// A number that breaks arithmetic more often than a random one.
    fn nasty(&mut self, len: usize) -> u64 {
        match self.below(8) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << self.below(64),
            3 => (1u64 << self.below(64)).wrapping_sub(1),
            4 => len as u64,
            5 => self.below(len + 16) as u64,
            6 => self.below(64) as u64,
            _ => self.next(),
        }
    }
}

/// The parts of the file where damage does most: headers and tables.
fn hot_ranges(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let table = word(0x28);
    let mut ranges = vec![0..64, table..bytes.len()];
    let mut header = table;
    while header + 64 <= bytes.len() {
        let (offset, size) = (word(header + 0x18), word(header + 0x20));
        if matches!(bytes[header + 4], 2..=4) && size > 0 {
            ranges.push(offset..offset + size);
        }
        header += 64;
    }
    ranges
}

fn mutate(bytes: &mut [u8], hot: &[std::ops::Range<usize>], random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        let range = match random.below(8) {
            0 => 0..bytes.len(),
            _ => hot[random.below(hot.len())].clone(),
        };
        let at = range.start + random.below(range.len());
        let width = [1, 2, 4, 8][random.below(4)];
        let at = at - at % width;
        let value = match random.below(3) {
            0 => u64::from(bytes[at]) ^ (1 << random.below(8)),
            _ => random.nasty(bytes.len()),
        };
        let end = (at + width).min(bytes.len());
        bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
    }
}

/// Asks an image everything it can be asked without running it.
fn interrogate(image: &mut Image, memory: &HeapMemory) {
    let all = image.base()..image.base() + image.len();
    for section in image.sections() {
        assert!(section.range.start >= all.start && section.range.end <= all.end);
        assert!(image.range(section.class).end >= section.range.end);
    }
    for symbol in image.symbols() {
        let _ = (symbol.letter(), image.symbolize(symbol.address()), image.symbol(symbol.name()));
    }
    for address in [0, all.start, all.end - 1, all.end, usize::MAX] {
        let _ = (image.symbolize(address), image.contains_text(address));
    }
    assert!(Class::ALL.into_iter().all(|class| image.range(class).end <= all.end));
    let _ = (image.debug_sections().len(), image.exports().len(), image.init_array().len());
    let _ = image.modinfo().params();
    // SAFETY: nothing runs in the image.
    unsafe {
        let snapshot = image.snapshot();
        image.restore(&snapshot).unwrap();
        image.drop_init(memory);
        let snapshot = image.snapshot();
        image.restore(&snapshot).unwrap();
    }
}

#[test]
fn damaged_files_are_answered_not_crashed_on() {
    let seeds = [
        compile("gcc", "module.c", "-O2"),
        compile("gcc", "module.c", "-O0 -fplt"),
        compile("gcc", "part_a.c", "-O2 -fcommon"),
        compile_plain("gcc", "corners.S", ""),
    ];
    let hot = seeds.each_ref().map(|seed| hot_ranges(seed));
    let mut random = Random(SEED);
    let memory = HeapMemory::default();
    let (mut loaded, mut unparsable, mut unloadable) = (0, 0, 0);
    let begin = Instant::now();
    for round in 0..MUTANTS {
        if begin.elapsed() > TIME_LIMIT {
            break;
        }
        let pick = round % seeds.len();
        let mut bytes = seeds[pick].clone();
        mutate(&mut bytes, &hot[pick], &mut random);
        let Ok(object) = Object::parse(&bytes) else {
            unparsable += 1;
            continue;
        };
        match object.load(&memory, &mut |name| (name != "maybe_missing").then_some(0x1000)) {
            Ok(mut image) => {
                interrogate(&mut image, &memory);
                // SAFETY: nothing runs in the image.
                unsafe { image.unload(&memory) };
                loaded += 1;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                unloadable += 1;
            }
        }
    }
    println!("{loaded} loaded, {unparsable} unparsable, {unloadable} unloadable");
    println!("in {:?}", begin.elapsed());
    assert_eq!(memory.live_blocks.get(), 0);
    // The damage is of all degrees, or the test does not reach what it is for.
    assert!(loaded > 100 && unparsable > 100 && unloadable > 10);
}
