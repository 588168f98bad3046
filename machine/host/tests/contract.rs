//! The machine's contract, with 1, 2 and 8 CPUs and both clocks.

mod common;

use std::sync::Arc;

use kthreads_base::Machine;
use kthreads_host::Clock;
use kthreads_tests::contract::{CASES, Case, OUTSIDE_CASES};

fn run_all(cpus: u32, clock: Clock, cases: &[Case]) {
    for case in cases {
        let name = format!("{} with {cpus} CPUs, {clock:?}", case.name);
        common::guarded(&name, || {
            eprintln!("{name}");
            let machine: Arc<dyn Machine> = common::machine(cpus, clock);
            (case.run)(&machine).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(Arc::strong_count(&machine), 1, "{name}: the machine is still in use");
        });
    }
}

macro_rules! suite {
    ($($name:ident: $cpus:expr, $clock:expr;)*) => {$(
        #[test]
        fn $name() {
            run_all($cpus, $clock, CASES);
            run_all($cpus, $clock, OUTSIDE_CASES);
        }
    )*};
}

suite! {
    one_cpu: 1, Clock::Real;
    two_cpus: 2, Clock::Real;
    eight_cpus: 8, Clock::Real;
    one_cpu_fast_forward: 1, Clock::FastForward;
    two_cpus_fast_forward: 2, Clock::FastForward;
    eight_cpus_fast_forward: 8, Clock::FastForward;
}
