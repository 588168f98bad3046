//! Which kernel an object belongs to.
//!
//! Several kernels may live in one process, and handles may outlive theirs. Whatever is linked to
//! a kernel's tasks must not be touched from another one, so it remembers where it belongs. An
//! [`Identity`] is kept by whoever remembers it: no later kernel can have the same.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

use kthreads_base::SpinLock;

use crate::Kernel;

/// What tells a kernel from all others of the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity(Arc<()>);

impl Identity {
    pub(crate) fn is(&self, kernel: &Kernel) -> bool {
        Arc::ptr_eq(&self.0, &kernel.identity.0)
    }

    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

/// The kernel of an object that may be made outside of any: the first one that uses it.
#[derive(Debug, Default)]
pub(crate) struct Home {
    /// The identity's address, 0 while there is none: a look needs no lock.
    address: AtomicUsize,
    identity: SpinLock<Option<Identity>>,
}

impl Home {
    /// Makes `kernel` the object's home if it has none.
    ///
    /// # Panics
    ///
    /// When another kernel is.
    pub(crate) fn check(&self, kernel: &Kernel) {
        let mine = kernel.identity.address();
        let order = Ordering::AcqRel;
        match self.address.compare_exchange(0, mine, order, Ordering::Acquire) {
            Ok(_) => *self.identity.lock() = Some(kernel.identity.clone()),
            Err(home) => assert!(home == mine, "this object belongs to another kernel"),
        }
    }
}
