//! A great many threads at once.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use kthreads_kernel::Cx;
use kthreads_kernel::thread::Thread;

use super::hecklers::heckled;
use super::must;

/// Makes `count` threads, from every CPU at once, so that all of them live at the same time, and
/// stops each.
///
/// # Panics
///
/// When a thread did not run, or did not return its own number.
pub fn many_threads(cx: &Cx<'_>, count: u32) {
    heckled(cx, || make_many(cx, count));
}

fn make_many(cx: &Cx<'_>, count: u32) {
    let before = cx.kernel.task_count();
    let (makers, ran) = (cx.kernel.nr_cpus(), Arc::new(AtomicU32::new(0)));
    let makers: Vec<_> = (0..makers)
        .map(|cpu| {
            let ran = ran.clone();
            let mine: Vec<u32> = (0..count).filter(|number| number % makers == cpu).collect();
            let body = move |cx: &Cx<'_>| make_and_stop(cx, &mine, &ran, count);
            cx.create("maker", body).expect("a thread").bind(cx, cpu).wake(cx)
        })
        .collect();
    let stopped: usize = makers.into_iter().map(|maker| maker.join(cx).expect("it ended")).sum();
    assert_eq!(stopped, count as usize);
    must(cx, "the end of all threads", || cx.kernel.task_count() == before);
}

/// Makes the threads of these numbers; once all `count` of all makers are there, stops its own.
fn make_and_stop(cx: &Cx<'_>, numbers: &[u32], ran: &Arc<AtomicU32>, count: u32) -> usize {
    let threads: Vec<Thread<u32>> = numbers
        .iter()
        .map(|number| {
            let (number, ran) = (*number, ran.clone());
            let body = move |cx: &Cx<'_>| {
                ran.fetch_add(1, Ordering::Relaxed);
                cx.sleep_until_stopped();
                number
            };
            cx.spawn("one_of_many", body).expect("a thread")
        })
        .collect();
    must(cx, "the start of all threads", || ran.load(Ordering::Relaxed) == count);
    for (thread, number) in threads.into_iter().zip(numbers) {
        assert_eq!(thread.stop(cx), Ok(*number));
    }
    numbers.len()
}
