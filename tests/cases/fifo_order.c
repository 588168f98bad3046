/*
 * On one CPU the highest real-time priority runs first, equal ones in the order of their wake-ups, ordinary
 * threads last; yield gives way among equals.
 *
 * Covers: sched_set_fifo, sched_set_fifo_low, kthread_bind, yield (kernel/sched/rt.c, core.c). Needs two CPUs.
 */
#include "case.h"
#include <linux/cpumask.h>

#define CPU 1

static bool released;
static char order[16];
static int count;

static int hold_cpu(void *unused)
{
	while (!READ_ONCE(released))
		cpu_relax();
	return until_stopped(NULL);
}

static int note(void *name)
{
	order[count++] = *(const char *)name;
	return until_stopped(NULL);
}

static int note_twice(void *name)
{
	order[count++] = *(const char *)name;
	yield();
	order[count++] = *(const char *)name;
	return until_stopped(NULL);
}

static struct task_struct *start(int (*fn)(void *), const char *name,
				 void (*set_policy)(struct task_struct *))
{
	struct task_struct *task = kthread_create(fn, (void *)name, "fifo_%s", name);

	kthread_bind(task, CPU);
	if (set_policy)
		set_policy(task);
	wake_up_process(task);
	return task;
}

static void release(const char *what, struct task_struct **tasks, int number)
{
	int i;

	msleep(20);
	say("%s: before the release: %d", what, count);
	WRITE_ONCE(released, true);
	for (i = 0; i < number; i++)
		sleeps_in(tasks[i], TASK_INTERRUPTIBLE);
	order[count] = '\0';
	say("%s: %s", what, order);
	for (i = 0; i < number; i++)
		kthread_stop(tasks[i]);
	count = 0;
	released = false;
}

static int __init fifo_order_init(void)
{
	struct task_struct *tasks[5];

	set_cpus_allowed_ptr(current, cpumask_of(0));
	tasks[0] = start(hold_cpu, "holder", sched_set_fifo);
	tasks[1] = start(note, "n", NULL);
	tasks[2] = start(note, "l", sched_set_fifo_low);
	tasks[3] = start(note, "a", sched_set_fifo);
	tasks[4] = start(note, "b", sched_set_fifo);
	release("n normal, l low, a and b high", tasks, 5);
	tasks[0] = start(hold_cpu, "holder", sched_set_fifo);
	tasks[1] = start(note_twice, "a", sched_set_fifo);
	tasks[2] = start(note_twice, "b", sched_set_fifo);
	release("a and b yield", tasks, 3);
	return 0;
}

static void __exit fifo_order_exit(void)
{
}

module_init(fifo_order_init);
module_exit(fifo_order_exit);
