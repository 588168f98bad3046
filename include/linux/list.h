/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_LIST_H
#define _KTHREADS_LINUX_LIST_H

#include <linux/types.h>
#include <linux/container_of.h>
#include <linux/poison.h>

#define LIST_HEAD_INIT(name)	{ &(name), &(name) }
#define LIST_HEAD(name)		struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *head)
{
	WRITE_ONCE(head->next, head);
	WRITE_ONCE(head->prev, head);
}

/* They say what is wrong, and end the thread. */
extern __attribute__((noreturn, cold)) void
__list_add_corrupt(struct list_head *item, struct list_head *prev,
		   struct list_head *next);
extern __attribute__((noreturn, cold)) void __list_del_corrupt(struct list_head *item);

static inline void __list_add(struct list_head *item, struct list_head *prev,
			      struct list_head *next)
{
	if (__builtin_expect(!prev || !next || next->prev != prev ||
			     prev->next != next || item == prev || item == next, 0))
		__list_add_corrupt(item, prev, next);
	next->prev = item;
	item->next = next;
	item->prev = prev;
	WRITE_ONCE(prev->next, item);
}

static inline void list_add(struct list_head *item, struct list_head *head)
{
	__list_add(item, head, head->next);
}

static inline void list_add_tail(struct list_head *item, struct list_head *head)
{
	__list_add(item, head->prev, head);
}

static inline void __list_del(struct list_head *prev, struct list_head *next)
{
	next->prev = prev;
	WRITE_ONCE(prev->next, next);
}

static inline void __list_del_entry(struct list_head *item)
{
	if (__builtin_expect(!item->next || !item->prev ||
			     item->next == LIST_POISON1 || item->prev == LIST_POISON2 ||
			     item->prev->next != item || item->next->prev != item, 0))
		__list_del_corrupt(item);
	__list_del(item->prev, item->next);
}

/* The poisoned links make a second removal fault. */
static inline void list_del(struct list_head *item)
{
	__list_del_entry(item);
	item->next = LIST_POISON1;
	item->prev = LIST_POISON2;
}

static inline void list_del_init(struct list_head *item)
{
	__list_del_entry(item);
	INIT_LIST_HEAD(item);
}

static inline void list_replace(struct list_head *old, struct list_head *item)
{
	item->next = old->next;
	item->next->prev = item;
	item->prev = old->prev;
	item->prev->next = item;
}

static inline void list_replace_init(struct list_head *old, struct list_head *item)
{
	list_replace(old, item);
	INIT_LIST_HEAD(old);
}

static inline void list_move(struct list_head *item, struct list_head *head)
{
	__list_del_entry(item);
	list_add(item, head);
}

static inline void list_move_tail(struct list_head *item, struct list_head *head)
{
	__list_del_entry(item);
	list_add_tail(item, head);
}

/* Moves the run @first..@last to the end of @head. */
static inline void list_bulk_move_tail(struct list_head *head,
				       struct list_head *first,
				       struct list_head *last)
{
	__list_del(first->prev, last->next);
	first->prev = head->prev;
	first->prev->next = first;
	last->next = head;
	head->prev = last;
}

static inline int list_is_first(const struct list_head *item,
				const struct list_head *head)
{
	return item->prev == head;
}

static inline int list_is_last(const struct list_head *item,
			       const struct list_head *head)
{
	return item->next == head;
}

static inline int list_is_head(const struct list_head *item,
			       const struct list_head *head)
{
	return item == head;
}

static inline int list_empty(const struct list_head *head)
{
	return READ_ONCE(head->next) == head;
}

static inline int list_empty_careful(const struct list_head *head)
{
	struct list_head *next = __atomic_load_n(&head->next, __ATOMIC_ACQUIRE);

	return next == head && next == READ_ONCE(head->prev);
}

/* list_del_init() that pairs with list_empty_careful() on another CPU. */
static inline void list_del_init_careful(struct list_head *item)
{
	__list_del_entry(item);
	WRITE_ONCE(item->prev, item);
	__atomic_store_n(&item->next, item, __ATOMIC_RELEASE);
}

static inline int list_is_singular(const struct list_head *head)
{
	return !list_empty(head) && head->next == head->prev;
}

static inline void list_rotate_left(struct list_head *head)
{
	if (!list_empty(head))
		list_move_tail(head->next, head);
}

static inline void list_swap(struct list_head *a, struct list_head *b)
{
	struct list_head *before_b = b->prev;

	__list_del_entry(b);
	list_replace(a, b);
	if (before_b == a)
		before_b = b;
	list_add(a, before_b);
}

/* Puts the links of the non-empty @list between @prev and @next. */
static inline void __list_splice(const struct list_head *list,
				 struct list_head *prev, struct list_head *next)
{
	list->next->prev = prev;
	prev->next = list->next;
	list->prev->next = next;
	next->prev = list->prev;
}

static inline void list_splice(const struct list_head *list, struct list_head *head)
{
	if (!list_empty(list))
		__list_splice(list, head, head->next);
}

static inline void list_splice_tail(struct list_head *list, struct list_head *head)
{
	if (!list_empty(list))
		__list_splice(list, head->prev, head);
}

static inline void list_splice_init(struct list_head *list, struct list_head *head)
{
	list_splice(list, head);
	INIT_LIST_HEAD(list);
}

static inline void list_splice_tail_init(struct list_head *list,
					 struct list_head *head)
{
	list_splice_tail(list, head);
	INIT_LIST_HEAD(list);
}

/* Moves what stands before and at @entry from @head to the empty @list. */
static inline void list_cut_position(struct list_head *list,
				     struct list_head *head,
				     struct list_head *entry)
{
	if (list_empty(head) || entry == head) {
		INIT_LIST_HEAD(list);
		return;
	}
	list->next = head->next;
	list->next->prev = list;
	head->next = entry->next;
	head->next->prev = head;
	list->prev = entry;
	entry->next = list;
}

static inline void list_cut_before(struct list_head *list, struct list_head *head,
				   struct list_head *entry)
{
	list_cut_position(list, head, entry->prev);
}

#include <linux/list_iter.h>
#include <linux/hlist.h>

#endif
