//! Two threads hand a token to each other twenty times, under many schedules.
//!
//! ```text
//! kthreads-explore-peers kthreads|plain|shuttle|loom SCHEDULES   prints schedules=N seconds=S
//! ```
//!
//! `plain` runs the same kernel threads in a process, as often, with nobody to choose: no explorer
//! of this kernel can be faster.
#![forbid(unsafe_code)]

mod kernel_threads;
mod loom_threads;
mod shuttle_threads;

use std::process::ExitCode;
use std::time::Instant;

/// How often each of the two threads has the token.
const TURNS: u32 = 10;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [peer, schedules] = words[..] else { return usage() };
    let Ok(schedules) = schedules.parse() else { return usage() };
    let run: fn(u64) -> u64 = match peer {
        "kthreads" => kernel_threads::explore,
        "plain" => kernel_threads::run_plainly,
        "shuttle" => shuttle_threads::explore,
        "loom" => loom_threads::explore,
        _ => return usage(),
    };
    // Before the clock starts: what is made once.
    run(1);
    let begin = Instant::now();
    let run = run(schedules);
    println!("schedules={run} seconds={:.6}", begin.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: kthreads-explore-peers kthreads|plain|shuttle|loom SCHEDULES");
    ExitCode::from(2)
}
