//! A driver: does operations one after the other, each to its end.

use std::sync::Arc;

use kthreads_base::Nanos;
use kthreads_capi::module::ModuleLoader;
use kthreads_kernel::audit::When;
use kthreads_kernel::proc::PsColumns;
use kthreads_kernel::signal::Sender;
use kthreads_kernel::thread::{NewThread, Thread};
use kthreads_kernel::{Cx, Errno};

use crate::alone;
use crate::body;
use crate::dice::Dice;
use crate::modules::Modules;
use crate::operation::{Birth, Body, Operation};
use crate::shared::Shared;
use crate::works::Bench;

/// How many threads a driver has at once.
const THREADS: usize = 8;

/// What a driver works with.
pub(crate) struct Tools {
    pub(crate) shared: Arc<Shared>,
    pub(crate) modules: Arc<Modules>,
    pub(crate) loader: Arc<ModuleLoader>,
}

/// A thread of a driver's.
struct Own {
    thread: Thread<u64>,
    body: Body,
    number: u64,
}

/// A driver.
pub(crate) struct Driver<'a, 'k> {
    cx: &'a Cx<'k>,
    number: usize,
    tools: &'a Tools,
    dice: Dice,
    threads: Vec<Own>,
    bench: Option<Bench>,
}

impl<'a, 'k> Driver<'a, 'k> {
    pub(crate) fn new(cx: &'a Cx<'k>, number: usize, tools: &'a Tools, dice: Dice) -> Self {
        Driver { cx, number, tools, dice, threads: Vec::new(), bench: None }
    }

    /// Does so many operations, then cleans up.
    pub(crate) fn drive(mut self, count: u32) {
        let journal = &self.tools.shared.journal;
        for _ in 0..count {
            let operation = Operation::pick(&mut self.dice);
            journal.note(self.number, Some(operation));
            self.apply(operation);
        }
        while !self.threads.is_empty() {
            journal.note(self.number, Some(Operation::Stop(0)));
            self.stop(0);
        }
        journal.note(self.number, Some(Operation::DestroyWorker));
        self.destroy_worker();
        journal.note(self.number, None);
    }

    fn violated(&self, what: String) {
        self.tools.shared.journal.violated(format!("driver {}: {what}", self.number));
    }

    fn apply(&mut self, operation: Operation) {
        let (cx, tools) = (self.cx, self.tools);
        let shared = &tools.shared;
        match operation {
            Operation::Create(body, birth) => self.create(body, birth),
            Operation::Stop(which) => self.stop(which),
            Operation::Join(which) => self.join(which),
            Operation::ParkAndUnpark(which) => self.park(which),
            Operation::Wake(which) => self.with_any(which, |cx, task| {
                cx.kernel.wake_up_process(task);
            }),
            Operation::Signal(which, signal, target) => self.with_any(which, |cx, task| {
                let _ = cx.kernel.send_signal(task, signal, Sender::Kernel, target);
            }),
            Operation::Affinity(which, mask) => self.set_affinity(which, mask),
            Operation::Nice(which, nice) => {
                self.with_any(which, |cx, task| cx.kernel.set_user_nice(task, nice));
            }
            Operation::Schedule(which, policy) => self.with_any(which, |cx, task| {
                let _ = cx.kernel.set_policy(task, policy);
            }),
            Operation::NewWorker if self.bench.is_none() => {
                self.bench = Bench::new(cx, "worker").ok();
            }
            Operation::NewWorker => {}
            Operation::NewWork => self.with_bench(1, |bench| bench.add(cx)),
            Operation::Queue(n) => self.with_bench(n, |bench| bench.queue(cx, n >> 1)),
            Operation::QueueAfter(n, jiffies) => {
                self.with_bench(n, |bench| bench.queue_after(cx, n >> 1, jiffies));
            }
            Operation::FlushWork(n) => self.flush_work(n),
            Operation::FlushWorker => self.with_bench(self.number as u64, |bench| bench.flush(cx)),
            Operation::CancelWork(n) => self.with_bench(n, |bench| bench.cancel(cx, n >> 1)),
            Operation::DestroyWorker => self.destroy_worker(),
            Operation::Complete(which) => shared.complete(cx, which),
            Operation::AwaitCompletion(which, ms) => shared.await_completion(cx, which, ms),
            Operation::Produce(count) => shared.produce(cx, count),
            Operation::Consume(ms) => shared.consume(cx, ms),
            Operation::LockMutex => shared.raise_under_mutex(cx),
            Operation::LockSpin => shared.raise_under_spin_lock(),
            Operation::Insmod(which) => {
                self.expect(tools.modules.insmod(cx, &tools.loader, which));
            }
            Operation::Rmmod(which) => self.expect(tools.modules.rmmod(cx, &tools.loader, which)),
            Operation::ReadProc(which) => self.read_proc(which),
            Operation::Yield => cx.yield_now(),
            Operation::Sleep(ms) => cx.sleep(ms),
            Operation::Delay(us) => cx.kernel.delay(cx, Nanos(us * 1000)),
            Operation::Answer => {
                let number = self.dice.next();
                self.expect(alone::answers(cx, number));
            }
            Operation::HandOff(rounds) => self.expect(alone::hands_over(cx, rounds)),
            Operation::Audit => {
                let found = cx.kernel.audit(When::Anytime);
                found.into_iter().for_each(|found| self.violated(format!("audit: {found}")));
            }
        }
    }

    fn expect(&self, result: Result<(), String>) {
        if let Err(what) = result {
            self.violated(what);
        }
    }

