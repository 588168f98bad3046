//! Symbols: of the kernel, of other modules, and those that are nowhere.

use kthreads_capi::module::{InsmodError, Why};
use kthreads_host::ClockHold;
use kthreads_kernel::Errno;
use kthreads_kernel::module::State;

use crate::common::{Rig, compile, own};

fn users(rig: &Rig, name: &str) -> (i32, Vec<String>) {
    rig.kernel.enter(|cx| {
        let module = cx.kernel.find_module(name).unwrap();
        (module.refcount(), module.users())
    })
}

#[test]
fn a_module_uses_another() {
    let rig = Rig::new(2);
    let error = rig.insmod("borrower", "").unwrap_err();
    assert_eq!(error.errno(), Errno::ENOENT);
    rig.expect("borrower: Unknown symbol lend (err -2)");
    rig.expect("borrower: Unknown symbol lent_number (err -2)");

    rig.insmod("lender", "").unwrap();
    rig.insmod("borrower", "").unwrap();
    rig.expect("borrowed 42");
    assert_eq!(users(&rig, "lender"), (1, vec!["borrower".to_owned()]));
    assert_eq!(rig.rmmod("lender"), Err(Errno::EAGAIN));
    rig.rmmod("borrower").unwrap();
    assert_eq!(users(&rig, "lender"), (0, vec![]));
    rig.rmmod("lender").unwrap();
    assert_eq!(rig.rmmod("lender"), Err(Errno::ENOENT));
}

/// Loads borrower; time goes on once that has begun.
fn after(hold: ClockHold, rig: &Rig) -> Result<(), InsmodError> {
    let bytes = compile(&own("borrower.c"));
    rig.kernel.enter(|cx| {
        drop(hold);
        rig.load_here(cx, "borrower", &bytes, "")
    })
}

#[test]
fn a_symbol_is_waited_for_while_its_module_starts() {
    let (rig, bytes) = (Rig::new(2), compile(&own("lender.c")));
    let hold = rig.machine.hold_clock();
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| rig.load("lender", &bytes, "delay_ms=2000"));
        rig.await_module("lender");
        after(hold, &rig).unwrap();
        slow.join().unwrap().unwrap();
    });
    rig.expect("borrowed 42");
}

#[test]
fn a_symbol_of_a_module_that_fails_is_not_there() {
    let (rig, bytes) = (Rig::new(2), compile(&own("lender.c")));
    let hold = rig.machine.hold_clock();
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| rig.load("lender", &bytes, "delay_ms=2000 result=-5"));
        rig.await_module("lender");
        let Err(InsmodError::Symbols(symbols)) = after(hold, &rig) else {
            panic!("it must not load");
        };
        assert!(symbols.iter().any(|symbol| symbol.name == "lend"));
        assert_eq!(slow.join().unwrap().unwrap_err().errno(), Errno::EIO);
    });
    assert!(rig.kernel.enter(|cx| cx.kernel.modules().is_empty()));
}

#[test]
fn no_symbol_is_exported_twice() {
    let rig = Rig::new(1);
    rig.insmod("lender", "").unwrap();
    let bytes = compile(&own("lender.c"));
    let error = rig.load("other-lender", &bytes, "").unwrap_err();
    assert!(matches!(error, InsmodError::DuplicateSymbol { .. }), "{error}");
    assert_eq!(error.errno(), Errno::ENOEXEC);
    rig.expect_part("other_lender: exports duplicate symbol ");
    rig.expect_part(" (owned by lender)");
    assert_eq!(rig.kernel.enter(|cx| cx.kernel.modules().len()), 1);
}

