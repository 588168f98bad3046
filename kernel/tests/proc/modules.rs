//! Modules in /proc and /sys, and the functions that threads sleep in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kthreads_base::{Nanos, with_current};
use kthreads_kernel::module::{Image, ImageSymbol, Module, NewModule, Parameter, State};
use kthreads_kernel::proc::{EntryKind, WaitsIn};
use kthreads_kernel::report::TAINT_OUT_OF_TREE;
use kthreads_kernel::task::Task;
use kthreads_kernel::task::state::*;
use kthreads_kernel::wait::Completion;
use kthreads_kernel::{Cx, Errno, Kernel};

use crate::{boot, read, run, sleeping, until_stopped, write};

/// A function that a test's module is said to consist of.
extern "C" fn module_waits(data: usize) -> i32 {
    let code = with_current(|kernel: &Kernel, _| {
        let cx = kernel.cx();
        match data {
            0 => kernel.wait_for_completion(&cx, &Completion::new()),
            1 => kernel.msleep(&cx, 1_000_000),
            _ => {
                let _ = kernel.sleep_for(&cx, Nanos(1_000_000_000_000), TASK_UNINTERRUPTIBLE);
            }
        }
        7
    });
    // Not the last thing called, so that this function's frame stays.
    std::hint::black_box(code) + 1
}

/// How much of the text behind the function's beginning counts as the module.
const TEXT_BYTES: usize = 1024;

struct TestImage;

impl Image for TestImage {
    fn base(&self) -> usize {
        module_waits as *const () as usize
    }
    fn size(&self) -> usize {
        16384
    }
    fn contains(&self, address: usize) -> bool {
        (self.base()..self.base() + TEXT_BYTES).contains(&address)
    }
    fn contains_text(&self, address: usize) -> bool {
        self.contains(address)
    }
    fn symbolize(&self, address: usize, found: &mut dyn FnMut(&str, usize, usize)) -> bool {
        let offset = address.wrapping_sub(self.base());
        let inside = offset < TEXT_BYTES;
        if inside {
            found("module_waits", offset, TEXT_BYTES);
        }
        inside
    }
    fn symbols(&self) -> Vec<ImageSymbol> {
        vec![ImageSymbol { address: self.base(), letter: 't', name: "module_waits".into() }]
    }
}

struct TestParameter {
    name: &'static str,
    permissions: u16,
    value: AtomicU32,
}

impl Parameter for TestParameter {
    fn name(&self) -> &str {
        self.name
    }
    fn permissions(&self) -> u16 {
        self.permissions
    }
    fn get(&self) -> Result<String, Errno> {
        Ok(self.value.load(Ordering::Relaxed).to_string())
    }
    fn set(&self, value: &str) -> Result<(), Errno> {
        let number = value.trim_end_matches('\n').parse().map_err(|_| Errno::EINVAL)?;
        self.value.store(number, Ordering::Relaxed);
        Ok(())
    }
}

fn parameter(name: &'static str, permissions: u16) -> Box<dyn Parameter> {
    Box::new(TestParameter { name, permissions, value: AtomicU32::new(3) })
}

fn load(cx: &Cx<'_>, name: &str, taints: u64) -> Arc<Module> {
    let parameters = vec![
        parameter("level", 0o644),
        parameter("ro", 0o444),
        parameter("wo", 0o200),
        parameter("secret", 0),
    ];
    let new = NewModule {
        name: name.into(),
        parameters,
        can_be_unloaded: true,
        taints: u32::try_from(taints).unwrap(),
    };
    let module = Arc::new(Module::new(new));
    module.set_image(Some(Arc::new(TestImage)));
    cx.kernel.add_module(module.clone()).unwrap();
    module
}

#[test]
fn modules_show_as_on_linux() {
    boot(1).enter(|cx| {
        let base = TestImage.base();
        let clean = load(cx, "clean", 0);
        assert_eq!(read(cx, "/proc/modules"), format!("clean 16384 1 - Loading 0x{base:016x}\n"));
        assert_eq!(read(cx, "/sys/module/clean/initstate"), "coming\n");
        clean.set_state(State::Live);
        clean.put();
        clean.add_user("wch");
        clean.add_user("other");
        let tainted = load(cx, "wch", TAINT_OUT_OF_TREE);
        tainted.set_state(State::Live);
        tainted.put();
        let expected = format!(
            "wch 16384 0 - Live 0x{base:016x} (O)\nclean 16384 2 wch,other, Live 0x{base:016x}\n"
        );
        assert_eq!(read(cx, "/proc/modules"), expected);
        let files =
            [("refcnt", "0\n"), ("initstate", "live\n"), ("taint", "O\n"), ("coresize", "16384\n")];
        for (file, text) in files {
            assert_eq!(read(cx, &format!("/sys/module/wch/{file}")), text);
        }
        assert_eq!(read(cx, "/sys/module/clean/taint"), "\n");
        tainted.try_stop().unwrap();
        let line = format!("wch 16384 -1 - Unloading 0x{base:016x} (O-)\n");
        assert!(read(cx, "/proc/modules").starts_with(&line));
        assert_eq!(write(cx, "/sys/module/wch/refcnt", "1\n"), Err(Errno::EACCES));
        let symbol = format!("{base:016x} t module_waits\t[wch]\n");
        assert!(read(cx, "/proc/kallsyms").contains(&symbol));
    });
}

