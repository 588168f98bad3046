//! The smallest thing a machine can run: code per CPU, threads that are resumed by hand.

use alloc::borrow::ToOwned;
mod asked;
mod softirqs;
mod upcalls;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::pin::Pin;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};

use kthreads_base::cpu;
use kthreads_base::{
    CpuLocal, Fault, Head, Machine, Nanos, SpinLock, Stack, current_head, head_first,
    interrupt_point,
};

use asked::Asked;
use softirqs::Softirqs;

/// How long a wait for another CPU may take before the case is given up.
const PATIENCE: Nanos = Nanos(60 * Nanos::SECOND.0);

type FiberBody = Box<dyn FnOnce(&Rig) + Send>;
type CpuBody = Box<dyn Fn(&Rig, u32) + Send + Sync>;

/// A thread that runs when somebody resumes it, and gives the CPU back to that one.
#[repr(C)]
pub struct Fiber {
    head: Head,
    body: UnsafeCell<Option<FiberBody>>,
    stack: UnsafeCell<Option<Stack>>,
    back: AtomicPtr<Fiber>,
    is_over: AtomicBool,
    /// The fault that ended it.
    pub fault: SpinLock<Option<Fault>>,
}

head_first!(Fiber, head);

// SAFETY: the cells are used by whoever runs or frees the fiber, one at a time.
unsafe impl Sync for Fiber {}
// SAFETY: as above; the pointer is to a fiber that waits for this one.
unsafe impl Send for Fiber {}

impl Fiber {
    fn idle() -> Pin<Box<Fiber>> {
        Box::pin(Fiber {
            head: Head::default(),
            body: UnsafeCell::new(None),
            stack: UnsafeCell::new(None),
            back: AtomicPtr::new(ptr::null_mut()),
            is_over: AtomicBool::new(false),
            fault: SpinLock::new(None),
        })
    }

    /// Its head.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}

/// What the machine calls, and what the cases count.
pub struct Rig {
    /// The machine.
    pub machine: Arc<dyn Machine>,
    locals: Vec<CpuLocal>,
    idle: Vec<Pin<Box<Fiber>>>,
    body: CpuBody,
    failure: AtomicPtr<String>,
    taken: Vec<AtomicU64>,
    taken_at: Vec<AtomicU64>,
    told: AtomicU64,
    reschedules: AtomicBool,
    preemptions: AtomicU64,
    started: AtomicU32,
    softirqs: Softirqs,
    /// Who asks from outside of the CPUs.
    pub asked: Asked,
}

/// Runs `body` on every CPU of a fresh machine, until it has returned on all.
///
/// # Panics
///
/// When `body` panics on any CPU, with its message.
pub fn boot(machine: &Arc<dyn Machine>, body: impl Fn(&Rig, u32) + Send + Sync + 'static) {
    start(machine, body).finish();
}

/// As [`boot`], for code that nobody can catch a panic of.
///
/// # Errors
///
/// When `body` panics on any CPU: its message.
pub fn try_boot(
    machine: &Arc<dyn Machine>,
    body: impl Fn(&Rig, u32) + Send + Sync + 'static,
) -> Result<(), String> {
    start(machine, body).try_finish()
}

/// Starts `body` on every CPU of a fresh machine.
///
/// # Panics
///
/// When there is no memory for the CPUs' stacks.
pub fn start(
    machine: &Arc<dyn Machine>,
    body: impl Fn(&Rig, u32) + Send + Sync + 'static,
) -> Arc<Rig> {
    let cpus = machine.cpu_count();
    let rig = Arc::new(Rig {
        machine: machine.clone(),
        locals: (0..cpus).map(CpuLocal::new::<Rig>).collect(),
        idle: (0..cpus).map(|_| Fiber::idle()).collect(),
        body: Box::new(body),
        failure: AtomicPtr::new(ptr::null_mut()),
        taken: (0..cpus).map(|_| AtomicU64::new(0)).collect(),
        taken_at: (0..cpus).map(|_| AtomicU64::new(0)).collect(),
        told: AtomicU64::new(0),
        reschedules: AtomicBool::new(false),
        preemptions: AtomicU64::new(0),
        started: AtomicU32::new(0),
        softirqs: Softirqs::new(cpus),
        asked: Asked::default(),
    });
    cpu::start(&rig, machine).expect("stacks for every CPU");
    rig
}

impl Rig {
    /// Waits for the end of all CPUs.
    ///
    /// # Panics
    ///
    /// When the body panicked on any of them, with its message.
    pub fn finish(&self) {
        self.try_finish().unwrap_or_else(|message| panic!("{message}"));
    }

    /// As [`finish`](Rig::finish), for code that nobody can catch a panic of.
    ///
    /// # Errors
    ///
    /// When the body panicked on any CPU: its message.
    pub fn try_finish(&self) -> Result<(), String> {
        self.machine.join();
        let failure = self.failure.swap(ptr::null_mut(), Ordering::Acquire);
        if failure.is_null() {
            return Ok(());
        }
        // SAFETY: made by `fail` from a box, taken out by the swap.
        Err(*unsafe { Box::from_raw(failure) })
    }

    /// Ends the running fiber because code in it panicked: what the panic handler of a machine
    /// that cannot unwind calls.
    pub fn die_of_panic(&self, message: &str) -> ! {
        self.fail(message.to_owned());
        end()
    }

    /// How many CPUs there are.
    pub fn cpus(&self) -> u32 {
        self.machine.cpu_count()
    }