#[test]
fn undefined_symbols_are_all_named_with_what_may_be_meant() {
    let rig = Rig::new(1);
    let error = rig.insmod("undefined", "").unwrap_err();
    assert_eq!(error.errno(), Errno::ENOENT);
    let InsmodError::Symbols(symbols) = &error else { panic!("{error}") };
    let why = |name: &str| &symbols.iter().find(|symbol| symbol.name == name).unwrap().why;
    assert_eq!(symbols.len(), 3);
    assert_eq!(why("kthread_stopp"), &Why::Nearest("kthread_stop".into()));
    assert_eq!(why("alloc_workqueue"), &Why::NotSupported("workqueues are"));
    assert_eq!(why("frobnicate_the_gizmo"), &Why::Unknown);
    let text = error.to_string();
    assert!(text.contains("kthread_stopp: no such symbol; did you mean kthread_stop?"), "{text}");
    assert!(text.contains("alloc_workqueue: workqueues are not supported yet"), "{text}");
    rig.expect("undefined: Unknown symbol frobnicate_the_gizmo (err -2)");
}

#[test]
fn gpl_only_symbols_are_not_for_every_module() {
    let rig = Rig::new(1);
    rig.insmod("lender", "").unwrap();
    rig.expect("lender: loading out-of-tree module taints kernel.");
    let error = rig.insmod("proprietary", "").unwrap_err();
    assert_eq!(error.errno(), Errno::ENOENT);
    for symbol in ["kthread_park", "lend_gpl"] {
        rig.expect(&format!("proprietary: Unknown symbol {symbol} (err -2)"));
        rig.expect(&format!(
            "kthreads: GPL-incompatible module proprietary uses GPL-only symbol '{symbol}'"
        ));
    }
    rig.expect("proprietary: module license 'All mine' taints kernel.");
    rig.expect("Disabling lock debugging due to kernel taint");
    rig.expect_no("proprietary: loading out-of-tree");
    rig.insmod("unlicensed", "").unwrap();
    rig.expect_no("unlicensed: module license");
    let taints = rig.kernel.enter(|cx| {
        ["lender", "unlicensed"].map(|name| cx.kernel.find_module(name).unwrap().taint_letters())
    });
    assert_eq!(taints, ["O", "PO"]);
    assert_eq!(rig.rmmod("unlicensed"), Err(Errno::EBUSY), "it has no exit function");
    let state = rig.kernel.enter(|cx| cx.kernel.find_module("unlicensed").unwrap().state());
    assert_eq!(state, State::Live);
}

#[test]
fn what_is_missing_a_licence_says_so() {
    let rig = Rig::new(1);
    rig.insmod("unlicensed", "").unwrap();
    rig.expect("unlicensed: module license 'unspecified' taints kernel.");
}

#[test]
fn each_cpu_has_its_own_variables() {
    for cpus in [1, 4] {
        let rig = Rig::new(cpus);
        for _ in 0..2 {
            rig.insmod("per_cpu", "").unwrap();
            let cpus = u64::from(cpus);
            let indices = cpus * (cpus - 1) / 2;
            let sum = 5 * cpus + indices + 1 + indices + 100 * cpus + indices;
            rig.expect_part(&format!(
                "cpus {cpus} zeroes {cpus} sum {sum} aligned 1 symbol counter+0x0/"
            ));
            rig.rmmod("per_cpu").unwrap();
        }
    }
}

#[test]
fn kernel_symbols_have_names() {
    let rig = Rig::new(1);
    let symbols = rig.kernel.enter(|cx| cx.kernel.kernel_symbols().unwrap().symbols());
    for (letter, name) in [('T', "kthread_stop"), ('D', "jiffies"), ('D', "param_ops_int")] {
        assert!(symbols.iter().any(|s| s.letter == letter && s.name == name), "{name}");
    }
}

/// Every export that the headers rely on is there: `exports.txt` is the list.
#[test]
fn all_that_headers_declare_is_exported() {
    let rig = Rig::new(1);
    let list = include_str!("../../exports.txt");
    let names = list.lines().filter(|line| !line.starts_with('#'));
    let names = names.filter_map(|line| line.split('\t').next()).filter(|name| !name.is_empty());
    let missing: Vec<&str> = names
        .filter(|name| *name != "__this_module" && rig.loader.export(name).is_none())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
