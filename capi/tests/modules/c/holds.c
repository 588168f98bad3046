/* A thread holds a reference until it is told to go. */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/signal.h>

static int holds(void *unused)
{
	allow_signal(SIGTERM);
	while (!signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		schedule();
	}
	module_put_and_kthread_exit(0);
	return 0;
}

static int __init holds_init(void)
{
	__module_get(THIS_MODULE);
	kthread_run(holds, NULL, "holds");
	return 0;
}

static void __exit holds_exit(void)
{
	module_put(THIS_MODULE);
}

module_init(holds_init);
module_exit(holds_exit);
MODULE_LICENSE("GPL");
