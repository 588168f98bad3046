// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A relay race: each runner waits for the one before it with a completion, then the judge waits
 * for all of them.
 *
 * log: relay: runner 0 has the baton
 * log: relay: runner 1 has the baton
 * log: relay: runner 2 has the baton
 * log: relay: runner 3 has the baton
 * log: relay: all 4 have run
 */
#define pr_fmt(fmt) "relay: " fmt

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>

#define RUNNERS	4

static struct runner {
	struct completion turn;
	struct task_struct *task;
} runner[RUNNERS];

static DECLARE_COMPLETION(start);
static DECLARE_COMPLETION(finish);

static int run(void *data)
{
	struct runner *me = data;
	int number = me - runner;

	/* Everybody starts when complete_all() says so. */
	wait_for_completion(&start);
	wait_for_completion(&me->turn);
	pr_info("runner %d has the baton\n", number);
	usleep_range(1000, 2000);
	if (number + 1 < RUNNERS)
		complete(&runner[number + 1].turn);
	complete(&finish);
	return 0;
}

static int __init relay_init(void)
{
	int i, made;

	for (i = 0; i < RUNNERS; i++)
		init_completion(&runner[i].turn);
	/* In reverse, so that the order comes from the completions. */
	for (i = RUNNERS - 1, made = 0; i >= 0; i--, made++) {
		runner[i].task = kthread_run(run, &runner[i], "runner/%d", i);
		if (IS_ERR(runner[i].task))
			break;
	}
	complete_all(&start);
	if (made < RUNNERS) {
		for (i = 0; i < RUNNERS; i++)
			complete_all(&runner[i].turn);
	}
	complete(&runner[0].turn);
	for (i = 0; i < made; i++)
		wait_for_completion(&finish);
	/* Let the last one leave our code before it can be unloaded. */
	msleep(10);
	pr_info("all %d have run\n", made);
	return made == RUNNERS ? 0 : -ENOMEM;
}

static void __exit relay_exit(void)
{
}

module_init(relay_init);
module_exit(relay_exit);
MODULE_LICENSE("GPL v2");
