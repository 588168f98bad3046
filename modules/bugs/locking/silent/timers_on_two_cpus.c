// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Right: timers' functions on two idle CPUs want one lock at a time. All idle
 * threads have the same number.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_SPINLOCK(count_lock);
static struct timer_list timers[2];
static int count;

static void tick(struct timer_list *timer)
{
	int i;

	for (i = 0; i < 4; i++) {
		spin_lock(&count_lock);
		count++;
		spin_unlock(&count_lock);
	}
}

static int __init timers_on_two_cpus_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(timers); i++) {
		timer_setup(&timers[i], tick, TIMER_PINNED);
		timers[i].expires = jiffies + 2;
		add_timer_on(&timers[i], i % num_online_cpus());
	}
	return 0;
}

static void __exit timers_on_two_cpus_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(timers); i++)
		del_timer_sync(&timers[i]);
}

module_init(timers_on_two_cpus_init);
module_exit(timers_on_two_cpus_exit);
