/*
 * Pending signals: taken lowest first, never queued twice, dropped by disallow_signal, refused when the
 * number is wrong; allow_kernel_signal lets in only what the kernel itself forces.
 *
 * Covers: send_sig, kernel_dequeue_signal, disallow_signal, allow_kernel_signal, flush_signals, signal_pending
 * (kernel/signal.c).
 *
 * script:
 *   insmod signal_queue.ko
 *   pkill -12 -x signal_queue
 *   sleep 0.2
 *   echo "case: $(grep ShdPnd /proc/$(pgrep -x signal_queue)/status)"
 *   rmmod signal_queue
 */
#include "case.h"

static struct task_struct *task;

static void take_all(const char *what)
{
	int first = kernel_dequeue_signal(), second = kernel_dequeue_signal();
	int third = kernel_dequeue_signal();

	say("%s: taken=%d,%d,%d pending=%d", what, first, second, third,
	    !!signal_pending(current));
}

static void send(int sig, int from_kernel)
{
	int error = send_sig(sig, current, from_kernel);

	say("send_sig(%d, %d)=%d pending=%d", sig, from_kernel, error, !!signal_pending(current));
}

static int signal_queue(void *unused)
{
	take_all("nothing sent");
	send(SIGUSR1, 0);
	allow_signal(SIGUSR1);
	allow_signal(SIGTERM);
	allow_signal(SIGHUP);
	send(SIGTERM, 0);
	send(SIGHUP, 1);
	send(SIGUSR1, 0);
	send(SIGUSR1, 0);
	take_all("three kinds");
	send(SIGTERM, 0);
	send(SIGHUP, 0);
	disallow_signal(SIGTERM);
	take_all("one disallowed");
	send(SIGHUP, 0);
	flush_signals(current);
	take_all("flushed");
	send(_NSIG + 1, 0);
	send(-1, 0);
	allow_kernel_signal(SIGUSR2);
	send(SIGUSR2, 0);
	send(SIGUSR2, 1);
	take_all("forced");
	until_stopped(NULL);
	return 0;
}

static int __init signal_queue_init(void)
{
	task = kthread_run(signal_queue, NULL, "signal_queue");
	sleeps_in(task, TASK_INTERRUPTIBLE);
	return 0;
}

static int end(void *unused)
{
	return 0;
}

static void __exit signal_queue_exit(void)
{
	struct task_struct *ended = kthread_create(end, NULL, "ended");

	get_task_struct(ended);
	wake_up_process(ended);
	soon(READ_ONCE(ended->exit_state) != 0);
	say("to an ended thread: send_sig=%d", send_sig(SIGHUP, ended, 0));
	kthread_stop(ended);
	put_task_struct(ended);
	say("result=%d", kthread_stop(task));
}

module_init(signal_queue_init);
module_exit(signal_queue_exit);
