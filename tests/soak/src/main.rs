//! Random operations on kernels, several at once, against what must hold: see `invariants.rs`.
//!
//! A soak is a row of kernels, each of its own kind (clock, lock validator) and for some seconds.
//! In each, drivers do [`Operation`]s picked from a seed, all at the same time; after a round
//! they clean up, and the kernel's books must read as they did before. A seed repeats what is
//! done, not how it interleaves: on more than one CPU a failure may take a few tries to come back.
//!
//! `--fault NAME` shows what a soak notices. Two faults it does not: after `WakeTellsNoCpu` the next
//! tick lets the woken task run all the same, and after `WorkerLooksFirst` the next work that is
//! queued, or a flush, wakes the worker that sleeps over one. Exploring finds both, where no tick
//! and no other work comes unless it is chosen (`tests/tests/faults_are_found.rs`).

mod alone;
mod arguments;
mod body;
mod dice;
mod driver;
mod invariants;
mod journal;
mod leg;
mod memory;
mod modules;
mod operation;
mod shared;
mod works;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arguments::Arguments;
use clap::Parser;
use dice::Dice;
use leg::Leg;
use operation::Operation;

/// How long one kernel lives.
const LEG: Duration = Duration::from_secs(15);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let modules = match modules::read(&arguments.modules) {
        Ok(modules) => Arc::new(modules),
        Err(error) => {
            eprintln!("soak: {error}");
            return ExitCode::from(2);
        }
    };
    let seed = arguments.seed.unwrap_or_else(dice::fresh_seed);
    let end = Instant::now() + Duration::from_secs_f64(arguments.minutes * 60.0);
    println!("soak: seed {seed}, {} minutes, modules {}", arguments.minutes, modules.names());
    let (mut dice, mut number, mut before) = (Dice::new(seed), 0, None);
    while Instant::now() < end {
        let leg = Leg::new(number, &arguments, dice.next());
        println!("soak: {leg}");
        let soaked = leg.run(&modules, end.min(Instant::now() + LEG));
        let before = *before.get_or_insert_with(memory::allocated);
        match soaked.and_then(|sum| invariants::nothing_kept(before).map(|()| sum)) {
            Ok(sum) => println!("soak:   {sum}"),
            Err(failure) => {
                println!("{failure}");
                println!("soak: FAILED with seed {seed}, {leg}");
                // Threads of a stuck kernel never end.
                std::process::exit(1);
            }
        }
        number += 1;
    }
    println!("soak: {number} kernels, nothing was violated");
    ExitCode::SUCCESS
}
