// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A timer that wakes a thread: a device's data in one struct, timer_setup() as since Linux 4.15.
 *
 * log: ticker: tick 1
 * log: ticker: tick 2
 * log: ticker: tick 3
 * log: ticker: stopped in time
 */
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/timer.h>

#define PERIOD	msecs_to_jiffies(400)

struct ticker {
	struct timer_list	timer;
	struct completion	tick;
	struct task_struct	*thread;
	unsigned int		ticks;
};

static struct ticker *ticker;

static void ticker_expired(struct timer_list *t)
{
	struct ticker *tk = from_timer(tk, t, timer);

	complete(&tk->tick);
	mod_timer(&tk->timer, tk->timer.expires + PERIOD);
}

static int ticker_thread(void *data)
{
	struct ticker *tk = data;

	while (!kthread_should_stop()) {
		long left = wait_for_completion_interruptible_timeout(&tk->tick, 2 * HZ);

		if (kthread_should_stop())
			break;
		if (left == 0) {
			pr_err("ticker: no tick for two seconds\n");
			continue;
		}
		if (left > 0)
			pr_info("ticker: tick %u\n", ++tk->ticks);
	}
	return tk->ticks;
}

static int __init ticker_init(void)
{
	struct ticker *tk = kzalloc(sizeof(*tk), GFP_KERNEL);
	int err;

	if (!tk)
		return -ENOMEM;
	init_completion(&tk->tick);
	timer_setup(&tk->timer, ticker_expired, 0);
	tk->thread = kthread_run(ticker_thread, tk, "ticker");
	if (IS_ERR(tk->thread)) {
		err = PTR_ERR(tk->thread);
		kfree(tk);
		return err;
	}
	tk->timer.expires = jiffies + PERIOD;
	add_timer(&tk->timer);
	ticker = tk;
	return 0;
}

static void __exit ticker_exit(void)
{
	unsigned long begin = jiffies;
	int ticks;

	del_timer_sync(&ticker->timer);
	ticks = kthread_stop(ticker->thread);
	/* Stopping wakes the thread out of its wait. */
	if (ticks >= 6 && time_before(jiffies, begin + HZ))
		pr_info("ticker: stopped in time\n");
	else
		pr_err("ticker: %d ticks, stopped after %lu jiffies\n", ticks, jiffies - begin);
	kfree(ticker);
}

module_init(ticker_init);
module_exit(ticker_exit);
MODULE_LICENSE("Dual MIT/GPL");
