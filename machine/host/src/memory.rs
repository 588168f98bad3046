//! How much memory the instance uses.
//!
//! Counted as the host counts: what this process has in memory, page tables included, beyond what
//! it had when the machine was made. That is honest about everything a kernel thread costs. What
//! it does not tell apart is two machines in one process: each sees what both use. Stacks that are
//! kept warm for the next thread count as used.

use std::fs;

/// What the process takes up now, in bytes.
pub(crate) fn in_use() -> u64 {
    let Ok(status) = fs::read_to_string("/proc/self/status") else { return 0 };
    let field = |line: &str, name: &str| {
        let rest = line.strip_prefix(name)?.trim();
        rest.strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    let sizes = status.lines().filter_map(|line| {
        let kilobytes = field(line, "VmRSS:").or_else(|| field(line, "VmPTE:"));
        kilobytes.map(|size| size * 1024)
    });
    sizes.sum()
}

/// Half of what the host has, in bytes: a guess at what one instance may use.
pub(crate) fn default_total() -> u64 {
    // SAFETY: has no conditions.
    let (pages, size) =
        unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    (pages.max(0) as u64).saturating_mul(size.max(0) as u64) / 2
}
