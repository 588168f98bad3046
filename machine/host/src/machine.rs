//! The machine itself: made, started, joined.

use std::io;
use std::ptr;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread::{self, JoinHandle};

use kthreads_base::frames::Sample;
use kthreads_base::{Machine, MemoryInfo, Nanos, Protection, Stack, Upcalls, current_head, head};

use crate::config::{Clock, HostConfig, HostError, MAX_CPUS};
use crate::cpu::{self, ABSENT, Cpu, RUNNING};
use crate::fast_forward::Flight;
use crate::fault::OopsDesk;
use crate::monitor;
use crate::rest::{Core, Heeds};
use crate::signals::AltStack;
use crate::stacks::{self, Stacks};
use crate::{image, memory, panics, sample, signals, sys};

/// The host's part of a CPU's thread; the kernel runs on stacks of its own.
const HOST_STACK_SIZE: usize = 256 * 1024;
/// A busy delay shorter than this is spent spinning: the host takes about as long to wake anyone.
const SHORTEST_REST: Nanos = Nanos::from_micros(50);
/// After how many turns of waiting for another CPU the host's other threads get their turn: the
/// one waited for may be among them.
const TURNS_PER_YIELD: u32 = 128;

/// Virtual CPUs in this process.
pub struct HostMachine {
    pub(crate) core: Core,
    flight: Option<Flight>,
    stacks: &'static Stacks,
    me: Weak<HostMachine>,
    threads: Mutex<Threads>,
    wall_clock_origin: u64,
    memory_total: u64,
    memory_before: u64,
}

#[derive(Default)]
struct Threads {
    cpus: Vec<JoinHandle<()>>,
    monitor: Option<JoinHandle<()>>,
}

impl HostMachine {
    /// Makes a machine; its CPUs do not run yet.
    pub fn new(config: HostConfig) -> Result<Arc<HostMachine>, HostError> {
        if !(1..=MAX_CPUS).contains(&config.cpus) {
            return Err(HostError::CpuCount(config.cpus));
        }
        let memory_before = memory::in_use();
        let stacks = stacks::reserve().map_err(HostError::NoStacks)?;
        signals::install().map_err(HostError::NoSignals)?;
        panics::install_hook();
        let no_stack = || HostError::NoStacks(io::ErrorKind::OutOfMemory.into());
        let make_cpu = |number| {
            let stack = stacks.alloc().ok_or_else(no_stack)?;
            let oops = OopsDesk::new(number, [stacks.alloc().ok_or_else(no_stack)?]);
            let note = config.notes.and_then(|notes| notes.get(number as usize));
            Ok(Cpu::new(number, stack, oops, note))
        };
        let cpus = (0..config.cpus).map(make_cpu).collect::<Result<Vec<Cpu>, HostError>>()?;
        Ok(Arc::new_cyclic(|me| HostMachine {
            core: Core::new(cpus),
            flight: (config.clock == Clock::FastForward).then(Flight::new),
            stacks,
            me: me.clone(),
            threads: Mutex::default(),
            wall_clock_origin: sys::host_clock(libc::CLOCK_REALTIME),
            memory_total: config.memory_bytes,
            memory_before,
        }))
    }

    /// Keeps the time of a fast-forward machine from jumping, and from running while no CPU does,
    /// until the hold is dropped. Does nothing to a real clock.
    ///
    /// For whoever acts on the kernel from outside and wants no time to pass meanwhile. A job
    /// that hands its result to a prompt takes the hold itself, as the last thing it does on its
    /// CPU, and returns it with the result: then no time passes in between either.
    pub fn hold_clock(&self) -> ClockHold {
        if let Some(flight) = &self.flight {
            flight.hold();
        }
        // A strong reference exists, since `self` is only ever handed out in an Arc.
        ClockHold { machine: self.me.upgrade() }
    }

    fn cpu(&self, number: u32) -> &Cpu {
        &self.core.cpus[number as usize]
    }

    fn rest(&self, cpu: &Cpu, until: Nanos, heeds: Heeds) {
        match &self.flight {
            Some(flight) => flight.rest(&self.core, cpu, until, heeds),
            None => self.core.rest(cpu, until, heeds),
        }
        if let Some(upcalls) = self.core.upcalls() {
            upcalls.clock(self.core.clock.now());
        }
    }

