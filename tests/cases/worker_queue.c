/*
 * A worker runs its works one at a time in the order in which they were queued. A waiting work is not queued
 * twice; one that runs may be queued again, also by itself.
 *
 * Covers: kthread_create_worker, kthread_queue_work, kthread_flush_work, kthread_flush_worker,
 * kthread_destroy_worker (kernel/kthread.c), the worker thread's name and state.
 *
 * script:
 *   insmod worker_queue.ko
 *   echo "case: $(grep State /proc/$(pgrep -x my_worker/7)/status)"
 *   rmmod worker_queue
 */
#include "case.h"

static struct kthread_worker *worker;
static DECLARE_COMPLETION(entered);
static DECLARE_COMPLETION(leave);
static char order[16];
static int count;

static void note(char letter)
{
	order[count++] = letter;
	order[count] = '\0';
}

static void hold_fn(struct kthread_work *work)
{
	note('H');
	complete(&entered);
	wait_for_completion(&leave);
}

static void a_fn(struct kthread_work *work)
{
	note('a');
}

static void b_fn(struct kthread_work *work)
{
	note('b');
}

static int repeats = 3;

static void again_fn(struct kthread_work *work)
{
	note('r');
	if (--repeats > 0)
		kthread_queue_work(worker, work);
}

static DEFINE_KTHREAD_WORK(hold, hold_fn);
static DEFINE_KTHREAD_WORK(a, a_fn);
static DEFINE_KTHREAD_WORK(b, b_fn);
static DEFINE_KTHREAD_WORK(again, again_fn);

static int __init worker_queue_init(void)
{
	worker = kthread_create_worker(0, "my_worker/%d", 7);
	say("error=%d", IS_ERR(worker));
	kthread_flush_work(&a);
	say("flush of one never queued returned");
	say("hold=%d", kthread_queue_work(worker, &hold));
	wait_for_completion(&entered);
	say("b=%d", kthread_queue_work(worker, &b));
	say("a=%d", kthread_queue_work(worker, &a));
	say("b again=%d", kthread_queue_work(worker, &b));
	say("hold while it runs=%d", kthread_queue_work(worker, &hold));
	say("hold once more=%d", kthread_queue_work(worker, &hold));
	say("order=%s", order);
	complete(&leave);
	wait_for_completion(&entered);
	complete(&leave);
	kthread_flush_worker(worker);
	say("order=%s", order);
	count = 0;
	kthread_queue_work(worker, &again);
	soon(count == 3);
	kthread_flush_work(&again);
	say("order=%s", order);
	return 0;
}

static void __exit worker_queue_exit(void)
{
	count = 0;
	kthread_queue_work(worker, &b);
	kthread_queue_work(worker, &a);
	kthread_destroy_worker(worker);
	say("destroyed: order=%s", order);
}

module_init(worker_queue_init);
module_exit(worker_queue_exit);
