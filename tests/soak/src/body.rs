//! What threads do until they are told to stop.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kthreads_base::Nanos;
use kthreads_kernel::Cx;
use kthreads_kernel::signal::SIGKILL;
use kthreads_kernel::task::state::TASK_IDLE;

use crate::dice::Dice;
use crate::operation::Body;
use crate::shared::Shared;

/// Runs a body; returns its number.
pub(crate) fn run(cx: &Cx<'_>, body: Body, number: u64, shared: &Arc<Shared>) -> u64 {
    shared.began.fetch_add(1, Ordering::SeqCst);
    let mut dice = Dice::new(number);
    match body {
        Body::Sleeps => cx.sleep_until_stopped(),
        Body::Ends => cx.yield_now(),
        Body::Beats => while_wanted(cx, || beat(cx, &mut dice)),
        Body::Ticks => while_wanted(cx, || tick(cx, &mut dice)),
        Body::Trades => while_wanted(cx, || trade(cx, &mut dice, shared)),
        Body::Listens => listen(cx, &mut dice),
        Body::Breeds => while_wanted(cx, || breed(cx, &mut dice, shared)),
    }
    shared.ended.fetch_add(1, Ordering::SeqCst);
    number
}

/// Does something again and again until the thread is told to stop; parks when told to.
fn while_wanted(cx: &Cx<'_>, mut turn: impl FnMut()) {
    while !cx.should_stop() {
        if cx.should_park() {
            cx.park();
            continue;
        }
        turn();
    }
}

fn beat(cx: &Cx<'_>, dice: &mut Dice) {
    match dice.below(4) {
        0 => cx.yield_now(),
        1 => drop(cx.cond_resched()),
        2 => cx.kernel.delay(cx, Nanos(dice.below(20_000))),
        _ => {}
    }
    // Those of a high priority let the others live.
    cx.sleep_interruptible(1 + dice.below(3) as u32);
}

fn tick(cx: &Cx<'_>, dice: &mut Dice) {
    let span = Nanos(1 + dice.below(3_000_000));
    cx.kernel.sleep_for(cx, span, TASK_IDLE);
}

fn trade(cx: &Cx<'_>, dice: &mut Dice, shared: &Shared) {
    let which = dice.next();
    match dice.below(6) {
        0 => shared.complete(cx, which),
        1 => shared.await_completion(cx, which, 1 + dice.below(4) as u32),
        2 => shared.produce(cx, 1),
        3 => shared.consume(cx, 1 + dice.below(4) as u32),
        4 => shared.raise_under_mutex(cx),
        _ => shared.raise_under_spin_lock(),
    }
    cx.sleep_interruptible(dice.below(3) as u32);
}

fn listen(cx: &Cx<'_>, dice: &mut Dice) {
    for signal in [SIGKILL, 10, 15] {
        cx.allow_signal(signal);
    }
    while_wanted(cx, || {
        cx.sleep_interruptible(1 + dice.below(20) as u32);
        while cx.take_signal().is_some() {}
        // Told to stop, it looks as if a signal were pending: nothing sleeps then.
        cx.yield_now();
    });
}

fn breed(cx: &Cx<'_>, dice: &mut Dice, shared: &Arc<Shared>) {
    let body = dice.one_of(&[Body::Sleeps, Body::Ends, Body::Trades]);
    let (number, theirs) = (dice.next(), shared.clone());
    if let Ok(child) = cx.spawn("child", move |cx| run(cx, body, number, &theirs)) {
        cx.sleep_interruptible(dice.below(3) as u32);
        let end = child.stop(cx);
        if !matches!(end, Ok(seen) if seen == number) && end != Err(kthreads_kernel::Errno::EINTR) {
            shared.journal.violated(format!("a child that returns {number} was stopped: {end:?}"));
        }
    }
    cx.sleep_interruptible(1 + dice.below(4) as u32);
}
