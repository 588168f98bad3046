/*
 * A running thread holds no reference to its module. The count is 1 during module_init, 0 afterwards and -1
 * while the module is unloaded, when no new reference can be had.
 *
 * Covers: module_refcount, module states, try_module_get (kernel/module/main.c:module_unload_init).
 *
 * script:
 *   insmod module_refcount.ko
 *   echo "case: live=$(grep -c ' 0 - Live ' /proc/modules)"
 *   rmmod module_refcount
 *   echo "case: gone=$(grep -c '^module_refcount ' /proc/modules)"
 *   echo "case: thread=$(pgrep -x refcount_thread)"
 */
#include "case.h"

static struct task_struct *task;

static int __init module_refcount_init(void)
{
	task = kthread_run(until_stopped, NULL, "refcount_thread");
	say("init: refcount=%d state=%d", module_refcount(THIS_MODULE), THIS_MODULE->state);
	say("name=%s", THIS_MODULE->name);
	return 0;
}

static void __exit module_refcount_exit(void)
{
	say("exit: refcount=%d state=%d", module_refcount(THIS_MODULE), THIS_MODULE->state);
	say("try_module_get=%d", try_module_get(THIS_MODULE));
	say("in=%s", current->comm);
	say("result=%d", kthread_stop(task));
}

module_init(module_refcount_init);
module_exit(module_refcount_exit);
