/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_SLAB_H
#define _KTHREADS_LINUX_SLAB_H

#include <linux/gfp.h>
#include <linux/types.h>
#include <linux/overflow.h>

extern __malloc void *__kmalloc(size_t size, gfp_t flags);
extern void kfree(const void *p);
extern void kfree_sensitive(const void *p);
extern void * __must_check krealloc(const void *p, size_t size, gfp_t flags);
extern size_t ksize(const void *p);
extern __malloc void *kvmalloc_node(size_t size, gfp_t flags, int node);
extern void kvfree(const void *p);

/* What an allocation of no bytes gives. */
#define ZERO_SIZE_PTR		((void *)16)
#define ZERO_OR_NULL_PTR(p)	((unsigned long)(p) <= (unsigned long)ZERO_SIZE_PTR)

#define ARCH_KMALLOC_MINALIGN	8
#define KMALLOC_MAX_SIZE	(1UL << 22)

static inline __malloc void *kmalloc(size_t size, gfp_t flags)
{
	return __kmalloc(size, flags);
}

static inline __malloc void *kzalloc(size_t size, gfp_t flags)
{
	return __kmalloc(size, flags | __GFP_ZERO);
}

static inline __malloc void *kmalloc_array(size_t n, size_t size, gfp_t flags)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(n, size, &bytes)))
		return NULL;
	return __kmalloc(bytes, flags);
}

static inline __malloc void *kcalloc(size_t n, size_t size, gfp_t flags)
{
	return kmalloc_array(n, size, flags | __GFP_ZERO);
}

static inline void * __must_check krealloc_array(void *p, size_t n, size_t size,
						 gfp_t flags)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(n, size, &bytes)))
		return NULL;
	return krealloc(p, bytes, flags);
}

static inline __malloc void *kvmalloc(size_t size, gfp_t flags)
{
	return kvmalloc_node(size, flags, NUMA_NO_NODE);
}

static inline __malloc void *kvzalloc(size_t size, gfp_t flags)
{
	return kvmalloc(size, flags | __GFP_ZERO);
}

static inline __malloc void *kvmalloc_array(size_t n, size_t size, gfp_t flags)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(n, size, &bytes)))
		return NULL;
	return kvmalloc(bytes, flags);
}

static inline __malloc void *kvcalloc(size_t n, size_t size, gfp_t flags)
{
	return kvmalloc_array(n, size, flags | __GFP_ZERO);
}

#define kmalloc_node(size, flags, node)		kmalloc(size, flags)
#define kzalloc_node(size, flags, node)		kzalloc(size, flags)
#define kmalloc_array_node(n, size, flags, node) kmalloc_array(n, size, flags)
#define kcalloc_node(n, size, flags, node)	kcalloc(n, size, flags)
#define kvzalloc_node(size, flags, node)	kvzalloc(size, flags)
#define kzfree(p)				kfree_sensitive(p)

struct kmem_cache;

#define SLAB_CONSISTENCY_CHECKS	0x00000100U
#define SLAB_RED_ZONE		0x00000400U
#define SLAB_POISON		0x00000800U
#define SLAB_HWCACHE_ALIGN	0x00002000U
#define SLAB_STORE_USER		0x00010000U
#define SLAB_RECLAIM_ACCOUNT	0x00020000U
#define SLAB_PANIC		0x00040000U
#define SLAB_MEM_SPREAD		0x00100000U
#define SLAB_ACCOUNT		0x04000000U

extern struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
					    unsigned int align, slab_flags_t flags,
					    void (*ctor)(void *));
extern void *kmem_cache_alloc(struct kmem_cache *s, gfp_t flags);
extern void kmem_cache_free(struct kmem_cache *s, void *obj);
extern void kmem_cache_destroy(struct kmem_cache *s);
extern unsigned int kmem_cache_size(struct kmem_cache *s);

#define kmem_cache_alloc_node(s, flags, node)	kmem_cache_alloc(s, flags)
#define KMEM_CACHE(type, flags) \
	kmem_cache_create(#type, sizeof(struct type), \
			  __alignof__(struct type), (flags), NULL)

static inline void *kmem_cache_zalloc(struct kmem_cache *s, gfp_t flags)
{
	return kmem_cache_alloc(s, flags | __GFP_ZERO);
}

#endif
