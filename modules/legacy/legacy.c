// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Kernel threads as they were made before kthread_create(): kernel_thread(), daemonize(),
 * allow_signal(), do_exit(). It cannot be built for Linux 6.1, which keeps kernel_thread() and
 * do_exit() from modules and has had no daemonize() since 3.8.
 *
 * What to see, and why nobody does it so any more:
 *  - A thread of kernel_thread() begins as a child of whoever called it, here insmod, with its
 *    name. daemonize() gives it a name of its own and makes it a child of kthreadd.
 *  - daemonize() blocks every signal; allow_signal() opens one again. A signal is how such a thread
 *    is told to end: nothing like kthread_stop() knows it, and it has no result.
 *  - The module is known by a pid, which another task may have got meanwhile. A struct pid with a
 *    reference keeps its meaning.
 *  - Before its code goes, the thread must have left it. A complete() followed by do_exit() does not
 *    say so: rmmod may run between the two. complete_and_exit() does both outside of the module; for
 *    do_exit() alone one must wait until the pid has no task.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/wait.h>

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("kernel threads as before kthread_create");

static DECLARE_COMPLETION(daemon_ready);
static DECLARE_COMPLETION(daemon_ended);
static DECLARE_WAIT_QUEUE_HEAD(nothing);
static struct pid *daemon_pid, *once_pid;

static void say_parent(const char *when)
{
	pr_info("%s: I am %s, my parent is %s\n", when, current->comm,
		current->real_parent->comm);
}

/* Lives until SIGTERM. */
static int daemon_loop(void *unused)
{
	say_parent("before daemonize");
	daemonize("legacyd");
	say_parent("after daemonize");
	allow_signal(SIGTERM);
	complete(&daemon_ready);

	wait_event_interruptible(nothing, false);
	pr_info("legacyd: signal %d\n", kernel_dequeue_signal());
	complete_and_exit(&daemon_ended, 0);
}

/* Ends in the middle of a function: do_exit() never returns. */
static void finish(void)
{
	pr_info("legacy_once: done\n");
	do_exit(0);
}

static int once(void *unused)
{
	daemonize("legacy_once");
	finish();
	pr_info("legacy_once: never seen\n");
	return 0;
}

/* Starts a thread; the caller looks after the reference to its pid. */
static int start(int (*function)(void *), struct pid **pid)
{
	int number = kernel_thread(function, NULL, CLONE_FS | CLONE_FILES | CLONE_SIGHAND);

	if (number < 0)
		return number;
	*pid = find_get_pid(number);
	return 0;
}

static void wait_until_gone(struct pid *pid)
{
	while (pid_task(pid, PIDTYPE_PID))
		msleep(10);
}

static void end_daemon(void)
{
	/* If the thread has had its signal already, there is no such process: no harm. */
	kill_pid(daemon_pid, SIGTERM, 1);
	wait_for_completion(&daemon_ended);
	put_pid(daemon_pid);
}

static int __init legacy_init(void)
{
	int err = start(daemon_loop, &daemon_pid);

	if (err)
		return err;
	/* insmod ends after this; a thread that daemonizes later would find init its parent. */
	wait_for_completion(&daemon_ready);

	err = start(once, &once_pid);
	if (err)
		end_daemon();
	return err;
}

static void __exit legacy_exit(void)
{
	end_daemon();
	wait_until_gone(once_pid);
	put_pid(once_pid);
	pr_info("both threads are gone\n");
}

module_init(legacy_init);
module_exit(legacy_exit);