#[test]
fn parameters_keep_their_permissions() {
    boot(1).enter(|cx| {
        load(cx, "wch", 0);
        let path = |name| format!("/sys/module/wch/parameters/{name}");
        assert_eq!(read(cx, &path("level")), "3\n");
        assert_eq!(write(cx, &path("level"), "77\n"), Ok(3));
        assert_eq!(read(cx, &path("level")), "77\n");
        assert_eq!(write(cx, &path("level"), "bad\n"), Err(Errno::EINVAL));
        assert_eq!(write(cx, &path("ro"), "1\n"), Err(Errno::EACCES));
        assert_eq!(cx.kernel.proc_read(cx, &path("wo")), Err(Errno::EACCES));
        assert_eq!(write(cx, &path("wo"), "1\n"), Ok(2));
        assert_eq!(cx.kernel.proc_read(cx, &path("secret")), Err(Errno::ENOENT));
        assert_eq!(write(cx, &path("secret"), "1\n"), Err(Errno::EACCES));
    });
}

#[test]
fn wchan_is_the_module_or_the_function_it_sleeps_in() {
    let kernel = boot(2);
    kernel.enter(|cx| {
        load(cx, "wch", 0);
        let node = kthreads_kernel::kthread::Node::ANY;
        for (data, place) in ["module_waits", "msleep", "module_waits"].into_iter().enumerate() {
            let made = cx.kernel.kthread_create_on_node(cx, module_waits, data, node, "t");
            let task = made.expect("a thread");
            let file = |name| read(cx, &format!("/proc/{}/{name}", task.pid()));
            assert_eq!((file("wchan"), file("stack")), ("kthread".into(), String::new()));
            cx.kernel.wake_up_process(task);
            sleeping(cx, task);
            while file("wchan") == "kthread" {
                sleeping(cx, task);
            }
            assert_eq!(file("wchan"), place);
            let stack = file("stack");
            let first = stack.lines().next().expect("a frame of the module");
            assert!(first.starts_with("[<0>] module_waits+0x"), "{stack}");
            assert!(first.ends_with(&format!("/{TEXT_BYTES:#x} [wch]")), "{stack}");
        }
        let worker = run(cx, "worker", |cx| {
            let _waits = cx.waits_in(WaitsIn::KthreadWorkerFn);
            until_stopped(cx)
        });
        sleeping(cx, worker);
        let parked = run(cx, "parked", |cx| {
            cx.kernel.kthread_parkme(cx);
            until_stopped(cx)
        });
        cx.kernel.kthread_park(cx, parked).unwrap();
        let file = |task: &Task, name| read(cx, &format!("/proc/{}/{name}", task.pid()));
        assert_eq!(file(worker, "wchan"), "kthread_worker_fn");
        assert_eq!(file(parked, "wchan"), "__kthread_parkme");
        assert!(file(parked, "status").contains("State:\tP (parked)\n"));
        cx.kernel.kthread_stop(cx, worker);
        cx.kernel.kthread_stop(cx, parked);
    });
}

#[test]
fn a_stopper_shows_where_it_waits() {
    boot(1).enter(|cx| {
        let stubborn = run(cx, "stubborn", |cx| {
            cx.kernel.msleep(cx, 5_000);
            0
        });
        let id = stubborn.id();
        let stopper = run(cx, "stopper", move |cx| {
            let task = cx.kernel.task_by_id(id).expect("it sleeps");
            cx.kernel.kthread_stop(cx, task)
        });
        cx.kernel.msleep(cx, 1_000);
        assert_eq!(read(cx, &format!("/proc/{}/wchan", stopper.pid())), "kthread_stop");
        assert_eq!(read(cx, &format!("/proc/{}/wchan", stubborn.pid())), "msleep");
        cx.kernel.msleep(cx, 10_000);
    });
}

#[test]
fn directories_list_what_can_be_read() {
    fn visit(cx: &Cx<'_>, path: &str, files: &mut Vec<String>) {
        for entry in cx.kernel.proc_list(cx, path).expect("a directory") {
            let child = format!("{path}/{}", entry.name);
            match entry.kind {
                EntryKind::File => files.push(child),
                EntryKind::Directory if path.ends_with("task") => {}
                EntryKind::Directory => visit(cx, &child, files),
            }
        }
    }
    boot(1).enter(|cx| {
        load(cx, "wch", 0);
        let mut files = Vec::new();
        for top in ["/proc", "/sys"] {
            visit(cx, top, &mut files);
        }
        for file in &files {
            let text = cx.kernel.proc_read(cx, file);
            let closed = match file.as_str() {
                file if file.ends_with("/wo") => Some(Errno::EACCES),
                "/proc/sysrq-trigger" => Some(Errno::EIO),
                _ => None,
            };
            assert_eq!(text.err(), closed, "{file}");
        }
        for file in ["/proc/2/status", "/proc/self/stat", "/sys/module/wch/parameters/level"] {
            assert!(files.iter().any(|found| found == file), "{file}");
        }
        assert!(!files.iter().any(|file| file.ends_with("secret")));
        assert_eq!(cx.kernel.proc_list(cx, "/proc/uptime"), Err(Errno::ENOTDIR));
        let root = cx.kernel.proc_list(cx, "/").unwrap();
        assert_eq!(root.iter().map(|entry| &*entry.name).collect::<Vec<_>>(), ["proc", "sys"]);
    });
}
