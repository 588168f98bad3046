//! The machine's contract, with 1, 2 and 8 CPUs and choices usual and random.

use std::sync::Arc;

use kthreads_base::Machine;
use kthreads_sim::{Chooser, InOrder, Next, Point, Rng, SimConfig, SimMachine};
use kthreads_tests::contract::{CASES, Case, OUTSIDE_CASES};

/// Chooses among all that can go on.
struct Anyone(Rng);

impl Chooser for Anyone {
    fn next(&mut self, point: &Point<'_>) -> Next {
        if point.may_pass && self.0.below(50) == 0 {
            return Next::PassTime;
        }
        let mut nth = self.0.below(point.runnable.count_ones());
        let mut left = point.runnable;
        while nth > 0 {
            left &= left - 1;
            nth -= 1;
        }
        Next::Run(left.trailing_zeros())
    }

    fn choose(&mut self, _: u32, options: u32, _: u64) -> u32 {
        self.0.below(options)
    }
}

fn run_all(cpus: u32, chooser: impl Fn() -> Box<dyn Chooser>, cases: &[Case]) {
    for case in cases {
        eprintln!("{} with {cpus} CPUs", case.name);
        let config = SimConfig { cpus, chooser: chooser(), ..SimConfig::default() };
        let machine: Arc<dyn Machine> = SimMachine::new(config).expect("a machine");
        (case.run)(&machine).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(Arc::strong_count(&machine), 1, "{}: the machine is still in use", case.name);
    }
}

macro_rules! suite {
    ($($name:ident: $cpus:expr, $chooser:expr;)*) => {$(
        #[test]
        fn $name() {
            run_all($cpus, || Box::new($chooser), CASES);
            run_all($cpus, || Box::new($chooser), OUTSIDE_CASES);
        }
    )*};
}

suite! {
    one_cpu: 1, InOrder;
    two_cpus: 2, InOrder;
    eight_cpus: 8, InOrder;
    one_cpu_at_random: 1, Anyone(Rng::new(1));
    two_cpus_at_random: 2, Anyone(Rng::new(2));
    eight_cpus_at_random: 8, Anyone(Rng::new(3));
}
