// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What the system writes into shared structs is read here field by field, and the other way
 * round: names and meanings agree, not only sizes.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/types.h>
#include <linux/semaphore.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <uapi/linux/sched/types.h>

MODULE_LICENSE("Dual MIT/GPL");

static int wrong;

#define CHECK(what) do {					\
	if (!(what)) {						\
		wrong++;					\
		pr_err("line %d: not so: %s\n", __LINE__, #what); \
	}							\
} while (0)

static void check_current(void)
{
	unsigned long flags;
	sigset_t set, old;
	char here;

	CHECK(current->pid > 0);
	CHECK(current->on_cpu == 1);
	CHECK(current->__state == TASK_RUNNING);
	CHECK(current->cpus_ptr == &current->cpus_mask);
	CHECK(refcount_read(&current->usage) > 0);
	CHECK((char *)current->stack < &here && &here - (char *)current->stack < 65536);
	CHECK(current->start_time > 0);

	preempt_disable();
	CHECK(current->__preempt_count == 1);
	CHECK(current->__cpu->number == smp_processor_id());
	preempt_enable();

	local_irq_save(flags);
	CHECK(current->__irqs_off == 1);
	local_irq_restore(flags);
	CHECK(current->__irqs_off == 0);

	siginitset(&set, sigmask(SIGUSR1));
	sigprocmask(SIG_BLOCK, &set, &old);
	CHECK(current->blocked.sig[0] == (old.sig[0] | sigmask(SIGUSR1)));
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK(current->blocked.sig[0] == old.sig[0]);
}

static int caught;

static int sleeper(void *unused)
{
	allow_signal(SIGUSR2);
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop() && !signal_pending(current))
			schedule();
		__set_current_state(TASK_RUNNING);
		/* A stop, too, lets signal_pending() say yes. */
		if (signal_pending(current) && kernel_dequeue_signal() == SIGUSR2)
			caught++;
	}
	return 7;
}

static void check_task(void)
{
	struct sched_attr attr = {
		.size = sizeof(attr), .sched_policy = SCHED_FIFO, .sched_priority = 9,
	};
	struct task_struct *task = kthread_create(sleeper, NULL, "sleeper");

	if (IS_ERR(task)) {
		CHECK(!"a thread");
		return;
	}
	CHECK(strcmp(task->comm, "sleeper") == 0);
	CHECK(task->flags & PF_KTHREAD);
	CHECK(task->tgid == task->pid && task->pid != current->pid);
	CHECK(task->group_leader == task);
	CHECK(task->mm == NULL);
	CHECK(task->parent && task->parent == task->real_parent);
	CHECK(strcmp(task->parent->comm, "kthreadd") == 0);
	CHECK(task->policy == SCHED_NORMAL && task->prio == 120 && task->static_prio == 120);
	CHECK(task->exit_state == 0);

	kthread_bind(task, 0);
	CHECK(task->nr_cpus_allowed == 1 && cpumask_test_cpu(0, task->cpus_ptr));
	CHECK(!cpumask_test_cpu(1, task->cpus_ptr));
	wake_up_process(task);
	msleep(20);
	CHECK(task->__state == TASK_INTERRUPTIBLE && task->on_cpu == 0);
	CHECK(task->nvcsw > 0);

	set_user_nice(task, 5);
	CHECK(task->static_prio == 125 && task->normal_prio == 125 && task->prio == 125);
	CHECK(sched_setattr_nocheck(task, &attr) == 0);
	CHECK(task->policy == SCHED_FIFO && task->rt_priority == 9);
	CHECK(task->prio == 90 && task->normal_prio == 90);

	send_sig(SIGUSR2, task, 1);
	msleep(20);
	CHECK(caught == 1);
	CHECK(!(task->thread_info.flags & (1UL << TIF_SIGPENDING)));

	get_task_struct(task);
	CHECK(kthread_stop(task) == 7);
	CHECK(task->exit_state != 0);
	put_task_struct(task);
}

static DECLARE_WAIT_QUEUE_HEAD(queue);
static int woken;

static int wake_and_look(struct wait_queue_entry *entry, unsigned int mode, int flags, void *key)
{
	CHECK(entry->private == current);
	CHECK(key == &woken);
	CHECK(queue.lock.__lock == 1);
	CHECK(queue.lock.__owner == current->pid + 1);
	woken++;
	return 0;
}

static void check_waiting(void)
{
	DEFINE_WAIT_FUNC(mine, wake_and_look);
	struct wait_queue_entry entry;

	init_wait_entry(&entry, WQ_FLAG_EXCLUSIVE);
	CHECK(entry.flags == WQ_FLAG_EXCLUSIVE);
	CHECK(entry.private == current);
	CHECK(entry.func == autoremove_wake_function);
	CHECK(list_empty(&entry.entry));

	prepare_to_wait_exclusive(&queue, &entry, TASK_UNINTERRUPTIBLE);
	CHECK(current->__state == TASK_UNINTERRUPTIBLE);
	CHECK(queue.head.next == &entry.entry && queue.head.prev == &entry.entry);
	prepare_to_wait(&queue, &mine, TASK_INTERRUPTIBLE);
	CHECK(queue.head.next == &mine.entry && mine.entry.next == &entry.entry);
	CHECK(entry.entry.prev == &mine.entry);
	__wake_up(&queue, TASK_NORMAL, 1, &woken);
	CHECK(woken == 1);
	CHECK(list_empty(&entry.entry));
	CHECK(current->__state == TASK_RUNNING);
	finish_wait(&queue, &mine);
	CHECK(list_empty(&queue.head));
	CHECK(queue.lock.__lock == 0 && queue.lock.__owner == 0);
}

