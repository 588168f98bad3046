//! Pointers that lie in memory shared with C.

use core::marker::PhantomData;
use core::pin::Pin;
use core::sync::atomic::{AtomicPtr, Ordering};

/// A pointer to a function of type `F` (an `extern "C" fn`), shared with C; may be null.
#[repr(transparent)]
pub struct AtomicFn<F> {
    pointer: AtomicPtr<()>,
    kind: PhantomData<F>,
}

impl<F> core::fmt::Debug for AtomicFn<F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:p}", self.pointer.load(Ordering::Relaxed))
    }
}

impl<F: Copy> AtomicFn<F> {
    const IS_POINTER: () = assert!(size_of::<F>() == size_of::<*mut ()>());

    /// Holds no function.
    pub const fn null() -> Self {
        AtomicFn { pointer: AtomicPtr::new(core::ptr::null_mut()), kind: PhantomData }
    }

    /// Stores a function.
    pub fn set(&self, function: F) {
        let () = Self::IS_POINTER;
        // SAFETY: F is pointer-sized (checked above) and a function pointer by this type's
        // contract, so its bits are a pointer.
        let raw: *mut () = unsafe { core::mem::transmute_copy(&function) };
        self.pointer.store(raw, Ordering::Relaxed);
    }

    /// Makes the pointer null.
    pub fn clear(&self) {
        self.pointer.store(core::ptr::null_mut(), Ordering::Relaxed);
    }

    /// Whether the pointer is that function. Functions that are alike may lie at one address, and
    /// one function at several: what is told apart here must not matter.
    #[inline(always)]
    pub fn is(&self, function: F) -> bool {
        let () = Self::IS_POINTER;
        // SAFETY: as in `set`.
        let raw: *mut () = unsafe { core::mem::transmute_copy(&function) };
        self.pointer.load(Ordering::Relaxed) == raw
    }

    /// Returns the function, or None when the pointer is null.
    pub fn get(&self) -> Option<F> {
        let () = Self::IS_POINTER;
        let raw = self.pointer.load(Ordering::Relaxed);
        if raw.is_null() {
            return None;
        }
        // SAFETY: a non-null value was stored by `set`, or by C into a field of this C function
        // type: whoever hands C memory to the kernel (capi) vouches for its type.
        Some(unsafe { core::mem::transmute_copy(&raw) })
    }

    /// The function taken for one of type `G`, for a field whose real type C tells elsewhere.
    pub fn get_as<G: Copy>(&self) -> Option<G> {
        const { assert!(size_of::<G>() == size_of::<*mut ()>()) };
        let raw = self.pointer.load(Ordering::Relaxed);
        // SAFETY: as in `get`; that C stored a G and not an F is what the caller read elsewhere.
        (!raw.is_null()).then(|| unsafe { core::mem::transmute_copy(&raw) })
    }

    /// The address, for printing.
    pub fn address(&self) -> usize {
        self.pointer.load(Ordering::Relaxed) as usize
    }
}

/// A pointer to a pinned `T`, shared with C; may be null.
///
/// Whoever stores one sees to it that the pointee lives for as long as the pointer is used: it is
/// the rule of the object that holds it (a work and its worker, say).
#[repr(transparent)]
pub struct AtomicRef<T> {
    pointer: AtomicPtr<T>,
}

impl<T> core::fmt::Debug for AtomicRef<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:p}", self.pointer.load(Ordering::Relaxed))
    }
}

impl<T> Default for AtomicRef<T> {
    fn default() -> Self {
        Self::null()
    }
}

impl<T> AtomicRef<T> {
    /// Points to nothing.
    pub const fn null() -> Self {
        AtomicRef { pointer: AtomicPtr::new(core::ptr::null_mut()) }
    }

    /// Whether it points to nothing.
    #[inline(always)]
    pub fn is_null(&self) -> bool {
        self.address() == 0
    }

    /// Whether it points to `target`.
    #[inline(always)]
    pub fn is(&self, target: &T) -> bool {
        self.address() == core::ptr::from_ref(target) as usize
    }

    /// Points to `target` from now on, or to nothing.
    #[inline(always)]
    pub fn set(&self, target: Option<Pin<&T>>) {
        let raw = target.map_or(core::ptr::null(), |target| core::ptr::from_ref(target.get_ref()));
        self.pointer.store(raw.cast_mut(), Ordering::Release);
    }

    /// What it points to.
    #[inline(always)]
    pub fn get<'a>(&self) -> Option<Pin<&'a T>> {
        let raw = self.pointer.load(Ordering::Acquire);
        // SAFETY: a non-null pointer was stored by `set`, or by C into a field of this type; by
        // the type's rule the pointee still lives, pinned.
        unsafe { raw.as_ref().map(|target| Pin::new_unchecked(target)) }
    }

    /// The address, 0 for nothing.
    #[inline(always)]
    pub fn address(&self) -> usize {
        self.pointer.load(Ordering::Acquire) as usize
    }
}
