//! Caches of equal objects (Linux: linux/slab.h).
//!
//! An object is a block of its own, so that a use after free and a second free are found as with
//! kmalloc; the constructor runs on every object that is given out.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use kthreads_kernel::Cx;

use crate::heap;
use crate::memory::{check_context, fill};
use crate::object::{Ptr, from_c, into_c, text};

const MAGIC: u32 = 0x6b6d_6361;
const ALIGN_MIN: usize = 8;
const SLAB_HWCACHE_ALIGN: u32 = 0x2000;
const CACHE_LINE: usize = 64;

/// A cache: C's `struct kmem_cache`, which C does not look into.
pub(crate) struct Cache {
    magic: AtomicU32,
    name: Vec<u8>,
    len: usize,
    align: usize,
    constructor: Option<extern "C" fn(usize)>,
    objects: AtomicI64,
}

fn is_cache(cx: &Cx<'_>, cache: &Cache) -> bool {
    let valid = cache.magic.load(Ordering::Relaxed) == MAGIC;
    if !valid {
        cx.kernel.warn(cx, "kmem_cache function called for what is no cache, or no longer one");
    }
    valid
}

export! {
    fn kmem_cache_create(
        cx,
        name: Ptr<u8>,
        len: u32,
        align: u32,
        flags: u32,
        constructor: Option<extern "C" fn(usize)>,
    ) -> usize {
        cx.kernel.might_sleep(cx);
        let line = if flags & SLAB_HWCACHE_ALIGN != 0 { CACHE_LINE } else { ALIGN_MIN };
        let align = (align as usize).max(line);
        if len == 0 || !align.is_power_of_two() {
            return 0;
        }
        into_c(Box::new(Cache {
            magic: AtomicU32::new(MAGIC),
            name: text(name).to_vec(),
            len: len as usize,
            align,
            constructor,
            objects: AtomicI64::new(0),
        }))
    }

    fn kmem_cache_alloc(cx, cache: Ptr<Cache>, flags: u32) -> usize {
        let cache = cache.get();
        check_context(cx, flags);
        if !is_cache(cx, cache) {
            return 0;
        }
        let object = heap::allocate_aligned(cx, cache.len, cache.align, fill(flags));
        if object == 0 {
            return 0;
        }
        cache.objects.fetch_add(1, Ordering::Relaxed);
        if let Some(constructor) = cache.constructor {
            constructor(object);
        }
        object
    }

    fn kmem_cache_free(cx, cache: Ptr<Cache>, object: usize) {
        let cache = cache.get();
        if object == 0 || !is_cache(cx, cache) {
            return;
        }
        let Some(len) = heap::len_of(cx, object, "kmem_cache_free") else { return };
        if len != cache.len {
            return cx.kernel.warn(cx, "kmem_cache_free of an object of another cache");
        }
        cache.objects.fetch_sub(1, Ordering::Relaxed);
        heap::free(cx, object, "kmem_cache_free");
    }

    fn kmem_cache_destroy(cx, pointer: Ptr<Cache>) {
        let Some(cache) = pointer.option() else { return };
        if !is_cache(cx, cache) {
            return;
        }
        if cache.objects.load(Ordering::Relaxed) != 0 {
            let name = cache.name.escape_ascii();
            return cx.kernel.warn_at(
                cx,
                format_args!("kmem_cache_destroy {name}: Slab cache still has objects"),
            );
        }
        cache.magic.store(0, Ordering::Relaxed);
        drop(from_c(pointer));
    }

    fn kmem_cache_size(_cx, cache: Ptr<Cache>) -> u32 {
        cache.get().len as u32
    }
}

exports! {
    "kmem_cache_create" => kmem_cache_create, Any;
    "kmem_cache_alloc" => kmem_cache_alloc, Any;
    "kmem_cache_free" => kmem_cache_free, Any;
    "kmem_cache_destroy" => kmem_cache_destroy, Any;
    "kmem_cache_size" => kmem_cache_size, Any;
}
