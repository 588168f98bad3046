//! The thread that watches for code that comes to no point.

use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, Weak};
use std::thread;
use std::time::Duration;

use kthreads_host::process;

/// How often it looks: far longer than any way between two points.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How much processor time a way between two points may take, in nanoseconds.
const LONGEST_WAY: u64 = 1_000_000;

/// What the thread sees of a machine.
#[derive(Default)]
pub(crate) struct Watched {
    pub(crate) steps: AtomicU64,
    /// The host's id of the thread that drives; 0 while none does.
    pub(crate) driver: AtomicI32,
}

/// A machine, with what was seen of it last.
struct Entry {
    machine: Weak<Watched>,
    steps: u64,
    /// The driver's processor time when the steps were seen to change.
    since: u64,
}

static MACHINES: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

/// Has a machine watched for as long as it lives.
pub(crate) fn add(watched: &Arc<Watched>) {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        // Without the thread, only a module that loops without a point suffers.
        let _ = thread::Builder::new().name("kthreads-watch".into()).spawn(watch);
    });
    let mut machines = MACHINES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    machines.retain(|entry| entry.machine.strong_count() > 0);
    machines.push(Entry { machine: Arc::downgrade(watched), steps: u64::MAX, since: 0 });
}

fn watch() {
    loop {
        thread::sleep(LOOK_EVERY);
        let mut machines = MACHINES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        machines.iter_mut().for_each(Entry::look);
    }
}

impl Entry {
    fn look(&mut self) {
        let Some(machine) = self.machine.upgrade() else { return };
        let driver = machine.driver.load(Ordering::Relaxed);
        let steps = machine.steps.load(Ordering::Relaxed);
        if driver == 0 {
            self.steps = u64::MAX;
            return;
        }
        // The driver's own time: others of the host may keep it from running for long.
        let time = process::thread_time(driver);
        if steps != self.steps {
            (self.steps, self.since) = (steps, time);
        } else if time.saturating_sub(self.since) >= LONGEST_WAY {
            process::press(driver);
        }
    }
}
