// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What a lock costs that nobody else wants: nanoseconds for a lock and an
 * unlock, the best of many rounds. locks.script has it done with the lock
 * validator and then without.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

static int rounds = 300;
module_param(rounds, int, 0444);

#define TURNS	2000

struct object {
	spinlock_t lock;
	struct mutex mutex;
};

static DEFINE_SPINLOCK(outer);
static DEFINE_SPINLOCK(middle);
static struct object *object;
static unsigned long flags;

static noinline void spin(void)
{
	spin_lock(&object->lock);
	spin_unlock(&object->lock);
}

static noinline void spin_irqsave(void)
{
	spin_lock_irqsave(&object->lock, flags);
	spin_unlock_irqrestore(&object->lock, flags);
}

static noinline void spin_bh(void)
{
	spin_lock_bh(&object->lock);
	spin_unlock_bh(&object->lock);
}

static noinline void spin_try(void)
{
	if (spin_trylock(&object->lock))
		spin_unlock(&object->lock);
}

static noinline void mutex(void)
{
	mutex_lock(&object->mutex);
	mutex_unlock(&object->mutex);
}

static noinline void two(void)
{
	spin_lock(&outer);
	spin_lock(&object->lock);
	spin_unlock(&object->lock);
	spin_unlock(&outer);
}

static noinline void three(void)
{
	spin_lock(&outer);
	spin_lock(&middle);
	spin_lock(&object->lock);
	spin_unlock(&object->lock);
	spin_unlock(&middle);
	spin_unlock(&outer);
}

static noinline void init(void)
{
	spin_lock_init(&object->lock);
}

/* Three digits behind the point. */
static void measure(const char *name, void (*op)(void), int pairs)
{
	u64 best = U64_MAX;
	int round, turn;

	for (round = 0; round < rounds; round++) {
		u64 start = ktime_get_ns();

		for (turn = 0; turn < TURNS; turn++)
			op();
		best = min(best, ktime_get_ns() - start);
	}
	best = best * 1000 / TURNS / pairs;
	pr_info("LOCKS name=%s ns_per_pair=%llu.%03llu\n", name, best / 1000, best % 1000);
}

static int __init locks_init(void)
{
	object = kzalloc(sizeof(*object), GFP_KERNEL);
	if (!object)
		return -ENOMEM;
	spin_lock_init(&object->lock);
	mutex_init(&object->mutex);
	measure("spin", spin, 1);
	measure("spin_irqsave", spin_irqsave, 1);
	measure("spin_bh", spin_bh, 1);
	measure("spin_try", spin_try, 1);
	measure("mutex", mutex, 1);
	measure("two_nested", two, 2);
	measure("three_nested", three, 3);
	measure("spin_init", init, 1);
	return 0;
}

static void __exit locks_exit(void)
{
	kfree(object);
}

module_init(locks_init);
module_exit(locks_exit);
