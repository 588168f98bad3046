/*
 * A delayed work runs no earlier than asked; queueing it again does not move it, kthread_mod_delayed_work
 * does. kthread_flush_worker does not wait for a timer.
 *
 * Covers: kthread_queue_delayed_work, kthread_mod_delayed_work (false when idle, true when it waited),
 * kthread_cancel_delayed_work_sync, kthread_flush_worker (kernel/kthread.c).
 */
#include "case.h"

static struct kthread_worker *worker;
static unsigned long ran_at;
static atomic_t runs = ATOMIC_INIT(0);

static void note_time(struct kthread_work *work)
{
	ran_at = jiffies;
	atomic_inc(&runs);
}

static DEFINE_KTHREAD_DELAYED_WORK(delayed, note_time);

static int __init worker_delayed_init(void)
{
	unsigned long begin;

	worker = kthread_create_worker(0, "worker_delayed");
	begin = jiffies;
	say("queue=%d", kthread_queue_delayed_work(worker, &delayed, HZ));
	say("queue again=%d", kthread_queue_delayed_work(worker, &delayed, 0));
	kthread_flush_worker(worker);
	say("flushed: early=%d", atomic_read(&runs) && time_before(ran_at, begin + HZ));
	say("ran=%d", soon(atomic_read(&runs) == 1));
	say("early=%d", time_before(ran_at, begin + HZ));

	say("no delay: queue=%d", kthread_queue_delayed_work(worker, &delayed, 0));
	kthread_flush_work(&delayed.work);
	say("runs=%d", atomic_read(&runs));

	say("mod when idle=%d", kthread_mod_delayed_work(worker, &delayed, 600 * HZ));
	say("mod when waiting=%d", kthread_mod_delayed_work(worker, &delayed, 600 * HZ));
	msleep(50);
	say("runs=%d", atomic_read(&runs));
	say("mod to now=%d", kthread_mod_delayed_work(worker, &delayed, 0));
	kthread_flush_work(&delayed.work);
	say("runs=%d", atomic_read(&runs));

	kthread_queue_delayed_work(worker, &delayed, 600 * HZ);
	say("cancel when waiting=%d", kthread_cancel_delayed_work_sync(&delayed));
	say("cancel when idle=%d", kthread_cancel_delayed_work_sync(&delayed));
	say("runs=%d", atomic_read(&runs));
	kthread_destroy_worker(worker);
	return 0;
}

static void __exit worker_delayed_exit(void)
{
}

module_init(worker_delayed_init);
module_exit(worker_delayed_exit);
