//! What to say of a symbol that nobody defines.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use kthreads_kernel::Errno;

/// Says why a symbol of a module could not be resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nobody exports it, and it looks like no other name.
    Unknown,
    /// Nobody exports it; this name is the most like it.
    Nearest(String),
    /// It belongs to a part of Linux that is not there yet.
    NotSupported(&'static str),
    /// It is exported to modules under a GPL-compatible licence only.
    GplOnly,
    /// The module that exports it is about to go, or did not come up in time.
    Owner(String, Errno),
}

/// Describes a symbol that a module needs and does not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSymbol {
    /// Its name.
    pub name: String,
    /// Why it is not there.
    pub why: Why,
}

impl UnknownSymbol {
    /// Gives the error number that Linux prints for it.
    pub fn errno(&self) -> Errno {
        match &self.why {
            Why::Owner(_, errno) => *errno,
            _ => Errno::ENOENT,
        }
    }
}

impl fmt::Display for UnknownSymbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.why {
            Why::Unknown => write!(f, "{name}: neither the kernel nor a module exports it"),
            Why::Nearest(other) => write!(f, "{name}: no such symbol; did you mean {other}?"),
            Why::NotSupported(part) => write!(f, "{name}: {part} not supported yet"),
            Why::GplOnly => write!(f, "{name}: exported to GPL-compatible modules only"),
            Why::Owner(module, _) => write!(f, "{name}: module {module} is not ready"),
        }
    }
}

/// Parts of Linux that are not there, by how the names of their functions begin.
const NOT_SUPPORTED: &[(&str, &[&str])] = &[
    (
        "workqueues are",
        &[
            "alloc_workqueue",
            "destroy_workqueue",
            "queue_work",
            "queue_delayed_work",
            "flush_work",
            "__flush_work",
            "cancel_work",
            "cancel_delayed_work",
            "mod_delayed_work",
            "schedule_work",
            "drain_workqueue",
            "system_",
            "delayed_work_timer_fn",
            "flush_delayed_work",
            "__queue_",
        ],
    ),
    (
        "RCU is",
        &[
            "call_rcu",
            "synchronize_rcu",
            "rcu_",
            "__rcu_",
            "kfree_rcu",
            "kvfree_call_rcu",
            "srcu_",
            "synchronize_srcu",
            "call_srcu",
            "init_srcu",
            "cleanup_srcu",
        ],
    ),
    ("high-resolution timers are", &["hrtimer_", "schedule_hrtimeout"]),
    ("tasklets are", &["tasklet_", "__tasklet_"]),
    (
        "character devices are",
        &[
            "register_chrdev",
            "__register_chrdev",
            "unregister_chrdev",
            "__unregister_chrdev",
            "alloc_chrdev_region",
            "cdev_",
            "misc_register",
            "misc_deregister",
            "noop_llseek",
        ],
    ),
    (
        "devices and drivers are",
        &[
            "class_",
            "__class_",
            "device_",
            "driver_",
            "platform_",
            "__platform_",
            "pci_",
            "__pci_",
            "usb_",
            "dev_",
            "_dev_",
            "devm_",
            "bus_",
            "kobject_",
            "sysfs_",
        ],
    ),
    (
        "proc files of modules are",
        &["proc_", "remove_proc_", "seq_", "single_open", "single_release"],
    ),
    ("debugfs is", &["debugfs_", "simple_attr_", "simple_open"]),
    (
        "copying to and from user space is",
        &[
            "_copy_to_user",
            "_copy_from_user",
            "copy_to_user",
            "copy_from_user",
            "simple_read_from_",
        ],
    ),
    (
        "files are",
        &["filp_", "kernel_read", "kernel_write", "vfs_", "register_filesystem", "simple_", "iget"],
    ),
    ("notifiers are", &["register_reboot_notifier", "atomic_notifier", "blocking_notifier"]),
    (
        "networking is",
        &[
            "sock_",
            "skb_",
            "__alloc_skb",
            "netif_",
            "register_netdev",
            "dev_queue_",
            "kernel_sendmsg",
        ],
    ),
    ("interrupt lines are", &["request_irq", "request_threaded_irq", "free_irq", "enable_irq"]),
    ("kprobes are", &["register_kprobe", "unregister_kprobe", "register_kretprobe"]),
    ("page allocation is", &["__alloc_pages", "alloc_pages", "__free_pages", "__get_free_pages"]),
];

/// Finds out what to say of a name that nobody exports; `known` are all names that there are.
pub(super) fn explain<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Why {
    let has = |(_, beginnings): &&(&str, &[&str])| beginnings.iter().any(|b| name.starts_with(b));
    // A slip of the pen is likelier than a missing part if the name is that close.
    let nearest = nearest(name, known);
    if let Some((other, 1)) = nearest {
        return Why::Nearest(String::from(other));
    }
    if let Some((part, _)) = NOT_SUPPORTED.iter().find(has) {
        return Why::NotSupported(part);
    }
    nearest.map_or(Why::Unknown, |(other, _)| Why::Nearest(String::from(other)))
}

/// Finds the known name that is most like `name` and how many letters differ, if it is like it at
/// all.
pub(super) fn nearest<'n>(
    name: &str,
    known: impl Iterator<Item = &'n str>,
) -> Option<(&'n str, usize)> {
    let most = (name.len() / 4).clamp(1, 3);
    let close = known.filter(|other| other.len().abs_diff(name.len()) <= most);
    let rated = close.map(|other| (other, edit_distance(name, other)));
    rated.filter(|(_, distance)| *distance <= most).min_by_key(|(_, distance)| *distance)
}

/// Counts the letters to insert, remove or change until one text is the other.
fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.bytes().enumerate() {
            let change = diagonal + usize::from(letter != other);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["_printk", "kthread_stop", "kthread_park", "queue_works"];

    fn why(name: &str) -> Why {
        explain(name, KNOWN.into_iter())
    }

    #[test]
    fn letters_are_counted() {
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("same", "same"), 0);
        assert_eq!(edit_distance("ab", "ba"), 2);
    }

    #[test]
    fn the_nearest_name_is_told_if_it_is_near() {
        assert_eq!(why("printk"), Why::Nearest("_printk".into()));
        assert_eq!(why("kthread_stpo"), Why::Nearest("kthread_stop".into()));
        assert_eq!(why("frobnicate"), Why::Unknown);
        assert_eq!(why("x"), Why::Unknown);
    }

    #[test]
    fn missing_parts_are_named_unless_it_is_a_slip() {
        assert_eq!(why("alloc_workqueue"), Why::NotSupported("workqueues are"));
        assert_eq!(why("call_rcu"), Why::NotSupported("RCU is"));
        assert_eq!(why("queue_work"), Why::Nearest("queue_works".into()));
        let unknown = UnknownSymbol { name: "call_rcu".into(), why: why("call_rcu") };
        assert_eq!(alloc::format!("{unknown}"), "call_rcu: RCU is not supported yet");
    }
}
