/* Modules have no thread-local storage. */
__thread int per_thread = 3;
int get(void) { return per_thread; }
