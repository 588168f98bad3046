// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Right: a parent and its child, of one class, always in this order and with
 * their levels named.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

enum { GRANDPARENT, PARENT, CHILD };

struct node {
	struct mutex mutex;
	spinlock_t lock;
};

static struct node nodes[3];

static int __init nested_levels_init(void)
{
	unsigned long flags;
	int i, n;

	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		mutex_init(&nodes[i].mutex);
		spin_lock_init(&nodes[i].lock);
	}
	for (n = 0; n < 3; n++) {
		/* Whichever it is: the levels count. */
		struct node *top = &nodes[n], *below = &nodes[(n + 1) % 3], *last = &nodes[(n + 2) % 3];

		mutex_lock(&top->mutex);
		mutex_lock_nested(&below->mutex, PARENT);
		if (!mutex_lock_interruptible_nested(&last->mutex, CHILD))
			mutex_unlock(&last->mutex);
		mutex_unlock(&below->mutex);
		mutex_unlock(&top->mutex);
		spin_lock(&top->lock);
		spin_lock_nested(&below->lock, PARENT);
		spin_lock_irqsave_nested(&last->lock, flags, CHILD);
		spin_unlock_irqrestore(&last->lock, flags);
		spin_unlock(&below->lock);
		spin_unlock(&top->lock);
	}
	return 0;
}

static void __exit nested_levels_exit(void)
{
}

module_init(nested_levels_init);
module_exit(nested_levels_exit);
