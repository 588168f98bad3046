//! What can be asked of a soak.

use std::path::PathBuf;

use clap::Parser;
use kthreads_kernel::Fault;

/// Random operations on kernels against what must hold.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// For how long
    #[arg(long, default_value_t = 2.0)]
    pub(crate) minutes: f64,
    /// How many CPUs each kernel has; otherwise 1, 2 and 4 in turn
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) cpus: Option<u32>,
    /// What all choices come from
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// How many seconds an operation may take, however slow the host is
    #[arg(long, default_value_t = 90)]
    pub(crate) patience: u64,
    /// A deliberate fault of the kernel, to see whether it is noticed
    #[arg(long, value_parser = fault)]
    pub(crate) fault: Option<Fault>,
    /// The folder with the modules to load
    #[arg(long)]
    pub(crate) modules: PathBuf,
}

fn fault(name: &str) -> Result<Fault, String> {
    let found = Fault::ALL.iter().find(|fault| format!("{fault:?}") == name);
    found.copied().ok_or_else(|| format!("there is none of that name; there are {:?}", Fault::ALL))
}
