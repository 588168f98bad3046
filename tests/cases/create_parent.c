/*
 * Whoever makes a kernel thread, kthreadd is its parent, and it is a process of its own.
 *
 * Covers: kthread_run (kernel/kthread.c:create_kthread, kthreadd), kthread_data, kthread_func, task identity:
 * one thread is made by module_init, a second one by the first.
 *
 * script:
 *   insmod create_parent.ko
 *   echo "case: $(grep PPid /proc/$(pgrep -x parent_outer)/status)"
 *   echo "case: $(grep PPid /proc/$(pgrep -x parent_inner)/status)"
 *   echo "case: $(grep Threads /proc/$(pgrep -x parent_inner)/status)"
 *   echo "case: VmSize=$(grep -c VmSize /proc/$(pgrep -x parent_inner)/status)"
 *   echo "case: Kthread=$(grep -c Kthread: /proc/$(pgrep -x parent_inner)/status)"
 *   echo "case: $(cat /proc/2/comm)"
 *   echo "case: $(grep PPid /proc/2/status)"
 *   rmmod create_parent
 */
#include "case.h"

static struct task_struct *outer, *inner;
static DECLARE_COMPLETION(described);
static int outer_data, inner_data;

static void describe(void *data)
{
	say("comm=%s parent=%d own_group=%d leader=%d", current->comm,
	    current->real_parent->pid, current->tgid == current->pid,
	    current->group_leader == current);
	say("kthread=%d mm=%d active_mm=%d", !!(current->flags & PF_KTHREAD),
	    current->mm != NULL, current->active_mm != NULL);
	say("data=%d kthread_data=%d", data != NULL, kthread_data(current) == data);
}

static int inner_thread(void *data)
{
	describe(data);
	complete(&described);
	return until_stopped(NULL);
}

static int outer_thread(void *data)
{
	describe(data);
	inner = kthread_run(inner_thread, &inner_data, "parent_inner");
	return until_stopped(NULL);
}

static int __init create_parent_init(void)
{
	outer = kthread_run(outer_thread, &outer_data, "parent_outer");
	wait_for_completion(&described);
	/* The inner one may be through before the outer one knows it. */
	soon(READ_ONCE(inner) != NULL);
	say("func=%d func_of_user_task=%d", kthread_func(outer) == outer_thread,
	    kthread_func(current) != NULL);
	say("in insmod: kthread=%d mm=%d", !!(current->flags & PF_KTHREAD), current->mm != NULL);
	return 0;
}

static void __exit create_parent_exit(void)
{
	say("outer=%d inner=%d", kthread_stop(outer), kthread_stop(inner));
}

module_init(create_parent_init);
module_exit(create_parent_exit);
