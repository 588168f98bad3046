//! Memory: kmalloc and its kin, pages, caches.

use crate::common::{GFP_KERNEL, GFP_ZERO, Text, boot, c, kfree, kmalloc, log_of};

#[test]
fn memory_is_cleared_grown_and_freed() {
    boot(1).enter(|cx| {
        let memory = kmalloc(100, GFP_KERNEL | GFP_ZERO);
        // SAFETY: kmalloc gives that much memory.
        let bytes = unsafe { core::slice::from_raw_parts_mut(memory as *mut u8, 100) };
        assert!(bytes.iter().all(|byte| *byte == 0));
        bytes[99] = 7;
        assert_eq!(call!("ksize"(memory => usize) -> usize), 128);
        let same = call!("krealloc"(memory => usize, 128 => usize, GFP_KERNEL => u32) -> usize);
        assert_eq!(same, memory);
        let grown = call!("krealloc"(memory => usize, 5000 => usize, GFP_KERNEL => u32) -> usize);
        // SAFETY: krealloc keeps what was there.
        assert_eq!(unsafe { *((grown + 99) as *const u8) }, 7);
        kfree(grown);
        for len in [8, 64, 4096] {
            let memory = kmalloc(len, GFP_KERNEL);
            assert!(memory.is_multiple_of(len), "kmalloc({len}) is not aligned");
            kfree(memory);
        }
        assert_eq!(cx.kernel.bug_count(), 0, "{}", log_of(cx));
    });
}

#[test]
fn odd_sizes_and_pointers_are_as_on_linux() {
    boot(1).enter(|cx| {
        assert_eq!(kmalloc(0, GFP_KERNEL), 16);
        kfree(16);
        kfree(0);
        assert_eq!(kmalloc(usize::MAX, GFP_KERNEL), 0);
        assert_eq!(call!("vmalloc"(0 => usize) -> usize), 0);
        assert_eq!(call!("vmalloc"(1 << 60 => usize) -> usize), 0);
        let pages = call!("vzalloc"(10_000 => usize) -> usize);
        assert!(pages.is_multiple_of(4096));
        call!("vfree"(pages => usize));
        let run = call!("__get_free_pages"(GFP_KERNEL => u32, 2 => u32) -> usize);
        assert!(run.is_multiple_of(4 * 4096));
        call!("free_pages"(run => usize, 2 => u32));
        assert_eq!(cx.kernel.bug_count(), 0, "{}", log_of(cx));
        call!("free_pages"(run => usize, 2 => u32));
        assert!(log_of(cx).contains("calls free_pages of") && log_of(cx).contains("freed before"));
    });
}

#[test]
fn a_second_free_is_reported_and_freed_memory_is_poisoned() {
    boot(1).enter(|cx| {
        let memory = kmalloc(32, GFP_KERNEL);
        kfree(memory);
        // SAFETY: freed memory is kept back for a while.
        assert_eq!(unsafe { *(memory as *const u64) }, 0x6b6b_6b6b_6b6b_6b6b);
        kfree(memory);
        assert_eq!(cx.kernel.bug_count(), 1);
        assert!(log_of(cx).contains("which was freed before"));
        for _ in 0..10_000 {
            kfree(kmalloc(32, GFP_KERNEL));
        }
        assert_eq!(cx.kernel.bug_count(), 1);
    });
}

#[test]
fn caches_construct_and_count_their_objects() {
    extern "C" fn construct(object: usize) {
        // SAFETY: an object of 24 bytes.
        unsafe { *(object as *mut u64) = 77 };
    }
    boot(1).enter(|cx| {
        let create = |align: u32| {
            call!("kmem_cache_create"(
                c("things").as_ptr() => Text, 24 => u32, align => u32, 0 => u32,
                construct => extern "C" fn(usize)) -> usize)
        };
        let cache = create(64);
        let alloc = || call!("kmem_cache_alloc"(cache => usize, GFP_KERNEL => u32) -> usize);
        let (first, second) = (alloc(), alloc());
        assert!(first != second && first.is_multiple_of(64));
        // SAFETY: the constructor has written it.
        assert_eq!(unsafe { *(second as *const u64) }, 77);
        call!("kmem_cache_free"(cache => usize, first => usize));
        call!("kmem_cache_destroy"(cache => usize));
        assert!(log_of(cx).contains("kmem_cache_destroy things: Slab cache still has objects"));
        call!("kmem_cache_free"(cache => usize, second => usize));
        call!("kmem_cache_destroy"(cache => usize));
        assert_eq!(cx.kernel.bug_count(), 1);
    });
}
