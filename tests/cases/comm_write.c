/*
 * Nobody renames a kernel thread from outside.
 *
 * Covers: a write to /proc/PID/comm (fs/proc/base.c:comm_write).
 *
 * script:
 *   insmod comm_write.ko
 *   echo other > /proc/$(pgrep -x keeps_its_name)/comm
 *   echo "case: $(cat /proc/$(pgrep -x keeps_its_name)/comm)"
 *   rmmod comm_write
 */
#include "case.h"

static struct task_struct *task;

static int __init comm_write_init(void)
{
	task = kthread_run(until_stopped, NULL, "keeps_its_name");
	return 0;
}

static void __exit comm_write_exit(void)
{
	say("comm=%s", task->comm);
	kthread_stop(task);
}

module_init(comm_write_init);
module_exit(comm_write_exit);