static DECLARE_COMPLETION(completion);
static DEFINE_MUTEX(mutex);
static struct mutex other_mutex;

static int lock_and_unlock(void *unused)
{
	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	complete(&completion);
	return 0;
}

static void check_locks(void)
{
	DEFINE_SEMAPHORE(sem);
	struct task_struct *task;

	complete(&completion);
	complete(&completion);
	CHECK(completion.done == 2);
	wait_for_completion(&completion);
	CHECK(completion.done == 1);
	complete_all(&completion);
	CHECK(completion.done == UINT_MAX);
	reinit_completion(&completion);

	mutex_init(&other_mutex);
	CHECK(other_mutex.__magic == mutex.__magic);
	mutex_lock(&mutex);
	CHECK(mutex.__owner == (unsigned long)current);
	CHECK(mutex.__waiters == 0);
	task = kthread_run(lock_and_unlock, NULL, "locker");
	CHECK(!IS_ERR(task));
	msleep(20);
	CHECK(mutex.__waiters == 1);
	mutex_unlock(&mutex);
	wait_for_completion(&completion);
	CHECK(mutex.__owner == 0 && mutex.__waiters == 0);

	down(&sem);
	CHECK(sem.count == 0);
	CHECK(down_trylock(&sem) == 1);
	up(&sem);
	up(&sem);
	CHECK(sem.count == 2);
}

static struct timer_list timer;
static int fired;

static void fire(struct timer_list *t)
{
	CHECK(t == &timer);
	CHECK(!timer_pending(t));
	fired++;
}

static void check_timer(void)
{
	unsigned long when = jiffies + HZ;

	timer_setup(&timer, fire, TIMER_PINNED);
	CHECK(timer.function == fire);
	CHECK(timer.flags & TIMER_PINNED);
	CHECK(!timer_pending(&timer));
	mod_timer(&timer, when);
	CHECK(timer_pending(&timer) && timer.expires == when);
	mod_timer(&timer, jiffies + 1);
	msleep(20);
	CHECK(fired == 1);
	timer_shutdown_sync(&timer);
	CHECK(timer.function == NULL);
}

static struct kthread_work work;
static struct kthread_delayed_work later;
static int saw_cancel;

static void do_work(struct kthread_work *w)
{
	CHECK(w == &work);
	CHECK(w->worker->current_work == w);
	CHECK(w->worker->task == current);
	CHECK(list_empty(&w->node));
	msleep(50);
	saw_cancel = w->canceling;
}

static void check_worker(void)
{
	struct kthread_worker *worker = kthread_create_worker(KTW_FREEZABLE, "works");

	if (IS_ERR(worker)) {
		CHECK(!"a worker");
		return;
	}
	CHECK(worker->flags == KTW_FREEZABLE);
	CHECK(worker->task && strcmp(worker->task->comm, "works") == 0);
	CHECK(list_empty(&worker->work_list) && list_empty(&worker->delayed_work_list));

	kthread_init_work(&work, do_work);
	kthread_init_delayed_work(&later, do_work);
	kthread_queue_delayed_work(worker, &later, HZ);
	CHECK(later.work.worker == worker);
	CHECK(timer_pending(&later.timer));
	CHECK(worker->delayed_work_list.next == &later.work.node);
	kthread_cancel_delayed_work_sync(&later);
	CHECK(list_empty(&worker->delayed_work_list));

	kthread_queue_work(worker, &work);
	msleep(20);
	CHECK(worker->current_work == &work);
	kthread_cancel_work_sync(&work);
	CHECK(saw_cancel == 1 && work.canceling == 0);
	CHECK(worker->current_work == NULL);
	kthread_destroy_worker(worker);
}

static void check_rest(void)
{
	DEFINE_RATELIMIT_STATE(limit, HZ, 2);
	struct sysinfo info;
	int i;

	CHECK(THIS_MODULE->state == MODULE_STATE_COMING);
	CHECK(strcmp(THIS_MODULE->name, KBUILD_MODNAME) == 0);

	memset(&info, 0, sizeof(info));
	si_meminfo(&info);
	CHECK(info.mem_unit == PAGE_SIZE);
	CHECK(info.totalram >= info.freeram && info.freeram > 0);
	CHECK(info.procs == 0 && info.uptime == 0);

	for (i = 0; i < 5; i++)
		CHECK(__ratelimit(&limit) == (i < 2));
	CHECK(limit.interval == HZ && limit.burst == 2);
	CHECK(limit.printed == 2 && limit.missed == 3);
	CHECK(limit.begin != 0);
	limit.missed = 0;
}

static int __init live_init(void)
{
	check_current();
	check_task();
	check_waiting();
	check_locks();
	check_timer();
	check_worker();
	check_rest();
	if (wrong)
		return -EINVAL;
	pr_info("all fields agree\n");
	return 0;
}

static void __exit live_exit(void)
{
}

module_init(live_init);
module_exit(live_exit);
