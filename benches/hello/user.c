// SPDX-License-Identifier: MIT OR GPL-2.0
/* The same as hello.c as a program of its own. */
#include <pthread.h>
#include <stdio.h>

static void *greet(void *unused)
{
	puts("hello from a thread");
	fflush(stdout);
	return NULL;
}

int main(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, greet, NULL))
		return 1;
	return pthread_join(thread, NULL);
}
