// SPDX-License-Identifier: MIT OR Apache-2.0
#include <linux/build_bug.h>
#include <linux/log2.h>
#include <linux/spinlock.h>

#include "ring.h"

void ring_init(struct ring *ring)
{
	BUILD_BUG_ON_NOT_POWER_OF_2(RING_SIZE);
	spin_lock_init(&ring->lock);
	ring->head = 0;
	ring->tail = 0;
}

bool ring_put(struct ring *ring, u32 value)
{
	unsigned long flags;
	bool fits;

	spin_lock_irqsave(&ring->lock, flags);
	fits = ring->head - ring->tail < RING_SIZE;
	if (fits)
		ring->slot[ring->head++ & (RING_SIZE - 1)] = value;
	spin_unlock_irqrestore(&ring->lock, flags);
	return fits;
}

bool ring_get(struct ring *ring, u32 *value)
{
	unsigned long flags;
	bool found;

	spin_lock_irqsave(&ring->lock, flags);
	found = ring->head != ring->tail;
	if (found)
		*value = ring->slot[ring->tail++ & (RING_SIZE - 1)];
	spin_unlock_irqrestore(&ring->lock, flags);
	return found;
}
