//! CPUs: what belongs to each, and attaching a kernel to them.

use alloc::sync::Arc;
use core::any::TypeId;
use core::cell::UnsafeCell;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::context;
use crate::head::{Current, HeadFirst, current_head, current_on_cpu_unchecked};
use crate::machine::{Machine, SharedMachine, Upcalls};
use crate::softirq::Softirq;
use crate::stack::Stack;

/// The per-CPU block. Its first two words are known to C: number and pending.
#[repr(C)]
pub struct CpuLocal {
    pub(crate) number: u32,
    /// Not zero while an interrupt waits to be taken on this CPU.
    pub pending: AtomicU32,
    /// The kinds of notes that the machine wants to be told, one a bit.
    pub notes: AtomicU32,
    is_attached: AtomicBool,
    kernel_type: TypeId,
    attached: UnsafeCell<Option<Attached>>,
}

/// The kernel and the machine of a CPU, as it needs them while it runs.
pub(crate) struct Attached {
    kernel: *const (),
    upcalls: *const dyn Upcalls,
    machine: SharedMachine,
    /// Whether the machine explores what the CPU does, or the kernel is not quite as usual.
    pub(crate) is_observed: bool,
    pub(crate) irq_stack: Option<Stack>,
    pub(crate) softirq: Option<Softirq>,
}

impl Attached {
    #[inline]
    pub(crate) fn machine(&self) -> &dyn Machine {
        &*self.machine
    }

    #[inline]
    pub(crate) fn upcalls(&self) -> &dyn Upcalls {
        // SAFETY: points into the kernel, which the machine keeps alive while CPUs run.
        unsafe { &*self.upcalls }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let softirq = self.softirq.take().map(Softirq::into_stack);
        for stack in self.irq_stack.take().into_iter().chain(softirq) {
            self.machine.stack_free(stack);
        }
    }
}

// SAFETY: `attached` is written once, before the CPUs start, and only read from then on.
unsafe impl Sync for CpuLocal {}
// SAFETY: as above; the pointers are not tied to a thread.
unsafe impl Send for CpuLocal {}

impl CpuLocal {
    /// The block of CPU `number` of a kernel of type `K`.
    pub fn new<K: 'static>(number: u32) -> CpuLocal {
        CpuLocal {
            number,
            pending: AtomicU32::new(0),
            notes: AtomicU32::new(u32::MAX),
            is_attached: AtomicBool::new(false),
            kernel_type: TypeId::of::<K>(),
            attached: UnsafeCell::new(None),
        }
    }

    /// Which CPU it is.
    #[inline(always)]
    pub fn number(&self) -> u32 {
        self.number
    }

    #[inline]
    pub(crate) fn attached(&self) -> &Attached {
        // SAFETY: written once by `start`, before any head points to this block; only heads lead
        // here.
        unsafe { (*self.attached.get()).as_ref().unwrap_unchecked() }
    }
}

/// There is no memory for a CPU's stacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoStack;

/// Attaches the kernel to its CPUs' blocks and starts the machine.
///
/// # Panics
///
/// When called twice for one kernel, or for blocks made for another type of kernel.
pub fn start<K: Upcalls + 'static>(
    kernel: &Arc<K>,
    machine: &Arc<dyn Machine>,
) -> Result<(), NoStack> {
    for cpu in 0..machine.cpu_count() {
        let stacks = machine.stack_alloc().zip(machine.stack_alloc()).ok_or(NoStack)?;
        let local = kernel.local(cpu);
        attach(local, kernel, machine, Some(stacks));
        kernel.idle_head(cpu).cpu.store(ptr_of(local), Ordering::Relaxed);
    }
    if let Some((head, local)) = kernel.watcher() {
        attach(local, kernel, machine, None);
        head.cpu.store(ptr_of(local), Ordering::Relaxed);
        // Nothing is ever pending for it.
        head.irqs_off.store(1, Ordering::Relaxed);
    }
    machine.start(kernel.clone());
    Ok(())
}

