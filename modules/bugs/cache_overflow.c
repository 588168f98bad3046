// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * An object of a kmem_cache is written past its end.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

MODULE_LICENSE("Dual MIT/GPL");

struct record {
	int number;
	char text[20];
};

static struct kmem_cache *records;

static int __init cache_overflow_init(void)
{
	struct record *record;

	records = kmem_cache_create("records", sizeof(*record), 0, 0, NULL);
	if (!records)
		return -ENOMEM;
	record = kmem_cache_alloc(records, GFP_KERNEL);
	if (record) {
		memset(record->text, ' ', sizeof(*record));
		kmem_cache_free(records, record);
	}
	return 0;
}

static void __exit cache_overflow_exit(void)
{
	kmem_cache_destroy(records);
}

module_init(cache_overflow_init);
module_exit(cache_overflow_exit);
