// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A flusher: a cache of blocks that writers make dirty, and a thread that brings them to the disk
 * in the background, so that a writer does not wait for the disk.
 *
 * A block is flushed for one of three reasons:
 *  - age: it has been dirty for age_ms, so a crash would lose no more than that;
 *  - pressure: more than high buffers are dirty; the writer that notices wakes the flusher early,
 *    which then flushes the oldest until low are left;
 *  - unload: the writers are stopped first, then the flusher, which drains the cache before it ends.
 *
 * The rules it stands on:
 *  - Everything in the cache has one spinlock. The disk is slow and sleeps, so the lock is not held
 *    while a block is written: the flusher takes the oldest buffer off the list, lets go of the
 *    lock, writes, and gives the buffer back.
 *  - A block that is being written is in no list. If it is written to meanwhile, it gets a second
 *    buffer. There is one flusher, so the second goes to the disk after the first.
 *  - A writer that finds no free buffer waits for one: the disk's speed is the limit then.
 *  - The flusher must outlive the writers: who waits for a buffer waits for the flusher.
 *
 * The "disk" is an array and a sleep; it shows at the end that no write was lost.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("a background flusher of dirty blocks");

#define MAX_WRITERS	8
#define BLOCKS		64	/* of the disk; writer n writes block n, n + writers, ... */

static unsigned int writers = 2;
module_param(writers, uint, 0444);
MODULE_PARM_DESC(writers, "how many threads write, 1 to 8");

static unsigned int buffers = 16;
module_param(buffers, uint, 0444);
MODULE_PARM_DESC(buffers, "how many blocks the cache can hold");

static unsigned int high = 12;
module_param(high, uint, 0444);
MODULE_PARM_DESC(high, "more dirty buffers than this wake the flusher early");

static unsigned int low = 4;
module_param(low, uint, 0444);
MODULE_PARM_DESC(low, "under pressure so many may stay dirty");

static unsigned int age_ms = 3000;
module_param(age_ms, uint, 0444);
MODULE_PARM_DESC(age_ms, "a block may be dirty so long");

static unsigned int period_ms = 1000;
module_param(period_ms, uint, 0444);
MODULE_PARM_DESC(period_ms, "time between two looks for old blocks");

static unsigned int disk_ms = 20;
module_param(disk_ms, uint, 0444);
MODULE_PARM_DESC(disk_ms, "time that the disk takes for one block");

static unsigned int pace_ms = 1000;
module_param(pace_ms, uint, 0644);
MODULE_PARM_DESC(pace_ms, "time between two writes of a writer; may be changed at any time");

enum reason { AGE, PRESSURE, UNLOAD, REASONS };
static const char * const reason_name[REASONS] = { "age", "pressure", "unload" };

struct buffer {
	struct list_head list;		/* in free or in dirty, or in none while being written */
	unsigned int block;
	unsigned int value;
	unsigned long dirtied;		/* jiffies of the first write since it was clean */
};

static struct {
	spinlock_t lock;
	struct list_head free;
	struct list_head dirty;		/* oldest first */
	unsigned int dirty_count;
	unsigned int writes, absorbed;	/* absorbed: the block was dirty already */
	unsigned int flushed[REASONS];
} cache = {
	.lock = __SPIN_LOCK_UNLOCKED(cache.lock),
	.free = LIST_HEAD_INIT(cache.free),
	.dirty = LIST_HEAD_INIT(cache.dirty),
};

static struct buffer *buffer_array;
static unsigned int disk[BLOCKS];
static unsigned int written[BLOCKS];	/* what the disk must hold in the end; one writer each */

static DECLARE_WAIT_QUEUE_HEAD(pressure);	/* the flusher waits here */
static DECLARE_WAIT_QUEUE_HEAD(space);		/* writers wait here for a free buffer */

static struct task_struct *flusher;
static struct task_struct *writer[MAX_WRITERS];

/* ---- the cache ---- */

static bool under_pressure(void)
{
	return READ_ONCE(cache.dirty_count) > high;
}

static struct buffer *find_dirty_locked(unsigned int block)
{
	struct buffer *buffer;

	list_for_each_entry(buffer, &cache.dirty, list)
		if (buffer->block == block)
			return buffer;
	return NULL;
}

static struct buffer *make_dirty_locked(unsigned int block)
{
	struct buffer *buffer = list_first_entry_or_null(&cache.free, struct buffer, list);

	if (!buffer)
		return NULL;
	buffer->block = block;
	buffer->dirtied = jiffies;
	list_move_tail(&buffer->list, &cache.dirty);
	cache.dirty_count++;
	return buffer;
}

/* False if there is no buffer for it. */
static bool try_write(unsigned int block, unsigned int value)
{
	struct buffer *buffer;

	spin_lock(&cache.lock);
	buffer = find_dirty_locked(block);
	if (buffer)
		cache.absorbed++;
	else
		buffer = make_dirty_locked(block);
	if (buffer) {
		buffer->value = value;
		cache.writes++;
	}
	spin_unlock(&cache.lock);
	return buffer;
}

