// SPDX-License-Identifier: MIT OR Apache-2.0
/* Threads that compute in their own text, where they are interrupted at any instruction, and
 * allocate and free in between. */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

MODULE_LICENSE("Dual MIT/GPL");

#define THREADS 2

static struct task_struct *threads[THREADS];
static DEFINE_MUTEX(lock);
static unsigned long sum;	/* under lock */

static unsigned long compute(unsigned long seed)
{
	unsigned int i;

	for (i = 0; i < 200000; i++)
		seed = seed * 6364136223846793005ul + 1442695040888963407ul;
	return seed;
}

static int busy(void *data)
{
	unsigned long seed = (unsigned long)data;

	while (!kthread_should_stop()) {
		size_t size = 1 + (seed >> 40) % 3000;
		char *small = kmalloc(size, GFP_KERNEL), *big = vmalloc(size * 8);

		seed = compute(seed);
		if (small)
			memset(small, (int)seed, size);
		if (big)
			memset(big, (int)seed, size * 8);
		mutex_lock(&lock);
		sum += seed;
		mutex_unlock(&lock);
		kfree(small);
		vfree(big);
		if (seed % 4 == 0)
			msleep(1);
	}
	return 0;
}

static void stop_all(void)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++)
		if (!IS_ERR_OR_NULL(threads[i]))
			kthread_stop(threads[i]);
}

static int __init soak_busy_init(void)
{
	unsigned long i;

	for (i = 0; i < THREADS; i++)
		threads[i] = NULL;
	for (i = 0; i < THREADS; i++) {
		threads[i] = kthread_run(busy, (void *)(i + 1), "soak_busy/%lu", i);
		if (IS_ERR(threads[i])) {
			stop_all();
			return -EAGAIN;
		}
		set_user_nice(threads[i], 10);
	}
	return 0;
}

static void __exit soak_busy_exit(void)
{
	stop_all();
}

module_init(soak_busy_init);
module_exit(soak_busy_exit);
