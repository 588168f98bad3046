//! Which licences may use what is exported to GPL modules only.

use kthreads_kernel::log::Level;
use kthreads_kernel::report::{TAINT_OUT_OF_TREE, TAINT_PROPRIETARY};
use kthreads_kernel::{Cx, log};
use kthreads_loader::ModInfo;

/// Whether a module's licence is compatible with the GPL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compatibility {
    /// The module may use everything.
    GplCompatible,
    /// The module may not use what is exported to GPL modules only.
    Proprietary,
}

/// The licences that MODULE_LICENSE knows as compatible (Linux: license_is_gpl_compatible).
const COMPATIBLE: [&str; 6] =
    ["GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"];

/// What a module without a licence has.
const UNSPECIFIED: &str = "unspecified";

/// Gives the module's licence in its own words.
pub(super) fn text(info: &ModInfo) -> &str {
    info.get("license").unwrap_or(UNSPECIFIED)
}

/// Tells whether the module may use everything.
pub(super) fn of(info: &ModInfo) -> Compatibility {
    if COMPATIBLE.contains(&text(info)) {
        Compatibility::GplCompatible
    } else {
        Compatibility::Proprietary
    }
}

/// Taints the kernel for a module, with Linux's messages the first time, and returns the bits
/// that the module itself gets (Linux: check_modinfo, set_license).
pub(super) fn taint(cx: &Cx<'_>, name: &str, info: &ModInfo) -> u32 {
    let mut taints = 0;
    if info.get("intree").is_none() {
        if cx.kernel.taint() & TAINT_OUT_OF_TREE == 0 {
            log!(cx, Level::Warning, "{name}: loading out-of-tree module taints kernel.");
        }
        taints |= TAINT_OUT_OF_TREE;
    }
    if of(info) == Compatibility::Proprietary {
        if cx.kernel.taint() & TAINT_PROPRIETARY == 0 {
            let license = text(info);
            log!(cx, Level::Warning, "{name}: module license '{license}' taints kernel.");
            log!(cx, Level::Warning, "Disabling lock debugging due to kernel taint");
        }
        taints |= TAINT_PROPRIETARY;
    }
    cx.kernel.add_taint(taints);
    taints as u32
}
