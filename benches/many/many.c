// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * many - n threads that are blocked, all at once.
 *
 * Parameters:
 *	n=<k>	how many
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("many blocked threads");

static unsigned int n = 1000;
module_param(n, uint, 0444);

static struct task_struct **threads;
static unsigned int made;
static atomic_t missing;
static DECLARE_COMPLETION(all_here);

static int sleep_until_stop(void *unused)
{
	if (atomic_dec_and_test(&missing))
		complete(&all_here);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static int __init many_init(void)
{
	struct task_struct *t;
	u64 t0;

	threads = kvmalloc_array(n, sizeof(*threads), GFP_KERNEL);
	if (!threads)
		return -ENOMEM;
	/* one for this function: the last thread may run before it is counted */
	atomic_set(&missing, 1);
	t0 = ktime_get_ns();
	for (made = 0; made < n; made++) {
		atomic_inc(&missing);
		t = kthread_run(sleep_until_stop, NULL, "many_%u", made);
		if (IS_ERR(t)) {
			atomic_dec(&missing);
			pr_info("many: thread %u cannot be made (%ld)\n", made, PTR_ERR(t));
			break;
		}
		threads[made] = t;
	}
	if (!atomic_dec_and_test(&missing))
		wait_for_completion(&all_here);
	pr_info("many: blocked n=%u ns=%llu\n", made, ktime_get_ns() - t0);
	return 0;
}

static void __exit many_exit(void)
{
	unsigned int i, stopped = 0;
	u64 t0 = ktime_get_ns();

	for (i = 0; i < made; i++)
		stopped += kthread_stop(threads[i]) == 0;
	pr_info("many: stopped n=%u ns=%llu\n", stopped, ktime_get_ns() - t0);
	kvfree(threads);
}

module_init(many_init);
module_exit(many_exit);
