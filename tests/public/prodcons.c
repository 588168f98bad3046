// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * One producer, two consumers, a bounded queue: the style of Linux 4.x drivers.
 *
 * log: prodcons: started
 * log: prodcons: consumed as many as were produced
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#define QUEUE_MAX	4
#define CONSUMERS	2

struct item {
	struct list_head list;
	unsigned int number;
};

static LIST_HEAD(queue);
static unsigned int queue_len;
static DEFINE_SPINLOCK(queue_lock);
static DECLARE_WAIT_QUEUE_HEAD(not_empty);
static DECLARE_WAIT_QUEUE_HEAD(not_full);

static struct task_struct *producer;
static struct task_struct *consumer[CONSUMERS];
static unsigned int produced;
static atomic_t consumed = ATOMIC_INIT(0);

static bool put_item(struct item *item)
{
	bool done = false;

	spin_lock(&queue_lock);
	if (queue_len < QUEUE_MAX) {
		list_add_tail(&item->list, &queue);
		queue_len++;
		done = true;
	}
	spin_unlock(&queue_lock);
	return done;
}

static struct item *get_item(void)
{
	struct item *item;

	spin_lock(&queue_lock);
	item = list_first_entry_or_null(&queue, struct item, list);
	if (item) {
		list_del(&item->list);
		queue_len--;
	}
	spin_unlock(&queue_lock);
	return item;
}

static int produce(void *unused)
{
	struct item *item;

	while (!kthread_should_stop()) {
		bool queued;

		item = kmalloc(sizeof(*item), GFP_KERNEL);
		if (!item)
			return -ENOMEM;
		item->number = produced;
		wait_event(not_full, (queued = put_item(item)) || kthread_should_stop());
		if (!queued) {
			kfree(item);
			break;
		}
		produced++;
		wake_up(&not_empty);
		if (produced % 8 == 0)
			msleep(10);
	}
	return 0;
}

static int consume(void *data)
{
	long id = (long)data;
	struct item *item;

	for (;;) {
		if (wait_event_interruptible(not_empty,
					     (item = get_item()) || kthread_should_stop()))
			continue;
		if (!item)
			break;
		atomic_inc(&consumed);
		pr_debug("consumer %ld got item %u\n", id, item->number);
		kfree(item);
		wake_up(&not_full);
	}
	return 0;
}

static void stop_all(void)
{
	struct item *item, *next;
	int i;

	if (!IS_ERR_OR_NULL(producer))
		kthread_stop(producer);
	for (i = 0; i < CONSUMERS; i++)
		if (!IS_ERR_OR_NULL(consumer[i]))
			kthread_stop(consumer[i]);
	list_for_each_entry_safe(item, next, &queue, list) {
		list_del(&item->list);
		atomic_inc(&consumed);
		kfree(item);
	}
}

static int __init prodcons_init(void)
{
	long i;

	for (i = 0; i < CONSUMERS; i++) {
		consumer[i] = kthread_run(consume, (void *)i, "consumer/%ld", i);
		if (IS_ERR(consumer[i])) {
			int err = PTR_ERR(consumer[i]);

			stop_all();
			return err;
		}
	}
	producer = kthread_run(produce, NULL, "producer");
	if (IS_ERR(producer)) {
		stop_all();
		return PTR_ERR(producer);
	}
	pr_info("started\n");
	return 0;
}

static void __exit prodcons_exit(void)
{
	stop_all();
	if (produced > 100 && produced == atomic_read(&consumed))
		pr_info("consumed as many as were produced\n");
	else
		pr_err("produced %u, consumed %d\n", produced, atomic_read(&consumed));
}

module_init(prodcons_init);
module_exit(prodcons_exit);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("A bounded queue between threads");
