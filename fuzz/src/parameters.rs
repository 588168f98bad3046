//! The words that follow a module, read and set as `insmod` does.
//!
//! `PARAMETERS_MODULE` names a module with a parameter of each type (`cargo xtask fuzz` builds it);
//! without it the words are only read.

use std::sync::OnceLock;
use std::{env, fs};

use kthreads_capi::module::{Argument, ModuleFile, ModuleLoader};
use kthreads_host::{HostConfig, HostMachine};
use kthreads_kernel::{Booted, Config, Kernel};

/// A kernel to load the module into.
struct Rig {
    kernel: Booted,
    loader: ModuleLoader,
    module: Vec<u8>,
}

fn rig() -> Option<&'static Rig> {
    static RIG: OnceLock<Option<Rig>> = OnceLock::new();
    RIG.get_or_init(|| {
        let module = fs::read(env::var_os("PARAMETERS_MODULE")?).expect("the module can be read");
        let config = HostConfig { cpus: 1, ..HostConfig::default() };
        let machine = HostMachine::new(config).expect("a machine");
        let kernel = Kernel::boot(machine, Config::default()).expect("a kernel");
        let loader = kernel.enter(ModuleLoader::new);
        Some(Rig { kernel, loader, module })
    })
    .as_ref()
}

/// Takes a line of parameters.
pub fn run(data: &[u8]) {
    let line = String::from_utf8_lossy(data);
    let arguments = Argument::split(&line);
    for argument in &arguments {
        assert!(argument.name.len() <= line.len());
    }
    let Some(Rig { kernel, loader, module }) = rig() else { return };
    let name = "all_params";
    kernel.enter(|cx| {
        let file = ModuleFile { name, bytes: module };
        if loader.insmod(cx, &file, &arguments).is_err() {
            return;
        }
        let folder = format!("/sys/module/{name}/parameters");
        for entry in cx.kernel.proc_list(cx, &folder).unwrap_or_default() {
            let _ = cx.kernel.proc_read(cx, &format!("{folder}/{}", entry.name));
        }
        loader.rmmod(cx, name).expect("it can be unloaded");
    });
}
