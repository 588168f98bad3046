/*
 * The state letters of sleeping and running threads.
 *
 * Covers: fs/proc/array.c, TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE, TASK_KILLABLE, TASK_IDLE, a thread that
 * never sleeps.
 *
 * script:
 *   insmod state_letters.ko
 *   echo "case: interruptible $(grep State /proc/$(pgrep -x interruptible)/status)"
 *   echo "case: uninterruptible $(grep State /proc/$(pgrep -x uninterruptible)/status)"
 *   echo "case: killable $(grep State /proc/$(pgrep -x killable)/status)"
 *   echo "case: idle $(grep State /proc/$(pgrep -x idle)/status)"
 *   echo "case: busy $(grep State /proc/$(pgrep -x busy)/status)"
 *   echo "case: stat=$(grep -c '(idle) I 2 ' /proc/$(pgrep -x idle)/stat)"
 *   rmmod state_letters
 */
#include "case.h"

static const struct {
	const char *name;
	unsigned int state;
} kinds[] = {
	{ "interruptible", TASK_INTERRUPTIBLE },
	{ "uninterruptible", TASK_UNINTERRUPTIBLE },
	{ "killable", TASK_KILLABLE },
	{ "idle", TASK_IDLE },
	{ "busy", TASK_RUNNING },
};

static struct task_struct *tasks[ARRAY_SIZE(kinds)];

static int be(void *state)
{
	while (!kthread_should_stop()) {
		set_current_state((unsigned int)(unsigned long)state);
		if (kthread_should_stop())
			break;
		if (state)
			schedule();
		else
			cond_resched();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static int __init state_letters_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		tasks[i] = kthread_run(be, (void *)(unsigned long)kinds[i].state, "%s",
				       kinds[i].name);
		if (kinds[i].state)
			sleeps_in(tasks[i], kinds[i].state);
		else
			soon(READ_ONCE(tasks[i]->__state) == TASK_RUNNING);
		say("%s=0x%x", kinds[i].name, READ_ONCE(tasks[i]->__state));
	}
	return 0;
}

static void __exit state_letters_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		kthread_stop(tasks[i]);
}

module_init(state_letters_init);
module_exit(state_letters_exit);
