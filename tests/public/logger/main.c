// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A module of two files with a Makefile: a timer fills a ring, a thread empties it.
 *
 * log: logger: a ring of 16
 * log: logger: nothing was lost
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/timer.h>
#include <linux/wait.h>

#include "ring.h"

static struct ring ring;
static struct timer_list source;
static DECLARE_WAIT_QUEUE_HEAD(data);
static struct task_struct *drain;
static u32 next_in, next_out;
static unsigned int overruns;

static void produce(struct timer_list *t)
{
	int i;

	for (i = 0; i < 5; i++) {
		if (ring_put(&ring, next_in))
			next_in++;
		else
			overruns++;
	}
	wake_up(&data);
	mod_timer(t, jiffies + HZ / 20);
}

static int drain_ring(void *unused)
{
	u32 value;

	for (;;) {
		bool got = false;

		wait_event(data, (got = ring_get(&ring, &value)) || kthread_should_stop());
		if (!got)
			return 0;
		WARN_ON_ONCE(value != next_out);
		next_out++;
	}
}

static int __init logger_init(void)
{
	ring_init(&ring);
	pr_info("a ring of %u\n", (unsigned int)ARRAY_SIZE(ring.slot));
	drain = kthread_run(drain_ring, NULL, "drain");
	if (IS_ERR(drain))
		return PTR_ERR(drain);
	timer_setup(&source, produce, 0);
	mod_timer(&source, jiffies + 1);
	return 0;
}

static void __exit logger_exit(void)
{
	del_timer_sync(&source);
	kthread_stop(drain);
	if (next_in > 100 && next_in == next_out && !overruns)
		pr_info("nothing was lost\n");
	else
		pr_err("%u in, %u out, %u overruns\n", next_in, next_out, overruns);
}

module_init(logger_init);
module_exit(logger_exit);
MODULE_LICENSE("GPL");
