// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Counters that threads and a timer share: spin_lock_irqsave() in the threads, since the timer
 * comes in an interrupt.
 *
 * log: irq_counter: both sums agree
 */
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

struct counters {
	spinlock_t lock;
	u64 total;
	u64 from_threads;
	u64 from_timer;
};

static struct counters counters = {
	.lock = __SPIN_LOCK_UNLOCKED(counters.lock),
};
static struct task_struct *threads[3];
static struct timer_list timer;

static int count(void *unused)
{
	unsigned long flags;

	while (!kthread_should_stop()) {
		int i;

		for (i = 0; i < 100; i++) {
			spin_lock_irqsave(&counters.lock, flags);
			WARN_ON_ONCE(!irqs_disabled());
			counters.total++;
			counters.from_threads++;
			spin_unlock_irqrestore(&counters.lock, flags);
		}
		cond_resched();
		schedule_timeout_interruptible(1);
	}
	return 0;
}

static void timer_fn(struct timer_list *t)
{
	WARN_ON_ONCE(!in_interrupt());
	spin_lock(&counters.lock);
	counters.total += 3;
	counters.from_timer += 3;
	spin_unlock(&counters.lock);
	mod_timer(t, jiffies + 2);
}

static void stop_all(void)
{
	int i;

	timer_delete_sync(&timer);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		if (!IS_ERR_OR_NULL(threads[i]))
			kthread_stop(threads[i]);
}

static int __init irq_counter_init(void)
{
	int i;

	timer_setup(&timer, timer_fn, 0);
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		threads[i] = kthread_run(count, NULL, "count/%d", i);
		if (IS_ERR(threads[i])) {
			stop_all();
			return PTR_ERR(threads[i]);
		}
	}
	mod_timer(&timer, jiffies + 1);
	return 0;
}

static void __exit irq_counter_exit(void)
{
	stop_all();
	if (counters.from_threads && counters.from_timer &&
	    counters.total == counters.from_threads + counters.from_timer)
		pr_info("irq_counter: both sums agree\n");
	else
		pr_err("irq_counter: %llu is not %llu + %llu\n", counters.total,
		       counters.from_threads, counters.from_timer);
}

module_init(irq_counter_init);
module_exit(irq_counter_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("the kthreads project");
