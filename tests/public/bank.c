// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Money goes round between accounts, each with a mutex; a semaphore lets only two clerks work at
 * a time.
 *
 * log: bank: clerk 0 made transfers
 * log: bank: clerk 1 made transfers
 * log: bank: clerk 2 made transfers
 * log: bank: the books balance, never more than 2 at the counter
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/semaphore.h>

#define ACCOUNTS	4
#define CLERKS		3
#define FUNDS		1000

static struct account {
	struct mutex lock;
	long balance;
} account[ACCOUNTS];

static struct semaphore counter;
static atomic_t busy = ATOMIC_INIT(0);
static int most_busy;
static struct task_struct *clerk[CLERKS];

/* Locks are taken in the order of their addresses: no deadlock. */
static void transfer(struct account *from, struct account *to, long amount)
{
	struct account *first = min(from, to), *second = max(from, to);

	mutex_lock(&first->lock);
	mutex_lock_nested(&second->lock, 1);
	if (from->balance >= amount) {
		from->balance -= amount;
		to->balance += amount;
	}
	mutex_unlock(&second->lock);
	mutex_unlock(&first->lock);
}

static int work(void *unused)
{
	int made = 0;

	while (!kthread_should_stop()) {
		unsigned int from = get_random_u32() % ACCOUNTS;
		unsigned int to = (from + 1 + prandom_u32_max(ACCOUNTS - 1)) % ACCOUNTS;
		int now;

		if (down_interruptible(&counter))
			continue;
		now = atomic_inc_return(&busy);
		if (now > READ_ONCE(most_busy))
			WRITE_ONCE(most_busy, now);
		transfer(&account[from], &account[to], prandom_u32_max(100));
		made++;
		usleep_range(500, 1500);
		atomic_dec(&busy);
		up(&counter);
	}
	return made;
}

static int __init bank_init(void)
{
	int i;

	sema_init(&counter, 2);
	for (i = 0; i < ACCOUNTS; i++) {
		mutex_init(&account[i].lock);
		account[i].balance = FUNDS;
	}
	for (i = 0; i < CLERKS; i++) {
		clerk[i] = kthread_run(work, NULL, "clerk-%d", i);
		if (IS_ERR(clerk[i])) {
			int err = PTR_ERR(clerk[i]);

			while (--i >= 0)
				kthread_stop(clerk[i]);
			return err;
		}
	}
	return 0;
}

static void __exit bank_exit(void)
{
	long sum = 0;
	int i;

	for (i = 0; i < CLERKS; i++)
		if (kthread_stop(clerk[i]) > 10)
			pr_info("clerk %d made transfers\n", i);
	for (i = 0; i < ACCOUNTS; i++) {
		WARN_ON(mutex_is_locked(&account[i].lock));
		sum += account[i].balance;
		mutex_destroy(&account[i].lock);
	}
	if (sum == ACCOUNTS * FUNDS && most_busy <= 2)
		pr_info("the books balance, never more than %d at the counter\n", 2);
	else
		pr_err("%ld in the books, %d at the counter\n", sum, most_busy);
}

module_init(bank_init);
module_exit(bank_exit);
MODULE_LICENSE("GPL");
