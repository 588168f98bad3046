/*
 * A long name is cut to 15 characters in task->comm, yet /proc shows it in full, up to 63 characters.
 *
 * Covers: kthread_create's name (kernel/kthread.c:__kthread_create_on_node, get_kthread_comm;
 * fs/proc/array.c:proc_task_name). The first name has exactly 15 characters, the second 23, the third 70.
 *
 * script:
 *   insmod name_truncation.ko
 *   echo "case: comm=$(cat /proc/$(cat /sys/module/name_truncation/parameters/fits)/comm)"
 *   echo "case: comm=$(cat /proc/$(cat /sys/module/name_truncation/parameters/cut)/comm)"
 *   echo "case: comm=$(cat /proc/$(cat /sys/module/name_truncation/parameters/huge)/comm)"
 *   echo "case: $(grep Name: /proc/$(cat /sys/module/name_truncation/parameters/fits)/status)"
 *   echo "case: $(grep Name: /proc/$(cat /sys/module/name_truncation/parameters/cut)/status)"
 *   echo "case: $(grep Name: /proc/$(cat /sys/module/name_truncation/parameters/huge)/status)"
 *   echo "case: stat=$(grep -c '(twenty_three_characters) S 2 ' /proc/$(cat /sys/module/name_truncation/parameters/cut)/stat)"
 *   rmmod name_truncation
 */
#include "case.h"

static int fits, cut, huge;
module_param(fits, int, 0444);
module_param(cut, int, 0444);
module_param(huge, int, 0444);

static struct task_struct *tasks[3];

static struct task_struct *start(const char *name, int *pid)
{
	struct task_struct *task = kthread_run(until_stopped, NULL, "%s", name);

	*pid = task_pid_nr(task);
	sleeps_in(task, TASK_INTERRUPTIBLE);
	say("comm=%s length=%zu", task->comm, strlen(task->comm));
	return task;
}

static int __init name_truncation_init(void)
{
	tasks[0] = start("exactly_fifteen", &fits);
	tasks[1] = start("twenty_three_characters", &cut);
	tasks[2] = start("seventy_characters_"
			 "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNO", &huge);
	return 0;
}

static void __exit name_truncation_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tasks); i++)
		kthread_stop(tasks[i]);
}

module_init(name_truncation_init);
module_exit(name_truncation_exit);