    /// How many interrupts `cpu` has taken.
    pub fn taken(&self, cpu: u32) -> u64 {
        self.taken[cpu as usize].load(Ordering::SeqCst)
    }

    /// When `cpu` took its last one.
    pub fn taken_at(&self, cpu: u32) -> Nanos {
        Nanos(self.taken_at[cpu as usize].load(Ordering::SeqCst))
    }

    /// The latest time the machine has told.
    pub fn told(&self) -> Nanos {
        Nanos(self.told.load(Ordering::SeqCst))
    }

    /// How often a thread was preempted.
    pub fn preemptions(&self) -> u64 {
        self.preemptions.load(Ordering::SeqCst)
    }

    /// From now on, each interrupt asks for a reschedule, which gives the CPU back to whoever
    /// resumed the fiber.
    pub fn reschedule_on_interrupt(&self) {
        self.reschedules.store(true, Ordering::SeqCst);
    }

    /// Takes what is pending; interrupts are off before and after.
    pub fn take_interrupts(&self) {
        let head = current_head();
        head.irq_restore(0);
        head.irq_save();
    }

    /// Runs `body` with interrupts on, as a module is run: after a point that takes what is
    /// pending and what that asks for.
    pub fn with_interrupts<R>(&self, body: impl FnOnce() -> R) -> R {
        current_head().irq_restore(0);
        interrupt_point();
        let result = body();
        current_head().irq_save();
        result
    }

    /// Rests `cpu`, the calling one, until `is_done`, which an interrupt must make true.
    pub fn idle_until(&self, cpu: u32, is_done: impl Fn() -> bool) {
        while !is_done() {
            self.check();
            self.machine.idle(cpu);
            self.take_interrupts();
        }
    }

    /// Spins until `is_done`.
    pub fn spin_until(&self, what: &str, is_done: impl Fn() -> bool) {
        let begin = self.machine.now();
        while !is_done() {
            self.check();
            assert!(self.machine.now() < begin + PATIENCE, "waited too long: {what}");
            current_head().relax();
        }
    }

    /// Waits for all CPUs to come here; each once a boot.
    pub fn all_together(&self) {
        self.started.fetch_add(1, Ordering::SeqCst);
        let all = self.cpus();
        self.spin_until("all CPUs", || self.started.load(Ordering::SeqCst) == all);
    }

    fn check(&self) {
        let failed = !self.failure.load(Ordering::Acquire).is_null();
        assert!(!failed, "another CPU failed");
    }

    fn fail(&self, message: String) {
        let message = Box::into_raw(Box::new(message));
        let null = ptr::null_mut();
        let order = Ordering::AcqRel;
        if self.failure.compare_exchange(null, message, order, Ordering::Relaxed).is_err() {
            // SAFETY: not stored, so still ours.
            drop(unsafe { Box::from_raw(message) });
        }
        (0..self.cpus()).for_each(|cpu| self.machine.send_interrupt(cpu));
    }

    /// Makes a fiber that will run `body`.
    pub fn fiber(&self, body: impl FnOnce(&Rig) + Send + 'static) -> Pin<Box<Fiber>> {
        let stack = self.machine.stack_alloc().expect("a stack");
        let fiber = Fiber::idle();
        fiber.head.irqs_off.store(1, Ordering::Relaxed);
        kthreads_base::switch::prepare(fiber.as_ref(), &stack);
        // SAFETY: nobody else knows the fiber yet.
        unsafe {
            *fiber.body.get() = Some(Box::new(body));
            *fiber.stack.get() = Some(stack);
        }
        fiber
    }

    /// Runs `fiber` until it gives the CPU back; interrupts must be off.
    pub fn resume(&self, fiber: Pin<&Fiber>) {
        assert!(fiber.head.is_saved(), "a fiber that may be resumed is saved");
        fiber.back.store(ptr::from_ref(this_fiber()).cast_mut(), Ordering::Relaxed);
        kthreads_base::switch::switch_to(kthreads_base::current_head(), fiber);
    }

    /// Frees the stack of a fiber that will not run any more.
    pub fn free(&self, fiber: &Fiber) {
        assert!(fiber.head.is_saved(), "a fiber that may be freed is saved");
        // SAFETY: it does not run, and its context is whole, so its stack is not touched.
        if let Some(stack) = unsafe { (*fiber.stack.get()).take() } {
            self.machine.stack_free(stack);
        }
    }

    /// Runs `fiber` to its end and frees its stack.
    pub fn run_to_end(&self, fiber: Pin<&Fiber>) {
        while !fiber.is_over() {
            self.resume(fiber);
        }
        self.free(&fiber);
    }
}

/// The running fiber, or the idle thread of the CPU.
fn this_fiber() -> &'static Fiber {
    // SAFETY: in a rig every head is a fiber's; the reference does not outlive the run.
    unsafe { &*ptr::from_ref(&*current_head()).cast::<Fiber>() }
}

/// Gives the CPU back to whoever resumed the running fiber; interrupts must be off.
pub(super) fn give_back() {
    // SAFETY: set by `resume`; that fiber waits in it, pinned, until it is switched to.
    let back = unsafe { Pin::new_unchecked(&*this_fiber().back.load(Ordering::Relaxed)) };
    kthreads_base::switch::switch_to(kthreads_base::current_head(), back);
}

/// Ends the running fiber, which somebody has resumed.
fn end() -> ! {
    current_head().irq_save();
    this_fiber().is_over.store(true, Ordering::Release);
    give_back();
    unreachable!("a fiber that is over was resumed")
}