    fn create(&mut self, body: Body, birth: Birth) {
        if self.threads.len() >= THREADS {
            return;
        }
        let (number, shared) = (self.dice.next(), self.tools.shared.clone());
        let new = self.cx.create("soaked", move |cx| body::run(cx, body, number, &shared));
        let new: NewThread<'_, u64> = match new {
            Ok(new) => new,
            Err(Errno::EAGAIN | Errno::ENOMEM) => return,
            Err(errno) => return self.violated(format!("create: {errno}")),
        };
        let thread = match birth {
            Birth::Dropped => return,
            Birth::Stopped => {
                let end = new.stop(self.cx);
                if end != Errno::EINTR {
                    self.violated(format!("a thread that was never woken ended: {end}"));
                }
                return;
            }
            Birth::Woken => new,
            Birth::BoundAndWoken => {
                let cpus = u64::from(self.cx.kernel.nr_cpus());
                let cpu = self.dice.below(cpus) as u32;
                new.bind(self.cx, cpu)
            }
        };
        self.tools.shared.name(thread.id(), number);
        self.threads.push(Own { thread: thread.wake(self.cx), body, number });
    }

    fn take(&mut self, which: u64, wanted: impl Fn(&Own) -> bool) -> Option<Own> {
        let all = self.threads.iter().enumerate();
        let wanted: Vec<usize> = all.filter(|(_, own)| wanted(own)).map(|(nth, _)| nth).collect();
        let nth = wanted.get(which as usize % wanted.len().max(1))?;
        Some(self.threads.swap_remove(*nth))
    }

    fn stop(&mut self, which: u64) {
        let Some(Own { thread, body, number }) = self.take(which, |_| true) else { return };
        match thread.stop(self.cx) {
            Ok(seen) if seen == number => {}
            // It never ran.
            Err(Errno::EINTR) => {}
            other => self.violated(format!("{body:?} {number} was stopped: {other:?}")),
        }
    }

    fn join(&mut self, which: u64) {
        let ends = |own: &Own| matches!(own.body, Body::Ends);
        let Some(Own { thread, number, .. }) = self.take(which, ends) else { return };
        let end = thread.join(self.cx);
        if end != Ok(number) {
            self.violated(format!("a thread that returns {number} was joined: {end:?}"));
        }
    }

    fn park(&self, which: u64) {
        let Some(own) = self.threads.get(which as usize % self.threads.len().max(1)) else {
            return;
        };
        match own.thread.park(self.cx) {
            Ok(()) => own.thread.unpark(self.cx),
            Err(Errno::ESRCH | Errno::ENOSYS) if matches!(own.body, Body::Ends) => {}
            Err(errno) => self.violated(format!("{:?} was parked: {errno}", own.body)),
        }
    }

    fn with_any(&self, which: u64, act: impl FnOnce(&Cx<'_>, &kthreads_kernel::task::Task)) {
        if let Some(task) = self.tools.shared.any(self.cx, which) {
            act(self.cx, &task);
        }
    }

    fn set_affinity(&self, which: u64, mask: u64) {
        let cpus = self.cx.kernel.nr_cpus();
        let mask = 1 + mask % ((1 << cpus) - 1);
        // Sometimes its own: it must be where it may be when that comes back.
        if which.is_multiple_of(4) {
            let task = self.cx.task.get_ref();
            let set = self.cx.kernel.set_cpus_allowed(task, mask);
            if set.is_err() || mask & (1 << self.cx.cpu()) == 0 {
                self.violated(format!("on CPU {}, allowed {mask:#x} ({set:?})", self.cx.cpu()));
            }
            let _ = self.cx.kernel.set_cpus_allowed(task, u64::MAX);
            return;
        }
        self.with_any(which, |cx, task| {
            let _ = cx.kernel.set_cpus_allowed(task, mask);
        });
    }

    /// The shared worker, or the driver's own.
    fn with_bench(&self, which: u64, act: impl FnOnce(&Bench)) {
        let own = self.bench.as_ref().filter(|_| which % 2 == 1);
        own.or(self.tools.shared.bench()).map(act);
    }

    fn flush_work(&self, which: u64) {
        let (cx, nth) = (self.cx, which >> 1);
        self.with_bench(which, |bench| bench.flush_work(cx, nth));
        // What nobody else queues is done now.
        let own = self.bench.as_ref().filter(|_| which % 2 == 1);
        if own.is_some_and(|bench| !bench.is_done(nth)) {
            self.violated("a work was flushed and is not done".to_owned());
        }
    }

    fn destroy_worker(&mut self) {
        if let Some(bench) = self.bench.take() {
            let destroyed = bench.destroy(self.cx);
            self.expect(destroyed);
        }
    }

    fn read_proc(&self, which: u64) {
        const SYSTEM: [&str; 5] = ["stat", "meminfo", "loadavg", "modules", "kallsyms"];
        const TASK: [&str; 5] = ["stat", "status", "wchan", "stack", "comm"];
        let (cx, nth) = (self.cx, which as usize / 16);
        let path = match which % 4 {
            0 => format!("/proc/{}", SYSTEM[nth % SYSTEM.len()]),
            1 => return drop(cx.kernel.ps_table(cx, PsColumns::Full)),
            _ => {
                let Some(task) = self.tools.shared.any(cx, which) else { return };
                format!("/proc/{}/{}", task.pid(), TASK[nth % TASK.len()])
            }
        };
        // A task may be gone by now.
        let _ = cx.kernel.proc_read(cx, &path);
    }
}
