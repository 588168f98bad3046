//! What benches/kbench measures of kernel threads, done with std::thread, pthread and tokio.
//!
//! ```text
//! kthreads-peers measure [div=K] [only=NAME,...]   prints KBENCH lines, with peer=std|pthread|tokio
//! kthreads-peers block PEER N                      has N blocked threads until standard input ends
//! ```
//!
//! It measures with the CPUs that it may run on: `taskset --cpu-list 0 kthreads-peers measure` is
//! what happens on one CPU.

mod blocked;
mod duel;
mod posix;
mod pthread;
mod std_thread;
mod tokio_task;

use std::process::ExitCode;
use std::time::Duration;

/// Is a benchmark: what kbench calls it, how often it is done, and what does it so often.
struct Bench {
    name: &'static str,
    ops: u32,
    run: fn(u32) -> Option<Outcome>,
}

/// Is what doing something took.
struct Outcome {
    /// Of one thread, or from the first start of two to their last end.
    time: Duration,
    /// How often it was done.
    count: u32,
    /// How many operations each time was.
    ops_each: u32,
    /// What else is to be known, as kbench calls it.
    more: Vec<(&'static str, u64)>,
}

impl Outcome {
    fn new(time: Duration, count: u32) -> Option<Outcome> {
        Some(Outcome { time, count, ops_each: 1, more: Vec::new() })
    }

    /// What was done so often is two calls, one of each thread.
    fn two_calls(self) -> Outcome {
        Outcome { ops_each: 2, ..self }
    }

    /// Of threads that were all created, then all stopped.
    fn created_and_stopped(create: Duration, stop: Duration, count: u32) -> Option<Outcome> {
        let each = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(0) / u64::from(count);
        let more = vec![("create_ns", each(create)), ("stop_ns", each(stop))];
        Outcome::new(create + stop, count).map(|outcome| Outcome { more, ..outcome })
    }
}

/// What is measured, beside what.
const PEERS: [(&str, &[Bench]); 3] =
    [("std", std_thread::BENCHES), ("pthread", pthread::BENCHES), ("tokio", tokio_task::BENCHES)];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["measure", ref parameters @ ..] => measure(parameters),
        ["block", peer, count] => match count.parse() {
            Ok(count) => blocked::block(peer, count),
            Err(_) => usage(),
        },
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: kthreads-peers measure [div=K] [only=NAME,...]\n       \
         kthreads-peers block std|pthread|tokio N"
    );
    ExitCode::from(2)
}

fn measure(parameters: &[&str]) -> ExitCode {
    let (mut div, mut only) = (1, Vec::new());
    for parameter in parameters {
        match parameter.split_once('=') {
            Some(("div", value)) => div = value.parse().unwrap_or(1).max(1),
            Some(("only", names)) => only = names.split(',').collect(),
            _ => return usage(),
        }
    }
    for (peer, benches) in PEERS {
        for bench in benches {
            if only.is_empty() || only.contains(&bench.name) {
                bench.report(peer, div);
            }
        }
    }
    ExitCode::SUCCESS
}

impl Bench {
    /// Measures and prints. What is done with many threads at once is not divided.
    fn report(&self, peer: &str, div: u32) {
        let name = self.name;
        let ops = if name.starts_with("many_") { self.ops } else { (self.ops / div).max(1) };
        let Some(Outcome { time, count, ops_each, more }) = (self.run)(ops) else {
            println!("KBENCH name={name} peer={peer} skipped=not_allowed_here");
            return;
        };
        let ns = time.as_nanos() as f64 / (f64::from(count) * f64::from(ops_each));
        print!("KBENCH name={name} peer={peer} n={count} ns_per_op={ns:.1}");
        more.iter().for_each(|(key, value)| print!(" {key}={value}"));
        println!();
    }
}
