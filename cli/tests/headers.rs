//! The headers in `include/` agree with the Rust side: the shared structs have one layout, each
//! header compiles alone, and what a header declares is there when a module is loaded.

#[path = "headers/compiler.rs"]
mod compiler;
#[path = "headers/declared.rs"]
mod declared;
#[path = "headers/layout.rs"]
mod layout;
mod tool;

use std::fs;
use std::path::PathBuf;

use kthreads_capi::module::ModuleLoader;
use kthreads_host::{Clock, HostConfig, HostMachine};
use kthreads_kernel::{Config, Kernel};

use compiler::Compiler;
use declared::Declared;
use tool::{kthreads, root};

/// What a header declares for the module to define, and what the loader makes for each module.
const NOT_EXPORTED: &[&str] = &["init_module", "cleanup_module", "__this_module"];

#[test]
fn c_and_rust_have_one_layout() {
    let scratch = tempfile::tempdir().expect("there is room for temporary files");
    fs::write(scratch.path().join("rust_layout.h"), layout::asserts()).expect("there is room");
    for compiler in Compiler::all() {
        let mut command = compiler.command();
        command.arg("-fsyntax-only").arg("-I").arg(scratch.path());
        compiler::succeed(command.arg(root().join("tests/headers/layout.c")));
    }
}

#[test]
fn a_wrong_layout_is_found() {
    let scratch = tempfile::tempdir().expect("there is room for temporary files");
    let wrong = layout::asserts().replacen("OFFSET(struct task_struct, pid, ", "&1 + ", 1);
    assert_ne!(wrong, layout::asserts());
    fs::write(scratch.path().join("rust_layout.h"), wrong).expect("there is room");
    let mut command = Compiler::gcc().command();
    command.arg("-fsyntax-only").arg("-I").arg(scratch.path());
    let output = command.arg(root().join("tests/headers/layout.c")).output();
    assert!(!output.expect("gcc is there").status.success());
}

#[test]
fn what_one_side_writes_the_other_reads() {
    for cpus in ["1", "2", "8"] {
        let module = "tests/headers/live.c";
        let script = "rmmod live";
        let run = kthreads(&["run", module, "--fast-forward", "--cpus", cpus, "--script", script]);
        assert_eq!(run.status, Some(0), "{cpus} CPUs: {}", run.describe());
        assert!(run.log().contains(&"all fields agree"), "{}", run.describe());
    }
}

#[test]
fn each_header_compiles_alone_with_gcc() {
    compile_each(&Compiler::gcc());
}

#[test]
fn each_header_compiles_alone_with_clang_if_that_is_there() {
    if let Some(clang) = Compiler::clang() {
        compile_each(&clang);
    }
}

fn compile_each(compiler: &Compiler) {
    let headers = headers();
    assert!(headers.len() > 100, "only {} headers were found", headers.len());
    for header in &headers {
        // Twice: the second time must add nothing.
        let include = format!("#include <{0}>\n#include <{0}>\n", header.display());
        compiler.feed(&["-Werror", "-fsyntax-only"], &include);
    }
}

#[test]
fn a_header_declares_only_what_links() {
    let source: String =
        headers().iter().map(|header| format!("#include <{}>\n", header.display())).collect();
    let declared = Declared::by(&Compiler::gcc(), &source);
    assert!(declared.functions.len() > 200, "only {} functions", declared.functions.len());
    assert!(declared.variables.len() > 10, "only {} variables", declared.variables.len());
    for known in ["kthread_create_on_node", "schedule", "_printk"] {
        assert!(declared.functions.contains(known), "{known} was not found");
    }
    for known in ["jiffies", "__this_module", "param_ops_int", "cpu_all_bits"] {
        assert!(declared.variables.contains(known), "{known} was not found");
    }
    let names: Vec<String> = declared
        .functions
        .into_iter()
        .chain(declared.variables)
        .filter(|name| !NOT_EXPORTED.contains(&name.as_str()))
        .collect();
    let missing = unresolved(names);
    assert!(missing.is_empty(), "declared, but no module can link to: {missing:?}");
}

/// Returns those of the names that a loader of modules does not find.
fn unresolved(names: Vec<String>) -> Vec<String> {
    let config = HostConfig { cpus: 1, clock: Clock::FastForward, ..HostConfig::default() };
    let machine = HostMachine::new(config).expect("the host has what a machine needs");
    let kernel = Kernel::boot(machine, Config::default()).expect("one machine, one kernel");
    kernel.enter(move |cx| {
        let loader = ModuleLoader::new(cx);
        assert!(loader.export("no_such_function").is_none());
        names.into_iter().filter(|name| loader.export(name).is_none()).collect()
    })
}

/// The names to include the headers by.
fn headers() -> Vec<PathBuf> {
    let include = root().join("include");
    let mut folders = vec![include.clone()];
    let mut headers = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("it is part of the sources") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "h") {
                let name = path.strip_prefix(&include).expect("it was found below");
                headers.push(name.to_owned());
            }
        }
    }
    headers.sort();
    headers
}
