//! The bootable kernel for the pc.
//!
//! It loads modules from its initrd as its command line says, runs a script or takes lines from
//! the serial line, unloads and ends the machine with an exit status: what `kthreads run` and
//! `kthreads shell` do in a process. docs/boot.md says how to boot it.
#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

#[cfg(any(target_os = "none", test))]
mod arguments;
#[cfg(any(target_os = "none", test))]
mod files;

/// Declares what exists on bare metal alone.
macro_rules! bare_metal {
    ($($item:item)*) => { $(#[cfg(target_os = "none")] $item)* };
}

bare_metal! {
    mod bare;
    mod boot;
    mod console;
    mod inbox;
    mod last_words;
    mod library;
    mod lines;
    mod wire;
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!(
        "kthreads-image: this is a kernel for bare metal: build it with `cargo build --release \
         --target x86_64-unknown-none -p kthreads-image`, boot it with `kthreads boot`"
    );
    std::process::exit(2);
}