    /// Lets the timers go off that are due, as far as the CPUs may not see to them in time.
    pub(crate) fn tend_timers(&self) {
        if let Some(flight) = &self.flight {
            return flight.tend(&self.core);
        }
        let now = self.core.clock.now();
        for cpu in self.core.cpus.iter().filter(|cpu| cpu.state() == RUNNING) {
            cpu.fire_timer(now);
            // It may have gone to rest between the two looks at it.
            if cpu.is_pending() && cpu.leave_rest() {
                sys::futex_wake(&cpu.state);
            }
        }
    }

    /// When, in the host's time, the first timer is due that `tend_timers` sees to.
    pub(crate) fn next_watched(&self) -> Nanos {
        if self.flight.is_some() {
            return self.core.next_host_event();
        }
        let running = self.core.cpus.iter().filter(|cpu| cpu.state() == RUNNING);
        let next = running.map(Cpu::timer).min().unwrap_or(Nanos::NEVER);
        self.core.clock.to_host(next)
    }

    fn lock_threads(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn leave(&self, cpu: &Cpu) {
        match &self.flight {
            Some(flight) => flight.leave(&self.core, cpu),
            None => cpu.set_state(ABSENT),
        }
    }
}

impl Drop for HostMachine {
    fn drop(&mut self) {
        for cpu in std::mem::take(&mut self.core.cpus) {
            self.stacks.free(cpu.stack);
            cpu.oops.into_stacks().for_each(|stack| self.stacks.free(stack));
        }
    }
}

/// Keeps a machine's time from jumping, until dropped.
#[must_use]
pub struct ClockHold {
    machine: Option<Arc<HostMachine>>,
}

impl Drop for ClockHold {
    fn drop(&mut self) {
        let Some(machine) = &self.machine else { return };
        if let Some(flight) = &machine.flight {
            flight.let_go(&machine.core);
        }
    }
}

fn spawn(name: String, body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let builder = thread::Builder::new().name(name).stack_size(HOST_STACK_SIZE);
    match builder.spawn(body) {
        Ok(thread) => thread,
        Err(error) => kthreads_base::fatal(&format!("the host gives no thread: {error}")),
    }
}

fn run_cpu(machine: &HostMachine, upcalls: &dyn Upcalls, number: u32) {
    signals::block_others();
    sys::sleep_precisely();
    let Ok(_signal_stack) = AltStack::install() else {
        kthreads_base::fatal("no memory for a signal stack");
    };
    let cpu = machine.cpu(number);
    cpu::set_this_cpu(cpu);
    cpu.set_thread(sys::thread_id());
    kthreads_base::cpu::enter_cpu(upcalls, number, &cpu.stack);
    cpu.set_thread(0);
    cpu::set_this_cpu(ptr::null());
    machine.leave(cpu);
}

// SAFETY: stacks are handed out once (see `stacks`) and are
// mapped; interrupts are only made pending here, and taken by base, or in module text with
// interrupts on (see `preempt`); module memory is mapped and protected as asked, or the program
// ends.
unsafe impl Machine for HostMachine {
    fn cpu_count(&self) -> u32 {
        self.core.cpus.len() as u32
    }

    fn now(&self) -> Nanos {
        self.core.clock.now()
    }

    fn wall_clock(&self) -> Nanos {
        match self.flight {
            Some(_) => Nanos(self.wall_clock_origin) + self.now(),
            None => Nanos(sys::host_clock(libc::CLOCK_REALTIME)),
        }
    }

    fn start(&self, upcalls: Arc<dyn Upcalls>) {
        let Some(me) = self.me.upgrade() else { return };
        let mut threads = self.lock_threads();
        for cpu in &self.core.cpus {
            cpu.attach(upcalls.local(cpu.number));
            cpu.set_state(RUNNING);
        }
        self.core.attach(upcalls.clone());
        if let Some(flight) = &self.flight {
            flight.begin(&self.core);
        }
        self.core.expect_monitor();
        for number in 0..self.cpu_count() {
            let (machine, upcalls) = (me.clone(), upcalls.clone());
            let body = move || run_cpu(&machine, &*upcalls, number);
            threads.cpus.push(spawn(format!("kthreads-cpu/{number}"), body));
        }
        threads.monitor = Some(spawn("kthreads-clock".into(), move || {
            signals::block_others();
            sys::sleep_precisely();
            let Some(stack) = me.stacks.alloc() else {
                kthreads_base::fatal("no address space for the monitor's stack");
            };
            monitor::watch(&me, &*upcalls, &stack);
            me.stacks.free(stack);
        }));
    }

