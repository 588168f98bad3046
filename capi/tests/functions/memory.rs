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

/// Writes a byte where it does not belong.
fn scribble(address: usize) {
    // SAFETY: part of a block's red zone, or of freed memory that is kept back.
    unsafe { *(address as *mut u8) = 7 };
}

#[test]
fn damage_is_told_once_with_its_place() {
    boot(1).enter(|cx| {
        let (before, behind) = (kmalloc(20, GFP_KERNEL), kmalloc(20, GFP_KERNEL));
        scribble(before - 16);
        scribble(behind + 20);
        kfree(before);
        kfree(behind);
        let log = log_of(cx);
        assert!(log.contains("BUG kmalloc-32 (Not tainted): Left Redzone overwritten"), "{log}");
        assert!(log.contains("@offset=-16. First byte 0x7 instead of 0xcc"), "{log}");
        assert!(log.contains("BUG kmalloc-32 (Not tainted): Right Redzone overwritten"), "{log}");
        assert!(log.contains("@offset=20. First byte 0x7 instead of 0xcc"), "{log}");
        assert_eq!(cx.kernel.bug_count(), 2);
        scribble(behind + 3);
        for _ in 0..1000 {
            kfree(kmalloc(32, GFP_KERNEL));
        }
        assert!(log_of(cx).contains("Poison overwritten"));
        assert_eq!(cx.kernel.bug_count(), 3);
    });
}

#[test]
fn a_damaged_header_does_not_hide_a_block() {
    boot(1).enter(|cx| {
        let memory = kmalloc(64, GFP_KERNEL);
        // SAFETY: what stands before the memory, which is not the caller's.
        unsafe { core::ptr::write_bytes((memory - 32) as *mut u8, 0x11, 32) };
        kfree(memory);
        assert!(log_of(cx).contains("Left Redzone overwritten"), "{}", log_of(cx));
        kfree(memory);
        assert!(log_of(cx).contains("Object already free"), "{}", log_of(cx));
        assert_eq!(cx.kernel.bug_count(), 2);
    });
}

#[test]
fn ksize_gives_the_room_and_krealloc_moves_the_red_zone() {
    boot(1).enter(|cx| {
        let memory = kmalloc(20, GFP_KERNEL);
        let size = call!("ksize"(memory => usize) -> usize);
        assert_eq!(size, 32);
        scribble(memory + 31);
        let resize = |len: usize| {
            call!("krealloc"(memory => usize, len => usize, GFP_KERNEL => u32) -> usize)
        };
        assert_eq!(resize(10), memory);
        assert_eq!(resize(30), memory);
        scribble(memory + 29);
        assert_eq!(cx.kernel.bug_count(), 0, "{}", log_of(cx));
        scribble(memory + 30);
        assert_eq!(resize(32), memory);
        assert_eq!(cx.kernel.bug_count(), 1);
        kfree(memory);
        assert_eq!(cx.kernel.bug_count(), 1);
    });
}

#[test]
fn what_only_looks_like_an_object_in_use_is_none() {
    boot(2).enter(|cx| {
        let memory = kmalloc(4096, GFP_KERNEL);
        let pid = cx.task.pid() as u64;
        let (completion, mutex, semaphore) = (0x636f_6d70_u64, 0x6d75_7478_u64, 0x7365_6d61_u64);
        // Free completions and semaphores, a free mutex, a lock nobody can hold here, a timer that
        // is in no wheel, a wait queue of nobody on a stack.
        let stack = core::ptr::from_ref(&pid) as u64;
        let words = [
            completion << 32,
            completion,
            0,
            mutex,
            semaphore << 32,
            pid + 1,
            1 | (pid + 1) << 32,
            memory as u64 + 8,
            memory as u64 + 8,
            1000,
            memory as u64,
            1,
            0,
            stack,
            stack,
            0,
        ];
        for (index, word) in words.iter().cycle().take(512).enumerate() {
            // SAFETY: within the 4096 bytes.
            unsafe { *(memory as *mut u64).add(index) = *word };
        }
        kfree(memory);
        assert_eq!(cx.kernel.bug_count(), 0, "{}", log_of(cx));
    });
}

#[test]
fn blocks_of_all_cpus_are_freed_on_others() {
    let kernel = boot(4);
    let hands: Vec<_> = (0..8)
        .map(|seed: usize| {
            let kernel = &kernel;
            move || {
                kernel.enter_as("hand", |cx| {
                    let mut held = std::collections::VecDeque::new();
                    for turn in 0..2000_usize {
                        held.push_back(kmalloc(1 + (turn * 37 + seed * 101) % 3000, GFP_KERNEL));
                        if held.len() > 20 {
                            held.pop_front().into_iter().for_each(kfree);
                        }
                        if turn % 64 == 0 {
                            cx.kernel.yield_now(cx);
                        }
                    }
                    held.into_iter().for_each(kfree);
                });
            }
        })
        .collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = hands.into_iter().map(|hand| scope.spawn(hand)).collect();
        threads.into_iter().for_each(|thread| thread.join().expect("it ends well"));
    });
    kernel.enter(|cx| assert_eq!(cx.kernel.bug_count(), 0, "{}", log_of(cx)));
}