static void cache_write(unsigned int block, unsigned int value)
{
	/* Not interruptible: a writer that is told to end still finishes its write. The flusher is
	 * told to end only when no writer is left, so the wait ends. */
	wait_event(space, try_write(block, value));
	if (under_pressure())
		wake_up_interruptible(&pressure);
}

/* ---- the flusher ---- */

static bool is_due_locked(const struct buffer *buffer, enum reason reason)
{
	switch (reason) {
	case AGE:
		return time_after_eq(jiffies, buffer->dirtied + msecs_to_jiffies(age_ms));
	case PRESSURE:
		return cache.dirty_count > low;
	default:
		return true;
	}
}

/* Takes the oldest dirty buffer out of the lists if it is due. */
static struct buffer *take_due(enum reason reason)
{
	struct buffer *buffer;

	spin_lock(&cache.lock);
	buffer = list_first_entry_or_null(&cache.dirty, struct buffer, list);
	if (buffer && !is_due_locked(buffer, reason))
		buffer = NULL;
	if (buffer) {
		list_del_init(&buffer->list);
		cache.dirty_count--;
		cache.flushed[reason]++;
	}
	spin_unlock(&cache.lock);
	return buffer;
}

static void give_back(struct buffer *buffer)
{
	spin_lock(&cache.lock);
	list_add(&buffer->list, &cache.free);
	spin_unlock(&cache.lock);
	wake_up(&space);
}

static void write_to_disk(const struct buffer *buffer)
{
	msleep(disk_ms);
	disk[buffer->block] = buffer->value;
}

/* At most as many as the cache holds: under lasting pressure there would be no end. */
static void flush(enum reason reason)
{
	struct buffer *buffer;
	unsigned int count = 0;

	while (count < buffers && (buffer = take_due(reason))) {
		write_to_disk(buffer);
		give_back(buffer);
		count++;
	}
	if (count)
		pr_info("flushed because of %s: %u\n", reason_name[reason], count);
}

static int flush_in_background(void *unused)
{
	while (!kthread_should_stop()) {
		wait_event_interruptible_timeout(pressure,
						 under_pressure() || kthread_should_stop(),
						 msecs_to_jiffies(period_ms));
		if (under_pressure())
			flush(PRESSURE);
		flush(AGE);
	}
	flush(UNLOAD);
	return 0;
}

/* ---- the writers ---- */

/* Every second write is to the writer's first block, as to the size of a file that grows. */
static int write_blocks(void *number)
{
	unsigned int first = (unsigned long)number, next = first, block, value = 0;

	while (!kthread_should_stop()) {
		block = first;
		if (++value % 2) {
			block = next;
			next = next + writers < BLOCKS ? next + writers : first;
		}
		written[block] = value;
		cache_write(block, value);
		/* kthread_stop() ends this sleep early. */
		msleep_interruptible(READ_ONCE(pace_ms));
	}
	return 0;
}

/* ---- begin and end ---- */

static void stop_writers(void)
{
	unsigned int i;

	for (i = 0; i < writers; i++)
		if (writer[i])
			kthread_stop(writer[i]);
}

static int start_writers(void)
{
	unsigned long i;

	for (i = 0; i < writers; i++) {
		struct task_struct *thread = kthread_run(write_blocks, (void *)i, "writer/%lu", i);

		if (IS_ERR(thread))
			return PTR_ERR(thread);
		writer[i] = thread;
	}
	return 0;
}

/* In this order: a writer may be waiting for the flusher. */
static void stop_all(void)
{
	stop_writers();
	kthread_stop(flusher);
	kfree(buffer_array);
}

static int make_buffers(void)
{
	unsigned int i;

	buffer_array = kcalloc(buffers, sizeof(*buffer_array), GFP_KERNEL);
	if (!buffer_array)
		return -ENOMEM;
	for (i = 0; i < buffers; i++)
		list_add_tail(&buffer_array[i].list, &cache.free);
	return 0;
}

static int __init flusher_init(void)
{
	int err;

	if (!writers || writers > MAX_WRITERS || !buffers || high >= buffers || low > high) {
		pr_err("needs 1 to %d writers and low <= high < buffers\n", MAX_WRITERS);
		return -EINVAL;
	}
	err = make_buffers();
	if (err)
		return err;
	flusher = kthread_run(flush_in_background, NULL, "flusher");
	if (IS_ERR(flusher)) {
		kfree(buffer_array);
		return PTR_ERR(flusher);
	}
	err = start_writers();
	if (err)
		stop_all();
	return err;
}

static void say_what_was_done(void)
{
	unsigned int i, lost = 0;

	for (i = 0; i < BLOCKS; i++)
		lost += disk[i] != written[i];
	pr_info("writes: %u, absorbed by a block that was dirty already: %u\n", cache.writes,
		cache.absorbed);
	for (i = 0; i < REASONS; i++)
		pr_info("flushed in all because of %s: %u\n", reason_name[i], cache.flushed[i]);
	pr_info("lost: %u\n", lost);
}

static void __exit flusher_exit(void)
{
	stop_all();
	say_what_was_done();
}

module_init(flusher_init);
module_exit(flusher_exit);
