/*
 * A condition that holds wins over a pending signal; the signal ends every other interruptible sleep at once,
 * for as long as it is pending.
 *
 * Covers: wait_event_interruptible (include/linux/wait.h:___wait_event), wait_for_completion_interruptible
 * (kernel/sched/completion.c), msleep_interruptible, schedule_timeout_interruptible, schedule.
 */
#include "case.h"

static DECLARE_WAIT_QUEUE_HEAD(queue);
static DECLARE_COMPLETION(done);

static int with_signal(void *unused)
{
	long left;

	allow_signal(SIGTERM);
	send_sig(SIGTERM, current, 0);
	say("event true=%d", wait_event_interruptible(queue, true));
	say("event false=%d", wait_event_interruptible(queue, false));
	say("timeout true=%ld", wait_event_interruptible_timeout(queue, true, 17));
	say("timeout false=%ld", wait_event_interruptible_timeout(queue, false, 600 * HZ));
	say("timeout 0 false=%ld", wait_event_interruptible_timeout(queue, false, 0));
	complete(&done);
	say("completion done=%d", wait_for_completion_interruptible(&done));
	say("completion not done=%d", wait_for_completion_interruptible(&done));
	say("completion timeout=%ld",
	    wait_for_completion_interruptible_timeout(&done, 600 * HZ));
	say("msleep left=%d", msleep_interruptible(600 * MSEC_PER_SEC) > 0);
	left = schedule_timeout_interruptible(600 * HZ);
	say("schedule_timeout left=%d", left > 0);
	set_current_state(TASK_INTERRUPTIBLE);
	schedule();
	say("schedule returned state=%u", READ_ONCE(current->__state));
	flush_signals(current);
	say("flushed: signal_pending=%d", !!signal_pending(current));
	return 0;
}

static int __init condition_beats_signal_init(void)
{
	struct task_struct *task = kthread_create(with_signal, NULL, "with_signal");

	get_task_struct(task);
	wake_up_process(task);
	say("ended=%d", soon(READ_ONCE(task->exit_state) != 0));
	kthread_stop(task);
	put_task_struct(task);
	return 0;
}

static void __exit condition_beats_signal_exit(void)
{
}

module_init(condition_beats_signal_init);
module_exit(condition_beats_signal_exit);
