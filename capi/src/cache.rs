//! Caches of equal objects (Linux: linux/slab.h).
//!
//! An object is a block of its own, so that a use after free and a second free are found as with
//! kmalloc; the constructor runs on every object that is given out.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use kthreads_kernel::Cx;
use kthreads_kernel::heap::Kind;
use kthreads_kernel::log;
use kthreads_kernel::log::Level;

use crate::heap::{self, Freeing, Request};
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

/// The name of the cache at an address, which is one or has been one and is kept.
pub(crate) fn name_of(cache: usize) -> String {
    Ptr::<Cache>::at(cache).get().name.escape_ascii().to_string()
}

/// Takes a destroyed cache back.
pub(crate) fn release(cache: usize) {
    drop(from_c::<Cache>(Ptr::at(cache)));
}

/// Whether there is a cache at an address; if not, says so.
fn is_cache(cx: &Cx<'_>, cache: Ptr<Cache>, who: &'static str) -> bool {
    let valid = cache.get().magic.load(Ordering::Relaxed) == MAGIC;
    if !valid {
        report_no_cache(cx, cache.address(), who);
    }
    valid
}

#[cold]
fn report_no_cache(cx: &Cx<'_>, address: usize, who: &'static str) {
    let Some((_, record)) = cx.kernel.block_at(address) else {
        cx.kernel.warn_at(cx, format_args!("{who} of {address:#x}, which is no kmem_cache"));
        return;
    };
    cx.kernel.count_bug();
    let name = name_of(address);
    log!(cx, Level::Error, "kthreads: {who} of the kmem_cache {name}, which was destroyed");
    cx.kernel.log_block(cx, &record.block());
    cx.kernel.dump_stack(cx);
}

/// Whether an object is one of this cache; if not, says so in Linux's words (cache_from_obj).
fn is_object_of(cx: &Cx<'_>, cache: Ptr<Cache>, of: usize) -> bool {
    let is_same = of == cache.address();
    if !is_same {
        let name = name_of(cache.address());
        let other = cx.kernel.block_at(of).map_or(String::new(), |_| name_of(of));
        let what =
            format_args!("cache_from_obj: Wrong slab cache. {name} but object is from {other}");
        cx.kernel.warn_at(cx, what);
    }
    is_same
}

export! {
    fn kmem_cache_create_from(
        cx,
        name: Ptr<u8>,
        len: u32,
        align: u32,
        flags: u32,
        constructor: Option<extern "C" fn(usize)>,
        place: usize,
    ) -> usize {
        cx.kernel.might_sleep(cx);
        let line = if flags & SLAB_HWCACHE_ALIGN != 0 { CACHE_LINE } else { ALIGN_MIN };
        let align = (align as usize).max(line);
        if len == 0 || !align.is_power_of_two() {
            return 0;
        }
        let cache = into_c(Box::new(Cache {
            magic: AtomicU32::new(MAGIC),
            name: text(name).to_vec(),
            len: len as usize,
            align,
            constructor,
            objects: AtomicI64::new(0),
        }));
        if !heap::enter(cx, Kind::Cache, cache, size_of::<Cache>(), place) {
            release(cache);
            return 0;
        }
        cache
    }

    fn kmem_cache_alloc_from(cx, pointer: Ptr<Cache>, flags: u32, place: usize) -> usize {
        let cache = pointer.get();
        check_context(cx, flags);
        if !is_cache(cx, pointer, "kmem_cache_alloc") {
            return 0;
        }
        let object = heap::allocate_block(cx, &Request {
            kind: Kind::CacheObject,
            len: cache.len,
            room: cache.len,
            align: cache.align,
            fill: fill(flags),
            cache: pointer.address(),
            place,
        });
        if object == 0 {
            return 0;
        }
        cache.objects.fetch_add(1, Ordering::Relaxed);
        if let Some(constructor) = cache.constructor {
            constructor(object);
        }
        object
    }

    fn kmem_cache_free_from(cx, pointer: Ptr<Cache>, object: usize, place: usize) {
        let how = Freeing { who: "kmem_cache_free", place };
        if object == 0 || !is_cache(cx, pointer, how.who) {
            return;
        }
        let Some((index, record)) = heap::find_live(cx, object, how.who) else { return };
        let block = record.block();
        if !heap::is_right(cx, &block, how) {
            return;
        }
        if block.kind == Kind::CacheObject {
            if !is_object_of(cx, pointer, block.cache) {
                return;
            }
            pointer.get().objects.fetch_sub(1, Ordering::Relaxed);
        }
        heap::free_block(cx, index, record, how);
    }

    fn kmem_cache_destroy_from(cx, pointer: Ptr<Cache>, place: usize) {
        let Some(cache) = pointer.option() else { return };
        if !is_cache(cx, pointer, "kmem_cache_destroy") {
            return;
        }
        if cache.objects.load(Ordering::Relaxed) != 0 {
            let (name, place) = (cache.name.escape_ascii(), cx.kernel.place_name(place));
            log!(
                cx,
                Level::Error,
                "BUG {name} ({}): Objects remaining in {name} on __kmem_cache_shutdown()",
                cx.kernel.taint_text()
            );
            cx.kernel.log_objects_of(cx, pointer.address());
            let what = "Slab cache still has objects when called from";
            return cx.kernel.warn_at(cx, format_args!("kmem_cache_destroy {name}: {what} {place}"));
        }
        cache.magic.store(0, Ordering::Relaxed);
        if let Some((index, record)) = cx.kernel.block_at(pointer.address()) {
            heap::free_block(cx, index, record, Freeing { who: "kmem_cache_destroy", place });
        }
    }

    fn kmem_cache_size(_cx, cache: Ptr<Cache>) -> u32 {
        cache.get().len as u32
    }
}

/// Counts an object of a cache off that another function frees.
pub(crate) fn forget_object(cache: usize) {
    Ptr::<Cache>::at(cache).get().objects.fetch_sub(1, Ordering::Relaxed);
}

with_caller! {
    kmem_cache_create, "r9" => kmem_cache_create_from;
    kmem_cache_alloc, "rdx" => kmem_cache_alloc_from;
    kmem_cache_free, "rdx" => kmem_cache_free_from;
    kmem_cache_destroy, "rsi" => kmem_cache_destroy_from;
}

exports! {
    "kmem_cache_create" => kmem_cache_create, Any;
    "kmem_cache_alloc" => kmem_cache_alloc, Any;
    "kmem_cache_free" => kmem_cache_free, Any;
    "kmem_cache_destroy" => kmem_cache_destroy, Any;
    "kmem_cache_size" => kmem_cache_size, Any;
}
