//! The thread that watches for code that comes to no point.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, Weak};
use std::thread;
use std::time::Duration;

use kthreads_host::process;

/// How often it looks: far longer than any way between two points.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What the thread sees of a machine.
#[derive(Default)]
pub(crate) struct Watched {
    pub(crate) steps: AtomicU64,
    /// The host's id of the thread that drives; 0 while none does.
    pub(crate) driver: AtomicI32,
    pub(crate) is_forced: Arc<AtomicBool>,
}

static MACHINES: Mutex<Vec<(Weak<Watched>, u64)>> = Mutex::new(Vec::new());

/// Has a machine watched for as long as it lives.
pub(crate) fn add(watched: &Arc<Watched>) {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        // Without the thread, only a module that loops without a point suffers.
        let _ = thread::Builder::new().name("kthreads-watch".into()).spawn(watch);
    });
    let mut machines = MACHINES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    machines.push((Arc::downgrade(watched), u64::MAX));
}

fn watch() {
    loop {
        thread::sleep(LOOK_EVERY);
        let mut machines = MACHINES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        machines.retain_mut(|(machine, seen)| match machine.upgrade() {
            Some(machine) => {
                look(&machine, seen);
                true
            }
            None => false,
        });
    }
}

fn look(machine: &Watched, seen: &mut u64) {
    let steps = machine.steps.load(Ordering::Relaxed);
    let driver = machine.driver.load(Ordering::Relaxed);
    if driver != 0 && steps == *seen {
        machine.is_forced.store(true, Ordering::Relaxed);
        process::press(driver);
    }
    *seen = if driver == 0 { u64::MAX } else { steps };
}
