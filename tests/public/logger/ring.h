/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef LOGGER_RING_H
#define LOGGER_RING_H

#include <linux/spinlock.h>
#include <linux/types.h>

#ifndef RING_SIZE
#error "the Makefile says how large the ring is"
#endif

struct ring {
	spinlock_t lock;
	unsigned int head;
	unsigned int tail;
	u32 slot[RING_SIZE];
};

void ring_init(struct ring *ring);
bool ring_put(struct ring *ring, u32 value);
bool ring_get(struct ring *ring, u32 *value);

#endif
