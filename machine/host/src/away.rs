//! Time for which the host let nothing run although it passed: the process was stopped, looked at
//! by a debugger, or did not get a processor.
//!
//! The monitor says by when it looks again. Who finds that this is long ago was away itself, and so
//! were all others: the kernel is told, before it judges anybody by that time.

use std::sync::{Mutex, PoisonError};

use kthreads_base::Nanos;

/// How late a look may come before the host is held to have stopped everything.
const LONGEST_DELAY: Nanos = Nanos::from_millis(500);

/// By when somebody looks, in the host's time.
pub(crate) struct Away {
    expected: Mutex<Nanos>,
}

impl Away {
    pub(crate) fn new() -> Away {
        Away { expected: Mutex::new(Nanos::NEVER) }
    }

    /// Somebody looks at `at`, or shortly after; NEVER for as long as nobody needs to.
    pub(crate) fn expect(&self, at: Nanos) {
        *self.expected.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// Tells for how long all were away, if they were. Who asks next waits until that is told.
    pub(crate) fn look(&self, now: Nanos, tell: impl FnOnce(Nanos)) {
        let mut expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        let late = now - now.min(*expected);
        if late > LONGEST_DELAY {
            *expected = now;
            tell(late);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(away: &Away, seconds: u64) -> Option<Nanos> {
        let mut told = None;
        away.look(Nanos(seconds * Nanos::SECOND.0), |late| told = Some(late));
        told
    }

    #[test]
    fn a_gap_is_told_once() {
        let away = Away::new();
        away.expect(Nanos::SECOND);
        assert_eq!(told(&away, 1), None);
        assert_eq!(told(&away, 5), Some(Nanos(4 * Nanos::SECOND.0)));
        assert_eq!(told(&away, 5), None);
        assert_eq!(told(&away, 6), Some(Nanos::SECOND));
    }

    #[test]
    fn nobody_is_away_who_is_not_expected() {
        let away = Away::new();
        assert_eq!(told(&away, 1000), None);
        away.expect(Nanos::SECOND);
        away.expect(Nanos::NEVER);
        assert_eq!(told(&away, 1000), None);
    }
}
