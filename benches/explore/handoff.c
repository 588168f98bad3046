// SPDX-License-Identifier: MIT OR Apache-2.0
/* Two threads hand a token to each other twenty times, by completion. */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("what explorers of schedules are compared by");

#define TURNS 10

static DECLARE_COMPLETION(ping);
static DECLARE_COMPLETION(pong);
static DECLARE_COMPLETION(ended);
static int token;

static int first(void *unused)
{
	int turn;

	for (turn = 0; turn < TURNS; turn++) {
		token++;
		complete(&ping);
		wait_for_completion(&pong);
	}
	kthread_complete_and_exit(&ended, 0);
}

static int second(void *unused)
{
	int turn;

	for (turn = 0; turn < TURNS; turn++) {
		wait_for_completion(&ping);
		token++;
		complete(&pong);
	}
	kthread_complete_and_exit(&ended, 0);
}

static int __init handoff_init(void)
{
	if (IS_ERR(kthread_run(second, NULL, "second")))
		return -ENOMEM;
	if (IS_ERR(kthread_run(first, NULL, "first")))
		return -ENOMEM;
	wait_for_completion(&ended);
	wait_for_completion(&ended);
	WARN_ON(token != 2 * TURNS);
	return 0;
}

static void __exit handoff_exit(void)
{
}

module_init(handoff_init);
module_exit(handoff_exit);
