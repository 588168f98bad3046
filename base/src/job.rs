//! Work that a host thread hands to the kernel and waits for.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::Machine;

/// Tells the waiting host thread that its job is over; given to the kernel with the job.
///
/// It is told when this is dropped, so a job can end any way it likes.
pub struct Done {
    word: *const AtomicU32,
    /// There until it is dropped.
    machine: Option<Arc<dyn Machine>>,
}

// SAFETY: the word is an atomic that outlives this (see `run`).
unsafe impl Send for Done {}

impl Drop for Done {
    fn drop(&mut self) {
        // Who is told may end the kernel at once, and with it this thread wherever it is: with
        // interrupts off its CPU does not end before the machine is let go of.
        let _no_interrupts = crate::on_kernel_stack().then(crate::IrqGuard::new);
        if let Some(machine) = self.machine.take() {
            // SAFETY: `run` keeps the word until it reads 1, which is stored here and nowhere
            // else.
            machine.wake_host(unsafe { &*self.word });
        }
    }
}

/// What a job is to the kernel: a closure to call once on a kernel stack.
pub type Body = Box<dyn FnOnce() + Send>;

/// Why a job has no result.
#[derive(Debug)]
pub enum JobError<E> {
    /// It was never begun: `spawn` said why.
    NotBegun(E),
    /// The thread that ran it ended before it did.
    Killed,
    /// It panicked, with this message.
    Panicked(String),
}

/// Has `spawn` run `body` on a kernel stack and waits for its end.
///
/// `spawn` gets the body and a [`Done`], which the kernel must drop when the body will not be
/// touched any more: after it has run, or after its thread has ended.
pub fn run<R: Send, E>(
    machine: &Arc<dyn Machine>,
    spawn: impl FnOnce(Body, Done) -> Result<(), E>,
    body: impl FnOnce() -> R + Send,
) -> Result<R, JobError<E>> {
    /// A pointer to the waiting frame's result.
    struct Out<R>(*mut Option<Result<R, String>>);
    // SAFETY: used by the job alone while the frame waits.
    unsafe impl<R: Send> Send for Out<R> {}

    let word = AtomicU32::new(0);
    let mut result: Option<Result<R, String>> = None;
    let out = Out(ptr::from_mut(&mut result));
    // Borrowed, not owned: a thread that is killed never drops what its frames own.
    let catcher: &dyn Machine = &**machine;
    let job: Box<dyn FnOnce() + Send + '_> = Box::new(move || {
        let out = out;
        let mut body = Some(body);
        let mut value = None;
        let caught = catcher.catch(&mut || value = body.take().map(|body| body()));
        let outcome = match (caught, value) {
            (Ok(()), Some(value)) => Some(Ok(value)),
            (Err(message), _) => Some(Err(message)),
            (Ok(()), None) => None,
        };
        // SAFETY: the frame that owns the result waits until Done is dropped, after this.
        unsafe { *out.0 = outcome };
    });
    // SAFETY: only the lifetime changes. The job borrows from the caller, who does not return
    // before Done is dropped, and the kernel drops Done only when it is through with the job.
    let job: Body = unsafe { core::mem::transmute(job) };
    let done = Done { word: &word, machine: Some(machine.clone()) };
    let spawned = spawn(job, done);
    machine.wait_host(&word);
    debug_assert_eq!(word.load(Ordering::Relaxed), 1);
    spawned.map_err(JobError::NotBegun)?;
    match result {
        Some(Ok(value)) => Ok(value),
        Some(Err(message)) => Err(JobError::Panicked(message)),
        None => Err(JobError::Killed),
    }
}

/// Where host threads leave things for the kernel: usable from any stack.
///
/// A spinning flag guards it, held for a push or a pop only.
pub struct Mailbox<T> {
    locked: AtomicBool,
    count: AtomicU32,
    items: UnsafeCell<VecDeque<T>>,
}

// SAFETY: the flag gives the items to one holder at a time.
unsafe impl<T: Send> Sync for Mailbox<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Mailbox<T> {}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        Mailbox {
            locked: AtomicBool::new(false),
            count: AtomicU32::new(0),
            items: UnsafeCell::new(VecDeque::new()),
        }
    }
}

impl<T> Mailbox<T> {
    fn with<R>(&self, body: impl FnOnce(&mut VecDeque<T>) -> R) -> R {
        // Nothing may come between a kernel thread and the end of its turn: an interrupt, or who
        // preempts it, could wait for the flag for ever.
        let _no_interrupts = crate::on_kernel_stack().then(crate::IrqGuard::new);
        while self.locked.swap(true, Ordering::Acquire) {
            core::hint::spin_loop();
        }
        // SAFETY: the flag is ours until it is cleared.
        let result = body(unsafe { &mut *self.items.get() });
        self.locked.store(false, Ordering::Release);
        result
    }

    /// Puts an item in.
    pub fn push(&self, item: T) {
        self.with(|items| items.push_back(item));
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    /// Takes the oldest item out.
    pub fn pop(&self) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let item = self.with(VecDeque::pop_front)?;
        self.count.fetch_sub(1, Ordering::SeqCst);
        Some(item)
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::thread;
    use std::vec::Vec;

    const PUSHERS: usize = 3;
    const ITEMS: usize = if cfg!(miri) { 20 } else { 2000 };

    #[test]
    fn what_is_left_comes_out_once_and_in_order() {
        let mailbox = Mailbox::<Box<(usize, usize)>>::default();
        let mut next = [0; PUSHERS];
        thread::scope(|scope| {
            for pusher in 0..PUSHERS {
                let mailbox = &mailbox;
                let push = move |item| mailbox.push(Box::new((pusher, item)));
                scope.spawn(move || (0..ITEMS).for_each(push));
            }
            while next.iter().sum::<usize>() < PUSHERS * ITEMS {
                let Some(item) = mailbox.pop() else {
                    thread::yield_now();
                    continue;
                };
                let (pusher, number) = *item;
                assert_eq!(number, next[pusher]);
                next[pusher] += 1;
            }
        });
        assert!(mailbox.is_empty() && mailbox.pop().is_none());
    }

    #[test]
    fn several_take_what_is_left_and_none_takes_it_twice() {
        let mailbox = Mailbox::default();
        (0..ITEMS).for_each(|item| mailbox.push(item));
        let take = || core::iter::from_fn(|| mailbox.pop()).collect::<Vec<_>>();
        let mut taken: Vec<usize> = thread::scope(|scope| {
            let takers: Vec<_> = (0..PUSHERS).map(|_| scope.spawn(take)).collect();
            takers.into_iter().flat_map(|taker| taker.join().expect("no panic")).collect()
        });
        taken.sort_unstable();
        assert!(taken.into_iter().eq(0..ITEMS));
    }
}
