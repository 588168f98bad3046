/*
 * kthread_park returns once the thread sleeps parked, off the CPU; wake_up_process does not wake it, and
 * kthread_unpark lets it go on. Without the park bit kthread_parkme returns at once.
 *
 * Covers: kthread_park, kthread_unpark, kthread_parkme, kthread_should_park (kernel/kthread.c), state P
 * (fs/proc/array.c), TASK_NORMAL without TASK_PARKED (include/linux/sched.h).
 *
 * script:
 *   insmod park_state.ko
 *   echo "case: $(grep State /proc/$(pgrep -x park_state)/status)"
 *   rmmod park_state
 */
#include "case.h"

static struct task_struct *task;
static int rounds;

static int park_when_asked(void *unused)
{
	kthread_parkme();
	say("parkme without a request returned, should_park=%d", kthread_should_park());
	while (!kthread_should_stop()) {
		if (kthread_should_park()) {
			kthread_parkme();
			say("unparked: should_park=%d", kthread_should_park());
		}
		WRITE_ONCE(rounds, rounds + 1);
		msleep(1);
	}
	return 3;
}

static int __init park_state_init(void)
{
	int before;

	task = kthread_run(park_when_asked, NULL, "park_state");
	soon(READ_ONCE(rounds) > 0);
	say("park=%d", kthread_park(task));
	say("state=0x%x on_cpu=%d", READ_ONCE(task->__state), READ_ONCE(task->on_cpu));
	before = READ_ONCE(rounds);
	say("wake=%d", wake_up_process(task));
	msleep(50);
	say("state=0x%x went_on=%d", READ_ONCE(task->__state), READ_ONCE(rounds) != before);
	return 0;
}

static void __exit park_state_exit(void)
{
	int before = READ_ONCE(rounds);

	kthread_unpark(task);
	say("went_on=%d", soon(READ_ONCE(rounds) != before));
	say("result=%d", kthread_stop(task));
}

module_init(park_state_init);
module_exit(park_state_exit);
