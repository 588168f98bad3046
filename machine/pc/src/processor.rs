//! The processors: what the machine knows of each, from power-on to power-off.

use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use kthreads_base::{CpuLocal, Nanos};

use crate::apic;
use crate::lockup::Watch;

/// The most processors that are used.
pub(crate) const MAX_PROCESSORS: usize = 64;

/// A processor. What others write lies on lines of its own.
#[repr(align(128))]
pub(crate) struct Processor {
    /// The id of its local interrupt controller.
    pub(crate) apic_id: AtomicU32,
    /// Whether it has started and can be asked for something.
    pub(crate) is_online: AtomicBool,
    /// The kernel's block of the CPU that it is; null while it is none.
    local: AtomicPtr<CpuLocal>,
    /// When the kernel wants an interrupt.
    pub(crate) timer: AtomicU64,
    /// Until when it rests, whatever its timer says; see rest.rs.
    pub(crate) until: AtomicU64,
    /// Whether it rests; changed under the lock of rest.rs alone.
    pub(crate) rests: AtomicBool,
    /// Whether interrupts that it is sent end its rest.
    pub(crate) is_deaf: AtomicBool,
    /// How many interrupts were made pending on it.
    pub(crate) raised: AtomicU64,
    /// The last request to forget page tables that it has answered; see shootdown.rs.
    pub(crate) flushed: AtomicU64,
    /// What its interrupt timer is set to.
    pub(crate) armed: AtomicU64,
    /// The lowest address of the kernel stack that its exceptions come on.
    pub(crate) exception_stack: AtomicUsize,
    /// Whether it is a CPU of the kernel that runs; only it says so. The kernel may be gone for one
    /// that is not, at any time.
    pub(crate) is_cpu: AtomicBool,
    /// What it knows of what it does for too long.
    pub(crate) watch: Watch,
}

impl Processor {
    const fn new() -> Processor {
        Processor {
            apic_id: AtomicU32::new(0),
            is_online: AtomicBool::new(false),
            local: AtomicPtr::new(core::ptr::null_mut()),
            timer: AtomicU64::new(u64::MAX),
            until: AtomicU64::new(u64::MAX),
            rests: AtomicBool::new(false),
            is_deaf: AtomicBool::new(false),
            raised: AtomicU64::new(0),
            flushed: AtomicU64::new(0),
            armed: AtomicU64::new(u64::MAX),
            exception_stack: AtomicUsize::new(0),
            is_cpu: AtomicBool::new(false),
            watch: Watch::new(),
        }
    }

    /// Its number: that of the CPU it is for a kernel.
    pub(crate) fn number(&self) -> u32 {
        let offset = core::ptr::from_ref(self) as usize - ALL.as_ptr() as usize;
        (offset / size_of::<Processor>()) as u32
    }

    /// Ties it to the kernel's block, or to none.
    pub(crate) fn attach(&self, local: *const CpuLocal) {
        self.timer.store(u64::MAX, Ordering::SeqCst);
        self.local.store(local.cast_mut(), Ordering::Release);
    }

    pub(crate) fn local(&self) -> Option<&CpuLocal> {
        // SAFETY: not null only between `start` and the end of `join`, while the machine keeps
        // the kernel that owns the block.
        unsafe { self.local.load(Ordering::Acquire).as_ref() }
    }

    /// Whether an interrupt is pending for the kernel.
    pub(crate) fn is_pending(&self) -> bool {
        self.local().is_some_and(|local| local.pending.load(Ordering::SeqCst) != 0)
    }

    /// Makes an interrupt pending for the kernel; returns whether one was already.
    pub(crate) fn raise(&self) -> bool {
        self.raised.fetch_add(1, Ordering::SeqCst);
        self.local().is_some_and(|local| local.pending.swap(1, Ordering::SeqCst) != 0)
    }

    /// Makes an interrupt pending if the timer's time has come; a timer goes off once.
    pub(crate) fn fire_timer(&self, now: Nanos) {
        let deadline = self.timer.load(Ordering::SeqCst);
        if deadline > now.0 {
            return;
        }
        // Not if the CPU has just set another deadline.
        let order = Ordering::SeqCst;
        if self.timer.compare_exchange(deadline, u64::MAX, order, Ordering::Relaxed).is_ok() {
            self.raise();
        }
    }

    /// When something happens on it by itself.
    pub(crate) fn next_event(&self) -> Nanos {
        let timer = self.timer.load(Ordering::SeqCst);
        Nanos(timer.min(self.until.load(Ordering::SeqCst)))
    }
}

static ALL: [Processor; MAX_PROCESSORS] = [const { Processor::new() }; MAX_PROCESSORS];
static COUNT: AtomicU32 = AtomicU32::new(1);

/// All processors that were found; the first is the one that booted.
pub(crate) fn all() -> &'static [Processor] {
    &ALL[..COUNT.load(Ordering::Acquire) as usize]
}

/// Notes one more processor; false when there are too many.
pub(crate) fn add(apic_id: u32) -> bool {
    let count = COUNT.load(Ordering::Relaxed);
    let Some(processor) = ALL.get(count as usize) else { return false };
    processor.apic_id.store(apic_id, Ordering::Relaxed);
    COUNT.store(count + 1, Ordering::Release);
    true
}

/// The processor with that number.
pub(crate) fn at(number: u32) -> &'static Processor {
    &all()[number as usize]
}

/// The calling processor. Only with interrupts off, or where the caller cannot move.
pub(crate) fn this() -> &'static Processor {
    let id = apic::id();
    let same = |processor: &&Processor| processor.apic_id.load(Ordering::Relaxed) == id;
    // A processor that is none of ours does not run this code.
    all().iter().find(same).unwrap_or(&ALL[0])
}

/// All other processors that are online.
pub(crate) fn others() -> impl Iterator<Item = &'static Processor> {
    let me = this();
    all().iter().filter(move |other| {
        !core::ptr::eq(*other, me) && other.is_online.load(Ordering::Acquire)
    })
}
