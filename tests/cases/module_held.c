/*
 * A module that is referenced cannot be unloaded. A thread that holds the reference gives it back and ends in
 * one call, from the kernel's own text.
 *
 * Covers: __module_get, module_refcount, module_put_and_kthread_exit (kernel/module/main.c), rmmod of a module
 * in use.
 *
 * script:
 *   insmod module_held.ko
 *   rmmod module_held
 *   echo "case: held=$(grep -c ' 1 - Live ' /proc/modules)"
 *   pkill -15 -x holds_module
 *   sleep 0.5
 *   echo "case: held=$(grep -c ' 1 - Live ' /proc/modules)"
 *   echo "case: free=$(grep -c ' 0 - Live ' /proc/modules)"
 *   echo "case: thread=$(pgrep -x holds_module)"
 *   rmmod module_held
 *   echo "case: loaded=$(grep -c '^module_held ' /proc/modules)"
 */
#include "case.h"

static DECLARE_WAIT_QUEUE_HEAD(queue);
static struct task_struct *task;

static int holds_module(void *unused)
{
	allow_signal(SIGTERM);
	wait_event_interruptible(queue, false);
	say("gives up: refcount=%d", module_refcount(THIS_MODULE));
	module_put_and_kthread_exit(9);
	return 0;
}

static int __init module_held_init(void)
{
	__module_get(THIS_MODULE);
	task = kthread_create(holds_module, NULL, "holds_module");
	get_task_struct(task);
	wake_up_process(task);
	sleeps_in(task, TASK_INTERRUPTIBLE);
	return 0;
}

static void __exit module_held_exit(void)
{
	say("exit: refcount=%d", module_refcount(THIS_MODULE));
	say("result=%d", kthread_stop(task));
	put_task_struct(task);
}

module_init(module_held_init);
module_exit(module_held_exit);
