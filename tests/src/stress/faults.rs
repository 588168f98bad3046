//! Many threads that fault, all at once.

use alloc::vec::Vec;
use core::arch::asm;

use kthreads_kernel::{Cx, Errno};

use super::hecklers::heckled;
use super::must;

/// How many threads of each round fault on a CPU.
const THREADS: u32 = 8;

/// How many rounds there are.
const ROUNDS: u32 = 12;

/// An address that nobody can write to, and everybody recognises.
const ADDRESS: usize = 0x10;

/// Has threads on every CPU fault at the same time, some of them below others; each dies, and
/// nothing else does. Returns how many there were.
///
/// # Panics
///
/// When a thread that faulted lived on, or one that did not fault died.
pub fn many_faults(cx: &Cx<'_>) -> u32 {
    heckled(cx, || fault_at_once(cx)).0
}

fn fault_at_once(cx: &Cx<'_>) -> u32 {
    let before = cx.kernel.task_count();
    let bystander = cx.spawn("bystander", |cx| {
        let mut seen = 0_u32;
        while !cx.should_stop() {
            seen += 1;
            cx.sleep(4);
        }
        seen
    });
    let bystander = bystander.expect("a thread");
    let cpus = cx.kernel.nr_cpus();
    (0..ROUNDS).for_each(|_| one_round(cx, cpus));
    assert!(bystander.stop(cx).expect("it lives") > 0);
    must(cx, "the end of all threads", || cx.kernel.task_count() == before);
    ROUNDS * THREADS * cpus
}

fn one_round(cx: &Cx<'_>, cpus: u32) {
    let new: Vec<_> = (0..THREADS * cpus)
        .map(|number| {
            let body = move |_: &Cx<'_>| {
                fault(number);
                number
            };
            let new = cx.create("faults", body).expect("a thread");
            new.bind(cx, number % cpus)
        })
        .collect();
    let threads: Vec<_> = new.into_iter().map(|new| new.wake(cx)).collect();
    must(cx, "the death of every thread", || threads.iter().all(|thread| !thread.is_alive(cx)));
    for thread in threads {
        assert_eq!(thread.join(cx), Err(Errno::EINTR));
    }
}

#[inline(never)]
fn fault(number: u32) {
    // Some deeper than others, so that what is found on the stacks differs.
    if !number.is_multiple_of(5) {
        fault(number - 1);
    }
    // SAFETY: not safe: the write is to fault, which ends the thread; the address is nobody's.
    unsafe { asm!("mov qword ptr [{address}], 0", address = in(reg) ADDRESS) };
}
