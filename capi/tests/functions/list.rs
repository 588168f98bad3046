//! exports.txt and the tables agree, so that a header declares only what links.

use std::collections::BTreeMap;

use kthreads_capi::{License, all, resolve};

/// What the loader resolves by itself, or what the part for modules and parameters offers.
fn is_of_modules(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "__this_module",
        "jiffies",
        "nr_cpu_ids",
        "cpu_all_bits",
        "__cpumask_of_cpu",
        "__per_cpu_stride",
        "__alloc_percpu",
        "free_percpu",
        "try_module_get",
        "module_put",
        "__module_get",
        "module_refcount",
        "__module_put_and_kthread_exit",
    ];
    let is_mask = name.starts_with("__cpu_") && name.ends_with("_mask");
    NAMES.contains(&name) || name.starts_with("param_") || is_mask
}

fn listed() -> BTreeMap<&'static str, License> {
    let license = |letter| match letter {
        "E" => License::Any,
        "G" => License::GplOnly,
        "L" => License::Local,
        other => panic!("{other} is no licence"),
    };
    let entry = |line: &'static str| {
        let mut fields = line.split('\t');
        let name = fields.next().expect("a name");
        (name, license(fields.next().expect("a licence")))
    };
    include_str!("../../exports.txt").lines().map(entry).collect()
}

#[test]
fn every_listed_function_links_under_its_licence() {
    let listed = listed();
    assert!(listed.len() > 300);
    for (name, license) in listed.iter().filter(|(name, _)| !is_of_modules(name)) {
        let symbol = resolve(name).unwrap_or_else(|| panic!("{name} does not resolve"));
        assert_eq!(symbol.license, *license, "{name}");
        assert_ne!(symbol.address, 0, "{name}");
    }
}

#[test]
fn every_export_is_listed_once() {
    let listed = listed();
    let mut seen = BTreeMap::new();
    for export in all() {
        assert!(listed.contains_key(export.name), "{} is not in exports.txt", export.name);
        let before = seen.insert(export.name, export.address());
        assert_eq!(before, None, "{} is exported twice", export.name);
    }
    assert!(resolve("no_such_function").is_none());
}
