// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Right: memory that was of one class of locks becomes that of another, which is
 * taken in the other order: on a stack, on the heap, and initialised in place.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_SPINLOCK(table);
static spinlock_t place;

static noinline void take(spinlock_t *first, spinlock_t *second)
{
	spin_lock(first);
	spin_lock(second);
	spin_unlock(second);
	spin_unlock(first);
}

static noinline void on_stack(void)
{
	spinlock_t lock;

	spin_lock_init(&lock);
	take(&table, &lock);
}

static noinline void on_stack_the_other_way(void)
{
	spinlock_t lock;

	spin_lock_init(&lock);
	take(&lock, &table);
}

static noinline int on_heap(void)
{
	spinlock_t *lock = kmalloc(sizeof(*lock), GFP_KERNEL);

	if (!lock)
		return -ENOMEM;
	spin_lock_init(lock);
	take(&table, lock);
	kfree(lock);
	return 0;
}

static noinline int on_heap_the_other_way(void)
{
	/* Zero is a free lock, and nobody says more about it. */
	spinlock_t *lock = kzalloc(sizeof(*lock), GFP_KERNEL);

	if (!lock)
		return -ENOMEM;
	take(lock, &table);
	kfree(lock);
	return 0;
}

static int __init memory_used_again_init(void)
{
	int i;

	on_stack();
	on_stack_the_other_way();
	spin_lock_init(&place);
	take(&table, &place);
	spin_lock_init(&place);
	take(&place, &table);
	/* More than are kept back once they are freed. */
	for (i = 0; i < 700; i++)
		if (on_heap())
			return -ENOMEM;
	for (i = 0; i < 700; i++)
		if (on_heap_the_other_way())
			return -ENOMEM;
	return 0;
}

static void __exit memory_used_again_exit(void)
{
}

module_init(memory_used_again_init);
module_exit(memory_used_again_exit);
