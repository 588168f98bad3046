//! Object files: parsed, loaded, asked everything, unloaded; none of their code runs.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::Cell;
use std::ptr::NonNull;

use kthreads_loader::{Access, Class, Image, ImageMemory, Object, PAGE_BYTES, PerCpu};

const LARGEST_IMAGE_BYTES: usize = 1 << 20;

/// Memory from the heap, where protection is only checked.
#[derive(Default)]
struct HeapMemory {
    live_blocks: Cell<usize>,
}

fn pages(len: usize) -> Layout {
    Layout::from_size_align(len, PAGE_BYTES).expect("a sane size")
}

// SAFETY: zeroed, page-aligned, from the allocator.
unsafe impl ImageMemory for HeapMemory {
    fn allocate(&self, len: usize) -> Option<NonNull<u8>> {
        assert!(len > 0 && len.is_multiple_of(PAGE_BYTES));
        if len > LARGEST_IMAGE_BYTES {
            return None;
        }
        self.live_blocks.set(self.live_blocks.get() + 1);
        // SAFETY: the size is not zero.
        NonNull::new(unsafe { alloc_zeroed(pages(len)) })
    }

    unsafe fn protect(&self, start: NonNull<u8>, len: usize, _: Access) {
        assert!(start.addr().get().is_multiple_of(PAGE_BYTES) && len.is_multiple_of(PAGE_BYTES));
    }

    unsafe fn free(&self, start: NonNull<u8>, len: usize) {
        self.live_blocks.set(self.live_blocks.get() - 1);
        // SAFETY: allocated above with the same size.
        unsafe { dealloc(start.as_ptr(), pages(len)) }
    }
}

/// Takes an object file.
pub fn run(data: &[u8]) {
    let memory = HeapMemory::default();
    let per_cpu = PerCpu { copies: 2, stride_bytes: 0x8000 };
    match Object::parse(data).and_then(|object| object.with_per_cpu(per_cpu)) {
        Ok(object) => load(data, &object, &memory),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    assert_eq!(memory.live_blocks.get(), 0, "all memory is given back");
}

fn load(data: &[u8], object: &Object<'_>, memory: &HeapMemory) {
    let _ = (object.params().len(), object.defines("init_module"), object.sections().count());
    let loaded = object.load(memory, &mut |name| (name != "maybe_missing").then_some(0x1000));
    match loaded {
        Ok(image) => {
            if let Some(file) = object.debug_file(data, &image) {
                assert_eq!(file.len(), data.len());
            }
            interrogate(&image, memory);
            // SAFETY: nothing runs in the image.
            unsafe { image.unload(memory) };
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Asks an image everything it can be asked without running it.
fn interrogate(image: &Image, memory: &HeapMemory) {
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
        image.restore(&snapshot).expect("the lengths agree");
        image.drop_init(memory);
        let snapshot = image.snapshot();
        image.restore(&snapshot).expect("the lengths agree");
    }
}
