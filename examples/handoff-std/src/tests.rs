//! Each test is one of the mistakes in the crate's table. None sleeps; a thread that never ends
//! fails its test after [`PATIENCE`].

use super::*;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

const PATIENCE: Duration = Duration::from_secs(30);
const AN_HOUR: Duration = Duration::from_secs(3600);

fn batches_of(frames: usize) -> Arc<Handoff> {
    Arc::new(Handoff::new(NonZero::new(frames).unwrap()))
}

/// Runs `act` on a thread of its own; the result comes through the channel.
fn start<T: Send + 'static>(
    handoff: &Arc<Handoff>,
    act: impl FnOnce(&Handoff) -> T + Send + 'static,
) -> mpsc::Receiver<T> {
    let (sender, receiver) = mpsc::channel();
    let handoff = Arc::clone(handoff);
    thread::spawn(move || sender.send(act(&handoff)));
    receiver
}

fn result<T>(receiver: &mpsc::Receiver<T>) -> T {
    receiver.recv_timeout(PATIENCE).expect("the thread hangs")
}

/// Returns once a handler has looked so often.
fn wait_for_looks(handoff: &Handoff, looks: usize) {
    while handoff.lock().looks < looks {
        thread::yield_now();
    }
}

#[test]
fn a_full_batch_is_taken_though_nobody_waited_when_it_was_filled() {
    let handoff = batches_of(3);
    for _ in 0..3 {
        handoff.put().unwrap();
    }
    assert_eq!(result(&start(&handoff, Handoff::take)), Some(3));
}

#[test]
fn a_stop_before_the_wait_is_not_missed() {
    let handoff = batches_of(3);
    handoff.stop();
    assert_eq!(result(&start(&handoff, Handoff::take)), None);
    assert_eq!(result(&start(&handoff, |handoff| handoff.pause(AN_HOUR))), Err(Stopped));
}

#[test]
fn a_stop_ends_a_handler_that_waits() {
    let handoff = batches_of(3);
    handoff.put().unwrap();
    let handler = start(&handoff, |handoff| (handoff.take(), handoff.take()));
    wait_for_looks(&handoff, 1);
    handoff.stop();
    assert_eq!(result(&handler), (Some(1), None));
}

#[test]
fn a_stop_ends_a_receiver_that_has_no_room() {
    let handoff = batches_of(1);
    handoff.put().unwrap();
    let receiver = start(&handoff, Handoff::put);
    handoff.stop();
    assert_eq!(result(&receiver), Err(Stopped));
    assert_eq!(handoff.lock().frames, 1);
}

#[test]
fn a_stop_ends_a_pause_of_an_hour() {
    let handoff = batches_of(1);
    let receiver = start(&handoff, |handoff| handoff.pause(AN_HOUR));
    handoff.stop();
    assert_eq!(result(&receiver), Err(Stopped));
}

#[test]
fn nobody_leaves_with_the_lock() {
    let handoff = batches_of(2);
    let handler = start(&handoff, Handoff::take);
    handoff.stop();
    assert_eq!(result(&handler), None);
    assert!(handoff.state.try_lock().is_ok(), "the handler has ended and holds the lock");
    assert_eq!(handoff.put(), Err(Stopped));
    assert!(handoff.state.try_lock().is_ok(), "put failed and holds the lock");
}

#[test]
fn a_wake_up_for_no_reason_is_not_a_batch() {
    let handoff = batches_of(2);
    let handler = start(&handoff, Handoff::take);
    handoff.put().unwrap();
    for looks in 1..=5 {
        wait_for_a_look_after_notifying(&handoff, looks);
    }
    assert!(handler.try_recv().is_err(), "the handler took half a batch");
    handoff.put().unwrap();
    assert_eq!(result(&handler), Some(2));
}

fn wait_for_a_look_after_notifying(handoff: &Handoff, looks: usize) {
    while handoff.lock().looks < looks {
        handoff.filled.notify_all();
        thread::yield_now();
    }
}

#[test]
fn a_panic_with_the_lock_held_does_not_end_the_others() {
    let handoff = batches_of(1);
    let other = Arc::clone(&handoff);
    let panicked = thread::spawn(move || {
        let _guard = other.state.lock();
        panic!("on purpose");
    });
    assert!(panicked.join().is_err());
    handoff.put().unwrap();
    assert_eq!(handoff.take(), Some(1));
}

#[test]
fn every_frame_that_was_received_is_handled() {
    for stop_after in [0, 1, 9, 10, 11, 1000] {
        let handoff = batches_of(10);
        let receiver = start(&handoff, |handoff| std::iter::from_fn(|| handoff.put().ok()).count());
        let stopper = Arc::clone(&handoff);
        let handler = start(&handoff, move |handoff| {
            let mut handled = 0;
            while let Some(frames) = handoff.take() {
                handled += frames;
                if handled >= stop_after {
                    stopper.stop();
                }
            }
            handled
        });
        assert_eq!(result(&receiver), result(&handler), "stopped after {stop_after}");
    }
}
