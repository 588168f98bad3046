// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Objects that several threads hold: kref, refcount_t, atomics, and a cache they come from.
 *
 * log: refs: the last of 3 holders freed it
 * log: refs: 300 made, 300 freed
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kref.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/refcount.h>
#include <linux/slab.h>

#define HOLDERS	3
#define ROUNDS	300

struct object {
	struct kref kref;
	atomic_t touched;
	int number;
};

static struct kmem_cache *cache;
static atomic64_t made = ATOMIC64_INIT(0), freed = ATOMIC64_INIT(0);
static refcount_t holders = REFCOUNT_INIT(1);
static struct object *shared;
static struct task_struct *thread[HOLDERS];

static void release(struct kref *kref)
{
	struct object *object = container_of(kref, struct object, kref);

	if (object->number == ROUNDS)
		pr_info("the last of %d holders freed it\n", atomic_read(&object->touched));
	kmem_cache_free(cache, object);
	atomic64_inc(&freed);
}

static struct object *make(int number)
{
	struct object *object = kmem_cache_alloc(cache, GFP_KERNEL);

	if (!object)
		return NULL;
	kref_init(&object->kref);
	atomic_set(&object->touched, 0);
	object->number = number;
	atomic64_inc(&made);
	return object;
}

static int hold(void *data)
{
	struct object *object = data;

	atomic_inc(&object->touched);
	msleep(50);
	kref_put(&object->kref, release);
	refcount_dec(&holders);
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

static int __init refs_init(void)
{
	int i;

	cache = KMEM_CACHE(object, SLAB_HWCACHE_ALIGN);
	if (!cache)
		return -ENOMEM;
	for (i = 1; i < ROUNDS; i++) {
		struct object *object = make(i);

		if (object && kref_get_unless_zero(&object->kref))
			kref_put(&object->kref, release);
		if (object)
			kref_put(&object->kref, release);
	}
	shared = make(ROUNDS);
	if (!shared) {
		kmem_cache_destroy(cache);
		return -ENOMEM;
	}
	for (i = 0; i < HOLDERS; i++) {
		kref_get(&shared->kref);
		refcount_inc(&holders);
		thread[i] = kthread_run(hold, shared, "holder%d", i);
		if (IS_ERR(thread[i])) {
			refcount_dec(&holders);
			kref_put(&shared->kref, release);
		}
	}
	/* From here on it is theirs. */
	kref_put(&shared->kref, release);
	return 0;
}

static void __exit refs_exit(void)
{
	int i;

	for (i = 0; i < HOLDERS; i++)
		if (!IS_ERR(thread[i]))
			kthread_stop(thread[i]);
	if (!refcount_dec_and_test(&holders))
		pr_err("%u holders are left\n", refcount_read(&holders));
	pr_info("%lld made, %lld freed\n", atomic64_read(&made), atomic64_read(&freed));
	kmem_cache_destroy(cache);
}

module_init(refs_init);
module_exit(refs_exit);
MODULE_LICENSE("GPL");
