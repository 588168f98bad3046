//! The two-thread hand-off on plain `std` threads: a receiver collects frames, a handler sleeps
//! until a batch is full and takes it.
//!
//! It is the same program as `modules/handoff_waitqueue`, for comparison: a [`Condvar`] is what a
//! wait queue is in the kernel, [`Handoff::stop`] what kthread_stop is. The two Chinese articles on
//! kernel threads that this project began from show it in C++11 and with POSIX threads, each with
//! mistakes that are easily made. This is what they are, and what stands here instead:
//!
//! | mistake | in | what happens | here |
//! |---|---|---|---|
//! | `break` out of the loop with the mutex locked | POSIX, `RecieveTask` | the other thread can never lock it again; `main` does not notice, as it joins only one of the two and destroys a locked mutex | the guard unlocks wherever the function is left |
//! | the stop flag is written without the lock | both | a data race; and a waiter that has just looked at the flag goes to sleep after it changed, with nobody left to wake it | the flag is part of the state that the mutex protects: there is no way to it without the lock |
//! | setting the flag wakes nobody | both | the end is noticed only when the next sleep or wait happens to end | [`Handoff::stop`] wakes every waiter |
//! | a notification that finds nobody waiting is lost, and the thread then waits without looking | both | the C++ handler sleeps 15 ms after each batch; if the last notification comes in that time, it waits for ever | a waiter looks at the state first, and what it waits for is in the state, not in the notification |
//! | `if (...) wait` instead of a loop | both | a wake-up for no reason, which condition variables may have, counts as a full batch | `wait_while` looks again after each wake-up |
//! | one condition variable for two conditions, with `signal` | POSIX | it works as long as there are exactly two threads | one for each condition, and `notify_all` |
//! | loops that sleep (15 ms, 1 s) | both | a delay for every batch and for the end, and wake-ups for nothing | [`Handoff::pause`] is a wait too: a stop ends it at once |
//! | a flag called `stop` that means "go on" | POSIX | every reader gets it wrong once | [`Stopped`] is an error that `?` hands on |

#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt;
use std::num::NonZero;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Says that the hand-off was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the hand-off was stopped")
    }
}

impl Error for Stopped {}

/// Says whether the threads go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Stopped,
}

/// Is everything that both threads look at. Only the mutex leads to it.
#[derive(Debug)]
struct State {
    /// Frames that were received and not yet taken; never more than a batch.
    frames: usize,
    phase: Phase,
    /// How often a handler has looked whether its batch is there.
    #[cfg(test)]
    looks: usize,
}

/// Hands frames from a receiver to a handler, a batch at a time.
///
/// ```
/// use handoff_std::Handoff;
/// use std::num::NonZero;
///
/// let handoff = Handoff::new(NonZero::new(2).unwrap());
/// std::thread::scope(|scope| {
///     let handler = scope.spawn(|| std::iter::from_fn(|| handoff.take()).collect::<Vec<_>>());
///     for _ in 0..5 {
///         handoff.put()?;
///     }
///     handoff.stop();
///     assert_eq!(handler.join().unwrap().iter().sum::<usize>(), 5);
///     Ok::<(), handoff_std::Stopped>(())
/// })?;
/// # Ok::<(), handoff_std::Stopped>(())
/// ```
#[derive(Debug)]
pub struct Handoff {
    batch: NonZero<usize>,
    state: Mutex<State>,
    /// The handler waits here for a full batch.
    filled: Condvar,
    /// The receiver waits here, for room and for time to pass.
    emptied: Condvar,
}

impl Handoff {
    /// Creates a hand-off of batches of so many frames.
    pub fn new(batch: NonZero<usize>) -> Self {
        let state = State {
            frames: 0,
            phase: Phase::Running,
            #[cfg(test)]
            looks: 0,
        };
        Self { batch, state: Mutex::new(state), filled: Condvar::new(), emptied: Condvar::new() }
    }

    /// Adds a frame. Waits as long as a full batch has not been taken.
    ///
    /// # Errors
    ///
    /// [`Stopped`]; the frame was not added.
    pub fn put(&self) -> Result<(), Stopped> {
        let no_room = |state: &mut State| state.is_running() && state.frames >= self.batch.get();
        let mut state = unpoisoned(self.emptied.wait_while(self.lock(), no_room));
        state.check()?;
        state.frames += 1;
        if state.frames >= self.batch.get() {
            self.filled.notify_all();
        }
        Ok(())
    }

    /// Takes a batch and returns its size. Waits until it is full; after a stop it takes what is
    /// there, and returns `None` when nothing is: then no frame will ever come.
    pub fn take(&self) -> Option<usize> {
        let not_full = |state: &mut State| {
            #[cfg(test)]
            state.count_look();
            state.is_running() && state.frames < self.batch.get()
        };
        let mut state = unpoisoned(self.filled.wait_while(self.lock(), not_full));
        let taken = std::mem::take(&mut state.frames);
        self.emptied.notify_all();
        (taken > 0).then_some(taken)
    }

    /// Waits until so much time has passed, or until the stop.
    ///
    /// # Errors
    ///
    /// [`Stopped`], at once.
    pub fn pause(&self, span: Duration) -> Result<(), Stopped> {
        let running = |state: &mut State| state.is_running();
        let (state, _) = self
            .emptied
            .wait_timeout_while(self.lock(), span, running)
            .unwrap_or_else(PoisonError::into_inner);
        state.check()
    }

    /// Ends the hand-off: wakes whoever waits and refuses further frames.
    pub fn stop(&self) {
        self.lock().phase = Phase::Stopped;
        self.filled.notify_all();
        self.emptied.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        unpoisoned(self.state.lock())
    }
}

/// Goes on after a panic of another thread: no method leaves the state half changed.
fn unpoisoned<T>(result: Result<T, PoisonError<T>>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    fn check(&self) -> Result<(), Stopped> {
        if self.is_running() { Ok(()) } else { Err(Stopped) }
    }

    #[cfg(test)]
    fn count_look(&mut self) {
        self.looks += 1;
    }
}
