/*
 * One wake_up wakes all ordinary waiters, the latest first, then one exclusive waiter, the oldest first;
 * wake_up_nr so many exclusive ones, wake_up_all all of them.
 *
 * Covers: wake_up, wake_up_nr, wake_up_all, add_wait_queue, add_wait_queue_exclusive, custom wake functions
 * (kernel/sched/wait.c:__wake_up_common). The entries stand for waiters: their wake functions note the order.
 */
#include "case.h"

#define ENTRIES 6

static DECLARE_WAIT_QUEUE_HEAD(queue);
static wait_queue_entry_t entries[ENTRIES];
static char woken[ENTRIES + 1];
static int count;

static int note_wake(wait_queue_entry_t *entry, unsigned int mode, int flags, void *key)
{
	woken[count++] = 'A' + (char)(entry - entries);
	woken[count] = '\0';
	return 1;
}

static void start(void)
{
	count = 0;
	woken[0] = '\0';
}

static int __init wake_order_init(void)
{
	int i;

	for (i = 0; i < ENTRIES; i++)
		init_waitqueue_func_entry(&entries[i], note_wake);
	add_wait_queue_exclusive(&queue, &entries[0]);
	add_wait_queue(&queue, &entries[1]);
	add_wait_queue_exclusive(&queue, &entries[2]);
	add_wait_queue(&queue, &entries[3]);
	add_wait_queue(&queue, &entries[4]);
	add_wait_queue_exclusive(&queue, &entries[5]);
	say("waiters: A C F exclusive, B D E not, added in the order of the letters");
	start();
	wake_up(&queue);
	say("wake_up: %s", woken);
	start();
	wake_up_nr(&queue, 2);
	say("wake_up_nr 2: %s", woken);
	start();
	wake_up_all(&queue);
	say("wake_up_all: %s", woken);
	for (i = 0; i < ENTRIES; i++)
		remove_wait_queue(&queue, &entries[i]);
	say("left=%d", waitqueue_active(&queue));
	return 0;
}

static void __exit wake_order_exit(void)
{
}

module_init(wake_order_init);
module_exit(wake_order_exit);
