//! Tests of a run queue on its own.

use super::*;
use crate::task::TaskTable;

const IDLE: u32 = 0;
const RUNNING: u32 = 1;
const WOKEN: u32 = 2;
const WAITING: u32 = 3;

/// Whether somebody of a nice value who slept for long has the CPU at once, after a task of nice 0
/// has run for each of 40 times of half a millisecond, alone or while another waits.
fn preempts(nice: i32, waits: bool) -> impl Iterator<Item = bool> {
    let tasks = TaskTable::new(100, 100);
    tasks.make_first(4).expect("memory");
    for index in [RUNNING, WAITING, WOKEN] {
        let nice = if index == WOKEN { nice } else { 0 };
        tasks.get(index).head.prio.store(120 + nice, ORDER);
        tasks.get(index).head.static_prio.store(120 + nice, ORDER);
    }
    let mut rq = RunQueue::new();
    rq.start(tasks.pin(IDLE));
    rq.current.set(Some(tasks.pin(RUNNING)));
    rq.place(tasks.get(RUNNING));
    if waits {
        rq.place(tasks.get(WAITING));
        rq.enqueue(tasks.get(WAITING), End::Tail);
    }
    (1..=40).map(move |halves| {
        rq.charge(tasks.get(RUNNING), halves * 500_000);
        let woken = tasks.get(WOKEN);
        woken.sched.vruntime.store(0, ORDER);
        rq.place(woken);
        rq.should_preempt(woken)
    })
}

#[test]
fn an_equal_that_is_woken_waits_for_its_turn() {
    for waits in [false, true] {
        assert!(preempts(0, waits).all(|preempts| !preempts), "waits: {waits}");
        assert!(preempts(10, waits).all(|preempts| !preempts), "waits: {waits}");
    }
}

#[test]
fn a_better_one_that_is_woken_runs_at_once() {
    for waits in [false, true] {
        // Before, there was nothing to be behind with.
        assert!(preempts(-20, waits).skip(10).all(|preempts| preempts), "waits: {waits}");
    }
}
