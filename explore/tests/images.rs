//! Memory of modules that was given back is nobody's, in every schedule.

use std::ptr::NonNull;

use kthreads_base::explore_point;
use kthreads_explore::{Config, Kind, Prepared, Scenario};
use kthreads_kernel::{Cx, Kernel};

const LEN: usize = 4096;

/// Memory that is there when a schedule begins, and given back in it.
struct GivesBack {
    /// What is done with it, at which address, after that.
    then: fn(&Cx<'_>, usize),
}

fn read(address: usize) {
    // SAFETY: none: the memory was given back. That it faults is what is tested; where it does
    // not, the pages are still mapped.
    unsafe { core::ptr::read_volatile(address as *const u8) };
}

impl Scenario for GivesBack {
    fn prepare(&self, cx: &Cx<'_>) -> Prepared {
        let memory = cx.kernel.machine().image_alloc(LEN).expect("memory");
        Box::new(memory.addr().get())
    }

    fn run(&self, kernel: &Kernel, prepared: &Prepared) {
        let address = *prepared.downcast_ref::<usize>().expect("an address");
        kernel.enter(|cx| {
            read(address);
            let memory = NonNull::new(address as *mut u8).expect("an address");
            // SAFETY: it was allocated so, and is given back once in each schedule.
            unsafe { cx.kernel.machine().image_free(memory, LEN) };
            (self.then)(cx, address);
        });
    }
}

fn faults_of(then: fn(&Cx<'_>, usize)) -> u64 {
    let config = Config { schedules: 50, keep_going: true, ..Config::default() };
    let report = kthreads_explore::Campaign::new(config, &GivesBack { then })
        .run(&mut |_| kthreads_explore::Progress::GoOn);
    assert_eq!(report.schedules, 50);
    let is_fault = |found: &&kthreads_explore::Found| {
        found.finding.kind == Kind::Report && found.finding.text.contains("page fault")
    };
    report.found.iter().filter(is_fault).map(|found| found.count).sum()
}

#[test]
fn another_thread_faults() {
    let faults = faults_of(|cx, address| {
        let thread = cx.spawn("reader", move |_| read(address)).expect("a thread");
        let _ = thread.join(cx);
    });
    assert_eq!(faults, 50);
}

#[test]
fn who_gave_it_back_faults_from_the_next_point_on() {
    let faults = faults_of(|_, address| {
        explore_point();
        read(address);
    });
    assert_eq!(faults, 50);
}

#[test]
fn who_does_not_touch_it_is_clean() {
    assert_eq!(faults_of(|_, _| {}), 0);
}
