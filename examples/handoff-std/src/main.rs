//! The two-thread hand-off on plain `std` threads; see the library for what it is compared with.
//!
//! ```text
//! cargo run -p handoff-std                     a frame each second, until Enter
//! cargo run -p handoff-std -- 50               a frame each 50 milliseconds
//! ```

use std::io;
use std::num::NonZero;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use handoff_std::Handoff;

const BATCH: NonZero<usize> = NonZero::new(10).expect("ten is not zero");
const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);
const USAGE_ERROR: u8 = 2;

fn main() -> ExitCode {
    let Some(interval) = interval() else {
        eprintln!("usage: handoff-std [MILLISECONDS]");
        return ExitCode::from(USAGE_ERROR);
    };
    let handoff = Handoff::new(BATCH);
    let (received, handled) = thread::scope(|scope| {
        let receiver = scope.spawn(|| receive(&handoff, interval));
        let handler = scope.spawn(|| handle(&handoff));
        println!("Press Enter to stop");
        wait_for_enter();
        handoff.stop();
        (receiver.join(), handler.join())
    });
    match (received, handled) {
        (Ok(received), Ok(handled)) => {
            println!("received {received}, handled {handled}");
            ExitCode::SUCCESS
        }
        _ => ExitCode::FAILURE,
    }
}

fn interval() -> Option<Duration> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next(), arguments.next()) {
        (None, _) => Some(DEFAULT_INTERVAL),
        (Some(text), None) => text.parse().ok().map(Duration::from_millis),
        _ => None,
    }
}

/// Also the end of the input, or an error, ends the wait: there is no Enter to come then.
fn wait_for_enter() {
    if let Err(error) = io::stdin().read_line(&mut String::new()) {
        eprintln!("handoff-std: {error}");
    }
}

/// Returns how many frames it received.
fn receive(handoff: &Handoff, interval: Duration) -> usize {
    let mut received = 0;
    while handoff.put().is_ok() {
        received += 1;
        println!("receiver: frame {received}");
        if handoff.pause(interval).is_err() {
            break;
        }
    }
    received
}

/// Returns how many frames it handled.
fn handle(handoff: &Handoff) -> usize {
    let mut handled = 0;
    while let Some(frames) = handoff.take() {
        handled += frames;
        println!("handler: took {frames} frames");
    }
    handled
}
