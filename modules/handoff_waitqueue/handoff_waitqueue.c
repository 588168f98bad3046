// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Two threads and a wait queue: the receiver collects frames, the handler sleeps until a batch is
 * there and takes it.
 *
 * What makes it right:
 *  - The wait's condition names everything the handler must wake for: a full batch, and its end.
 *  - Whoever changes what the condition reads does so before the wake-up, never after it.
 *  - wake_up() needs no test whether anybody waits: with nobody there it does nothing, and a
 *    handler that is about to sleep looks at the condition once more when it is already queued.
 *  - The count is shared, so it has a lock: "take all" must not lose a frame that comes meanwhile.
 *  - kthread_stop() ends both at once, and in this order: first who gives, then who takes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("hand-off between two kernel threads by wait queue");

static unsigned int batch = 10;
module_param(batch, uint, 0444);
MODULE_PARM_DESC(batch, "how many frames make a batch");

static unsigned int interval_ms = 1000;
module_param(interval_ms, uint, 0444);
MODULE_PARM_DESC(interval_ms, "time between two frames");

static DEFINE_SPINLOCK(frames_lock);
static unsigned int frames;	/* received and not yet taken; under frames_lock */
static DECLARE_WAIT_QUEUE_HEAD(batch_ready);

static struct task_struct *receiver, *handler;

static unsigned int add_frame(void)
{
	unsigned int now;

	spin_lock(&frames_lock);
	now = ++frames;
	spin_unlock(&frames_lock);
	return now;
}

static unsigned int take_frames(void)
{
	unsigned int taken;

	spin_lock(&frames_lock);
	taken = frames;
	frames = 0;
	spin_unlock(&frames_lock);
	return taken;
}

/* Returns how many frames it received. */
static int receive(void *unused)
{
	int received = 0;

	while (!kthread_should_stop()) {
		received++;
		if (add_frame() >= batch)
			wake_up_interruptible(&batch_ready);
		/* kthread_stop() ends this sleep early. */
		msleep_interruptible(interval_ms);
	}
	return received;
}

/* Returns how many frames it took: as many as were received, since it is stopped last. */
static int handle(void *unused)
{
	int handled = 0;
	unsigned int taken;

	while (!kthread_should_stop()) {
		/* The result does not matter: no signal is allowed here, so only kthread_stop() can
		 * end the wait with -ERESTARTSYS, and the loop looks for that itself. */
		wait_event_interruptible(batch_ready,
					 READ_ONCE(frames) >= batch || kthread_should_stop());
		if (kthread_should_stop())
			break;
		taken = take_frames();
		handled += taken;
		pr_info("handler took %u frames\n", taken);
	}
	taken = take_frames();
	pr_info("handler took the last %u frames\n", taken);
	return handled + taken;
}

static int __init handoff_waitqueue_init(void)
{
	if (!batch)
		return -EINVAL;

	handler = kthread_run(handle, NULL, "handler");
	if (IS_ERR(handler))
		return PTR_ERR(handler);

	receiver = kthread_run(receive, NULL, "receiver");
	if (IS_ERR(receiver)) {
		/* The module will not be loaded, and nothing would stop this thread later. */
		kthread_stop(handler);
		return PTR_ERR(receiver);
	}
	return 0;
}

static void __exit handoff_waitqueue_exit(void)
{
	int received = kthread_stop(receiver);
	int handled = kthread_stop(handler);

	pr_info("received %d, handled %d\n", received, handled);
}

module_init(handoff_waitqueue_init);
module_exit(handoff_waitqueue_exit);