fn attach<K: Upcalls + 'static>(
    local: &CpuLocal,
    kernel: &Arc<K>,
    machine: &Arc<dyn Machine>,
    stacks: Option<(Stack, Stack)>,
) {
    assert!(local.kernel_type == TypeId::of::<K>(), "per-CPU block of another kernel type");
    assert!(!local.is_attached.swap(true, Ordering::AcqRel), "the kernel was started before");
    let (irq_stack, softirq_stack) = stacks.unzip();
    let attached = Attached {
        kernel: Arc::as_ptr(kernel) as *const (),
        upcalls: Arc::as_ptr(kernel) as *const dyn Upcalls,
        machine: machine.clone().into(),
        is_observed: machine.explores() || kernel.is_unusual(),
        irq_stack,
        softirq: softirq_stack.map(Softirq::new),
    };
    // SAFETY: the swap above lets one caller here, and no CPU runs yet.
    unsafe { *local.attached.get() = Some(attached) };
}

fn ptr_of(local: &CpuLocal) -> *mut CpuLocal {
    core::ptr::from_ref(local).cast_mut()
}

/// Has the kernel report what its judge has found, on `stack`: for a thread of a machine that is
/// no CPU. One such thread at a time may do so for a kernel.
pub fn call_as_watcher(upcalls: &dyn Upcalls, stack: &Stack) {
    let Some((head, _)) = upcalls.watcher() else { return };
    // SAFETY: the stack is the caller's and unused; the head lives in the kernel.
    unsafe { stack.top_word().write(head) };
    // SAFETY: the stack is free until the call returns, and its top word is set.
    unsafe { context::call_on(stack.top(), watcher_trampoline) };
}

extern "C" fn watcher_trampoline() {
    current_head().local().attached().upcalls().report_findings();
}

/// Runs the idle loop of `cpu` on `stack`: what a machine does on each CPU it starts.
pub fn enter_cpu(upcalls: &dyn Upcalls, cpu: u32, stack: &Stack) {
    let head = upcalls.idle_head(cpu);
    if !upcalls.local(cpu).is_attached.load(Ordering::Acquire) {
        crate::fatal("a CPU runs before it was attached");
    }
    // SAFETY: the stack is the machine's and unused; idle heads live in the kernel.
    unsafe { stack.top_word().write(head) };
    head.cpu.store(upcalls.local(cpu) as *const CpuLocal as *mut CpuLocal, Ordering::Relaxed);
    head.irqs_off.store(1, Ordering::Relaxed);
    head.stack.store(stack.base(), Ordering::Relaxed);
    // SAFETY: the stack is free until the idle loop returns, and its top word is set.
    unsafe { context::call_on(stack.top(), idle_trampoline) };
}

extern "C" fn idle_trampoline() {
    let head = current_head();
    head.local().attached().upcalls().cpu_main(head.cpu());
}

/// As [`with_current`], and with the running thread as what it is; looks at nothing.
///
/// # Safety
///
/// The caller is on a kernel stack, in a kernel of type `K` whose threads are all parts of a `T`
/// that lives and stays where it is for as long as the kernel.
#[inline(always)]
pub unsafe fn with_current_unchecked<K: 'static, T: HeadFirst, R>(
    body: impl FnOnce(&K, Pin<&T>, Current) -> R,
) -> R {
    debug_assert!(crate::on_kernel_stack());
    // SAFETY: by the caller's promise.
    let (head, local) = unsafe { current_on_cpu_unchecked() };
    debug_assert!(local.kernel_type == TypeId::of::<K>());
    // SAFETY: by the caller's promise the kernel is of that type and the thread a part of a `T`;
    // both outlive this call.
    unsafe {
        let kernel = &*(local.attached().kernel as *const K);
        body(kernel, Pin::new_unchecked(&*head.as_ptr().cast::<T>()), head)
    }
}

/// Calls `body` with the kernel the caller runs in, which must be of type `K`.
///
/// # Panics
///
/// When the caller is not on a kernel stack, or on one of another type of kernel.
#[inline(always)]
pub fn with_current<K: 'static, R>(body: impl FnOnce(&K, Current) -> R) -> R {
    let head = current_head();
    let local = head.local();
    assert!(local.kernel_type == TypeId::of::<K>(), "the running kernel is of another type");
    // SAFETY: the type was just checked; the kernel outlives the threads that run in it.
    let kernel = unsafe { &*(local.attached().kernel as *const K) };
    body(kernel, head)
}
