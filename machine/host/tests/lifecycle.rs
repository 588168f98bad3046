//! Machines beside each other, and beside the rest of the process.

mod common;

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use kthreads_base::Machine;
use kthreads_base::frames::Chain;
use kthreads_host::{Clock, HostConfig, HostError, HostMachine};
use kthreads_tests::contract::{boot, start};

/// Set in the child process that is to die of a fault.
const CHILD: &str = "KTHREADS_TEST_CHILD";

#[test]
fn machines_do_not_disturb_each_other() {
    common::guarded("machines at once", run_four);
}

fn run_four() {
    let total = Arc::new(AtomicU64::new(0));
    thread::scope(|scope| {
        for cpus in 1..=4 {
            let total = total.clone();
            scope.spawn(move || {
                let machine: Arc<dyn Machine> = common::machine(cpus, Clock::FastForward);
                boot(&machine, move |rig, cpu| {
                    for turn in 1..=50 {
                        rig.machine.set_timer(cpu, rig.machine.now());
                        rig.idle_until(cpu, || rig.taken(cpu) >= turn);
                    }
                    total.fetch_add(rig.taken(cpu), Ordering::Relaxed);
                });
            });
        }
    });
    assert_eq!(total.load(Ordering::Relaxed), 50 * (1 + 2 + 3 + 4));
}

#[test]
fn samples_are_of_code_whose_frames_can_be_followed() {
    common::guarded("samples", || {
        let machine: Arc<dyn Machine> = common::machine(1, Clock::Real);
        let (begun, is_over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (begins, ends) = (begun.clone(), is_over.clone());
        let running = start(&machine, move |_, _| {
            begins.store(true, Ordering::Release);
            while !ends.load(Ordering::Relaxed) {
                use_the_frame_pointer();
                (0..TURNS).for_each(|_| std::hint::spin_loop());
            }
        });
        while !begun.load(Ordering::Acquire) {
            thread::yield_now();
        }
        let sampled = (0..200).map(|_| machine.sample(0).expect("it runs"));
        let whole = sampled.filter(|sample| sample.chain == Chain::Whole).count();
        is_over.store(true, Ordering::Relaxed);
        running.finish();
        assert_eq!(whole, 200);
    });
}

/// For about as long as that many turns of a loop take.
const TURNS: u64 = 500;

/// Uses the frame pointer for something else, as the host's libraries do.
fn use_the_frame_pointer() {
    // SAFETY: the frame pointer is given back as it was, and nothing else is touched.
    unsafe {
        std::arch::asm!(
            "mov {saved}, rbp", "mov rbp, 1",
            "2:", "pause", "dec {turns}", "jnz 2b",
            "mov rbp, {saved}",
            saved = out(reg) _, turns = inout(reg) TURNS => _, options(nomem, nostack),
        );
    }
}

#[test]
fn impossible_machines_are_refused() {
    for cpus in [0, 65] {
        let error = HostMachine::new(HostConfig { cpus, ..HostConfig::default() }).err();
        assert!(matches!(error, Some(HostError::CpuCount(count)) if count == cpus));
    }
}

#[test]
fn other_threads_still_die_of_their_faults() {
    let me = std::env::current_exe().expect("the test itself");
    let mut child = Command::new(me);
    child.args(["--exact", "dies_of_a_fault", "--ignored"]).env(CHILD, "1");
    let output = child.output().expect("a child process");
    assert_eq!(output.status.signal(), Some(11), "{output:?}");
}

#[test]
#[ignore = "the child process of another test"]
fn dies_of_a_fault() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let machine: Arc<dyn Machine> = common::machine(2, Clock::Real);
    boot(&machine, |_, _| ());
    let nowhere = std::hint::black_box(8 as *mut u8);
    // SAFETY: not safe: the process is to die here.
    unsafe { std::arch::asm!("mov byte ptr [{}], 0", in(reg) nowhere) };
}
