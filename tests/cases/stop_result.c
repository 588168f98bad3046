/*
 * kthread_stop returns what the thread function returned, any int; kthread_should_stop is false before it
 * and stays true after it.
 *
 * Covers: kthread_stop, kthread_should_stop (kernel/kthread.c).
 */
#include "case.h"

struct order {
	int result;
	bool started, before, during, after;
};

static int obey(void *data)
{
	struct order *order = data;

	order->before = kthread_should_stop();
	WRITE_ONCE(order->started, true);
	until_stopped(NULL);
	order->during = kthread_should_stop();
	msleep(20);
	order->after = kthread_should_stop();
	return order->result;
}

static void stop_one(int result)
{
	struct order order = { .result = result };
	struct task_struct *task = kthread_run(obey, &order, "stop_result");
	bool started = soon(READ_ONCE(order.started));
	int got = kthread_stop(task);

	say("wanted=%d got=%d started=%d should_stop=%d,%d,%d", result, got, started,
	    order.before, order.during, order.after);
}

static int __init stop_result_init(void)
{
	stop_one(0);
	stop_one(42);
	stop_one(-EIO);
	stop_one(INT_MAX);
	stop_one(INT_MIN);
	return 0;
}

static void __exit stop_result_exit(void)
{
}

module_init(stop_result_init);
module_exit(stop_result_exit);
