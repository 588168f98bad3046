// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A daemon as it was written for Linux 2.6: kernel_thread(), daemonize(), a semaphore for a lock,
 * a timer with a number, and an end by signal and completion.
 *
 * log: legacy_26: daemon runs as legacyd
 * log: legacy_26: alarm 42
 * log: legacy_26: daemon ends
 * log: legacy_26: gone
 */
#include <linux/completion.h>
#include <linux/config.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/smp_lock.h>
#include <linux/timer.h>
#include <asm/semaphore.h>
#include <asm/system.h>

static DECLARE_MUTEX(lock);
static DECLARE_WAIT_QUEUE_HEAD(wait);
static DECLARE_COMPLETION(exited);
static spinlock_t alarm_lock = SPIN_LOCK_UNLOCKED;
static struct timer_list alarm;
static unsigned long alarms;
static int daemon_pid;
static volatile int quit;

static void ring(unsigned long data)
{
	spin_lock(&alarm_lock);
	alarms = data;
	spin_unlock(&alarm_lock);
	wake_up_interruptible(&wait);
}

static int daemon(void *unused)
{
	DECLARE_WAITQUEUE(me, current);

	lock_kernel();
	daemonize("legacyd");
	allow_signal(SIGTERM);
	unlock_kernel();
	printk(KERN_INFO "legacy_26: daemon runs as %s\n", current->comm);

	add_wait_queue(&wait, &me);
	for (;;) {
		unsigned long data;

		set_current_state(TASK_INTERRUPTIBLE);
		spin_lock_irq(&alarm_lock);
		data = alarms;
		alarms = 0;
		spin_unlock_irq(&alarm_lock);
		if (data) {
			__set_current_state(TASK_RUNNING);
			down(&lock);
			printk(KERN_INFO "legacy_26: alarm %lu\n", data);
			up(&lock);
			continue;
		}
		if (quit || signal_pending(current))
			break;
		schedule();
	}
	current->state = TASK_RUNNING;
	remove_wait_queue(&wait, &me);
	printk(KERN_INFO "legacy_26: daemon ends\n");
	complete_and_exit(&exited, 0);
}

int init_module(void)
{
	init_timer(&alarm);
	alarm.function = ring;
	alarm.data = 42;
	alarm.expires = jiffies + HZ / 2;
	add_timer(&alarm);
	daemon_pid = kernel_thread(daemon, NULL, CLONE_FS | CLONE_FILES | CLONE_SIGHAND);
	if (daemon_pid < 0) {
		del_timer_sync(&alarm);
		return daemon_pid;
	}
	return 0;
}

void cleanup_module(void)
{
	del_timer_sync(&alarm);
	quit = 1;
	wmb();
	kill_proc(daemon_pid, SIGTERM, 1);
	wait_for_completion(&exited);
	printk(KERN_INFO "legacy_26: gone\n");
}

MODULE_LICENSE("GPL");
