/*
 * An error of module_init unloads the module without a call of module_exit; a positive value is complained
 * about and the module stays. An unknown parameter is ignored, a bad value is not.
 *
 * Covers: kernel/module/main.c:do_init_module, insmod, module_param (kernel/params.c).
 *
 * script:
 *   insmod module_init_fails.ko answer=-5
 *   echo "case: loaded=$(grep -c '^module_init_fails ' /proc/modules)"
 *   insmod module_init_fails.ko answer=nonsense
 *   echo "case: loaded=$(grep -c '^module_init_fails ' /proc/modules)"
 *   insmod module_init_fails.ko answer=3 unknown=1
 *   echo "case: loaded=$(grep -c '^module_init_fails ' /proc/modules)"
 *   insmod module_init_fails.ko
 *   rmmod module_init_fails
 *   rmmod module_init_fails
 *   echo "case: loaded=$(grep -c '^module_init_fails ' /proc/modules)"
 */
#include "case.h"

static int answer;
module_param(answer, int, 0444);

static int __init module_init_fails_init(void)
{
	struct task_struct *task = kthread_run(until_stopped, NULL, "short_lived");

	kthread_stop(task);
	/* Some versions of insmod try a second way when the first one failed: say nothing then. */
	if (answer >= 0)
		say("init: answer=%d", answer);
	return answer;
}

static void __exit module_init_fails_exit(void)
{
	say("exit: answer=%d", answer);
}

module_init(module_init_fails_init);
module_exit(module_init_fails_exit);