    fn join(&self) {
        let mut threads = self.lock_threads();
        let is_whole = threads.cpus.drain(..).all(|thread| thread.join().is_ok());
        if !is_whole {
            kthreads_base::fatal("a CPU panicked outside of the kernel");
        }
        self.core.gate.close();
        if let Some(monitor) = threads.monitor.take() {
            let _ = monitor.join();
        }
        for cpu in &self.core.cpus {
            cpu.attach(ptr::null());
        }
        drop(threads);
        // SAFETY: no CPU runs any more, nor does the monitor.
        unsafe { self.core.detach() };
    }

    fn set_timer(&self, cpu: u32, deadline: Nanos) {
        self.cpu(cpu).set_timer(deadline);
        self.core.gate.expect(self.core.clock.to_host(deadline));
    }

    fn send_interrupt(&self, cpu: u32) {
        let cpu = self.cpu(cpu);
        let was_pending = cpu.raise();
        match &self.flight {
            Some(flight) => flight.disturb(&self.core, cpu, was_pending),
            None => self.core.disturb(cpu, was_pending),
        }
    }

    fn idle(&self, cpu: u32) {
        self.rest(self.cpu(cpu), Nanos::NEVER, Heeds::Interrupts);
    }

    fn delay(&self, cpu: u32, until: Nanos) {
        let cpu = self.cpu(cpu);
        let is_deaf =
            head::on_kernel_stack() && current_head().irqs_off.load(Ordering::Relaxed) != 0;
        let heeds = if is_deaf { Heeds::Nothing } else { Heeds::Interrupts };
        if self.flight.is_some() || until - self.now() >= SHORTEST_REST {
            return self.rest(cpu, until, heeds);
        }
        while self.now() < until && !heeds.is_disturbed(cpu) {
            std::hint::spin_loop();
        }
    }

    fn look_for_stop(&self) {
        self.core.look_for_stop();
    }

    fn sample(&self, cpu: u32) -> Option<Sample> {
        let asked = self.cpu(cpu);
        // No interrupt of the machine's lies between the caller and its code.
        let is_caller = core::ptr::eq(cpu::this_cpu(), asked);
        (!is_caller).then(|| sample::ask(asked)).flatten()
    }

    fn relax(&self) {
        // SAFETY: null, or the CPU that this host thread is, which outlives the thread.
        let Some(cpu) = (unsafe { cpu::this_cpu().as_ref() }) else { return sys::yield_host() };
        let turns = cpu.relaxed.load(Ordering::Relaxed).wrapping_add(1);
        cpu.relaxed.store(turns, Ordering::Relaxed);
        if turns.is_multiple_of(TURNS_PER_YIELD) {
            return sys::yield_host();
        }
        std::hint::spin_loop();
    }

    fn console(&self, text: &[u8]) {
        sys::write_stderr(text);
    }

    fn stack_alloc(&self) -> Option<Stack> {
        self.stacks.alloc()
    }

    fn stack_free(&self, stack: Stack) {
        self.stacks.free(stack);
    }

    fn image_alloc(&self, len: usize) -> Option<NonNull<u8>> {
        image::alloc(len)
    }

    unsafe fn image_protect(&self, start: NonNull<u8>, len: usize, access: Protection) {
        // SAFETY: the caller's promise is the same.
        unsafe { image::protect(start, len, access) };
    }

    unsafe fn image_free(&self, start: NonNull<u8>, len: usize) {
        // SAFETY: the caller's promise is the same.
        unsafe { image::free(start, len) };
    }

    fn memory(&self) -> MemoryInfo {
        let used = memory::in_use().saturating_sub(self.memory_before);
        MemoryInfo { total: self.memory_total, free: self.memory_total.saturating_sub(used) }
    }

    fn entropy(&self) -> u64 {
        sys::random()
    }

    fn wait_host(&self, word: &AtomicU32) {
        while word.load(Ordering::Acquire) == 0 {
            sys::futex_wait(word, 0, None);
        }
    }

    fn wake_host(&self, word: &AtomicU32) {
        let address = ptr::from_ref(word);
        word.store(1, Ordering::Release);
        sys::futex_wake(address);
    }

    fn catch(&self, body: &mut dyn FnMut()) -> Result<(), String> {
        panics::catch(body)
    }
}
