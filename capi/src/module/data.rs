//! The variables that C headers declare and each kernel has for itself.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64};

use kthreads_kernel::Kernel;
use kthreads_kernel::module::PER_CPU_STRIDE;

use super::table::KernelExport;

/// The most CPUs that a cpumask has room for: C's NR_CPUS.
const NR_CPUS: usize = 64;

/// The same in every kernel.
static CPU_ALL_BITS: u64 = u64::MAX;
static STRIDE: u64 = PER_CPU_STRIDE as u64;
static CPUMASK_OF_CPU: [u64; NR_CPUS] = {
    let mut masks = [0; NR_CPUS];
    let mut cpu = 0;
    while cpu < NR_CPUS {
        masks[cpu] = 1 << cpu;
        cpu += 1;
    }
    masks
};

/// Variables of one kernel, in memory that stays as long as an image that may read them.
#[derive(Debug)]
pub(super) struct DataSymbols {
    nr_cpu_ids: AtomicU32,
    possible: AtomicU64,
    online: AtomicU64,
    present: AtomicU64,
    active: AtomicU64,
}

impl DataSymbols {
    pub(super) fn new(kernel: &Kernel) -> Arc<DataSymbols> {
        let mask = || AtomicU64::new(kernel.all_cpus());
        Arc::new(DataSymbols {
            nr_cpu_ids: AtomicU32::new(kernel.nr_cpus()),
            possible: mask(),
            online: mask(),
            present: mask(),
            active: mask(),
        })
    }

    /// Lists the variables under their names.
    pub(super) fn exports(&self, kernel: &Kernel) -> Vec<KernelExport> {
        fn at<T>(variable: &T) -> usize {
            core::ptr::from_ref(variable) as usize
        }
        let variables = [
            ("jiffies", kernel.jiffies_address()),
            ("nr_cpu_ids", at(&self.nr_cpu_ids)),
            ("__cpu_possible_mask", at(&self.possible)),
            ("__cpu_online_mask", at(&self.online)),
            ("__cpu_present_mask", at(&self.present)),
            ("__cpu_active_mask", at(&self.active)),
            ("cpu_all_bits", at(&CPU_ALL_BITS)),
            ("__cpumask_of_cpu", at(&CPUMASK_OF_CPU)),
            ("__per_cpu_stride", at(&STRIDE)),
        ];
        variables.map(|(name, address)| KernelExport::data(name, address)).into()
    }
}
