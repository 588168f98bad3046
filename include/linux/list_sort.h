/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_LIST_SORT_H
#define _KTHREADS_LINUX_LIST_SORT_H

#include <linux/list.h>

typedef int (*list_cmp_func_t)(void *priv, const struct list_head *a,
			       const struct list_head *b);

/* Takes @count nodes off @head, sorted, linked by next and ended by NULL. */
static inline struct list_head *__list_sort_run(void *priv, struct list_head *head,
						size_t count, list_cmp_func_t cmp)
{
	struct list_head *a, *b, *first, **end = &first;

	if (count == 1) {
		first = head->next;
		head->next = first->next;
		first->next = NULL;
		return first;
	}
	a = __list_sort_run(priv, head, count / 2, cmp);
	b = __list_sort_run(priv, head, count - count / 2, cmp);
	while (a && b) {
		struct list_head **from = cmp(priv, a, b) <= 0 ? &a : &b;

		*end = *from;
		end = &(*from)->next;
		*from = *end;
	}
	*end = a ? a : b;
	return first;
}

/* A stable merge sort: @cmp > 0 means that @a goes after @b. */
static inline void list_sort(void *priv, struct list_head *head, list_cmp_func_t cmp)
{
	size_t count = list_count_nodes(head);
	struct list_head *pos, *prev = head;

	if (count < 2)
		return;
	head->next = __list_sort_run(priv, head, count, cmp);
	for (pos = head->next; pos; prev = pos, pos = pos->next)
		pos->prev = prev;
	prev->next = head;
	head->prev = prev;
}

#endif
