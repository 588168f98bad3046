//! What POSIX has beside threads: semaphores, mutexes with conditions, scheduling.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::Arc;

/// Is a semaphore (sem_t).
pub(crate) struct Semaphore(Box<UnsafeCell<libc::sem_t>>);

// SAFETY: the functions on a semaphore may be called by all threads at once.
unsafe impl Sync for Semaphore {}

impl Semaphore {
    /// A semaphore with a count of zero.
    pub(crate) fn new() -> Semaphore {
        // SAFETY: all bytes zero are a valid value of the C struct, and it has its place for good.
        unsafe {
            let semaphore = Box::new(UnsafeCell::new(MaybeUninit::zeroed().assume_init()));
            libc::sem_init(semaphore.get(), 0, 0);
            Semaphore(semaphore)
        }
    }

    pub(crate) fn post(&self) {
        // SAFETY: it was initialised where it stands.
        unsafe { libc::sem_post(self.0.get()) };
    }

    pub(crate) fn wait(&self) {
        // SAFETY: as above.
        while unsafe { libc::sem_wait(self.0.get()) } != 0 {}
    }
}

/// Is a mutex with a condition and a word that the mutex guards (pthread_mutex_t,
/// pthread_cond_t).
pub(crate) struct Monitor {
    mutex: UnsafeCell<libc::pthread_mutex_t>,
    condition: UnsafeCell<libc::pthread_cond_t>,
    word: UnsafeCell<u32>,
}

// SAFETY: nothing in it belongs to the thread that made it.
unsafe impl Send for Monitor {}
// SAFETY: the word is used under the mutex only, and mutex and condition are for all threads.
unsafe impl Sync for Monitor {}

impl Monitor {
    /// A monitor that stays where it is, with its word set to zero.
    pub(crate) fn new() -> Arc<Monitor> {
        Arc::new(Monitor {
            mutex: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
            condition: UnsafeCell::new(libc::PTHREAD_COND_INITIALIZER),
            word: UnsafeCell::new(0),
        })
    }

    /// Sets the word and wakes whoever waits.
    pub(crate) fn set(&self, word: u32) {
        // SAFETY: mutex and condition are initialised, and the word is written under the mutex.
        unsafe {
            libc::pthread_mutex_lock(self.mutex.get());
            *self.word.get() = word;
            libc::pthread_cond_signal(self.condition.get());
            libc::pthread_mutex_unlock(self.mutex.get());
        }
    }

    /// Waits until the word has this value.
    pub(crate) fn wait_for(&self, word: u32) {
        // SAFETY: as in `set`; waiting returns with the mutex held.
        unsafe {
            libc::pthread_mutex_lock(self.mutex.get());
            while *self.word.get() != word {
                libc::pthread_cond_wait(self.condition.get(), self.mutex.get());
            }
            libc::pthread_mutex_unlock(self.mutex.get());
        }
    }
}

/// Gives the CPU to another thread that can run (sched_yield).
pub(crate) fn sched_yield() {
    // SAFETY: a plain system call.
    unsafe { libc::sched_yield() };
}

/// Makes the calling thread a real-time one; false if this user may not.
pub(crate) fn set_fifo() -> bool {
    let parameters = libc::sched_param { sched_priority: 1 };
    // SAFETY: the parameters are there during the call.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) == 0 }
}

/// Binds the calling thread to one of the CPUs it may run on, counted from zero; false if there are
/// not so many (sched_setaffinity).
pub(crate) fn bind_to_cpu(index: usize) -> bool {
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: zeroes are a valid value of the C struct, the calls get its size, and the numbers of
    // CPUs are below what it can hold.
    unsafe {
        let mut allowed: libc::cpu_set_t = MaybeUninit::zeroed().assume_init();
        let mut one: libc::cpu_set_t = MaybeUninit::zeroed().assume_init();
        libc::sched_getaffinity(0, size, &raw mut allowed);
        let mut cpus = (0..8 * size).filter(|cpu| libc::CPU_ISSET(*cpu, &allowed));
        let Some(cpu) = cpus.nth(index) else { return false };
        libc::CPU_SET(cpu, &mut one);
        libc::sched_setaffinity(0, size, &raw const one) == 0
    }
}

/// How often the calling thread gave up its CPU or lost it.
pub(crate) fn thread_switches() -> u64 {
    // SAFETY: zeroes are a valid value of the C struct, which the call fills.
    let usage = unsafe {
        let mut usage: libc::rusage = MaybeUninit::zeroed().assume_init();
        libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage);
        usage
    };
    u64::try_from(usage.ru_nvcsw + usage.ru_nivcsw).unwrap_or(0)
}

/// Is a thread with the smallest stack there can be (pthread_create).
pub(crate) struct Thread(libc::pthread_t);

type Body = (fn(&Monitor), Arc<Monitor>);

impl Thread {
    /// Starts a thread that calls `body`; none if there can be no more.
    pub(crate) fn start(body: fn(&Monitor), monitor: &Arc<Monitor>) -> Option<Thread> {
        extern "C" fn enter(argument: *mut libc::c_void) -> *mut libc::c_void {
            // SAFETY: `start` leaked a box of this type for this thread alone.
            let (body, monitor) = *unsafe { Box::from_raw(argument.cast::<Body>()) };
            body(&monitor);
            std::ptr::null_mut()
        }
        let argument = Box::into_raw(Box::<Body>::new((body, monitor.clone())));
        // SAFETY: the attributes are initialised before use and destroyed after; zeroes are a
        // valid value of the C types.
        let (error, thread) = unsafe {
            let mut attributes: libc::pthread_attr_t = MaybeUninit::zeroed().assume_init();
            let mut thread: libc::pthread_t = MaybeUninit::zeroed().assume_init();
            libc::pthread_attr_init(&raw mut attributes);
            libc::pthread_attr_setstacksize(&raw mut attributes, libc::PTHREAD_STACK_MIN);
            let error = libc::pthread_create(
                &raw mut thread,
                &raw const attributes,
                enter,
                argument.cast(),
            );
            libc::pthread_attr_destroy(&raw mut attributes);
            (error, thread)
        };
        if error == 0 {
            return Some(Thread(thread));
        }
        // SAFETY: no thread has taken it.
        drop(unsafe { Box::from_raw(argument) });
        None
    }

    /// Waits for its end (pthread_join).
    pub(crate) fn join(self) {
        // SAFETY: it was started and is joined once.
        unsafe { libc::pthread_join(self.0, std::ptr::null_mut()) };
    }
}
