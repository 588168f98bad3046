//! The life of a module: init, use, exit, and what can go wrong.

use kthreads_kernel::module::State;
use kthreads_kernel::{Cx, Errno};

use crate::common::{Rig, compile, has_thread, own};

fn state(rig: &Rig, name: &str) -> Option<State> {
    rig.kernel.enter(|cx| cx.kernel.find_module(name).map(|module| module.state()))
}

#[test]
fn counts_and_states_are_those_of_linux() {
    let rig = Rig::new(1);
    rig.insmod("init_result", "").unwrap();
    rig.expect("constructor");
    rig.expect("init 1 state 1");
    let count = rig.kernel.enter(|cx| cx.kernel.find_module("init_result").unwrap().refcount());
    assert_eq!((state(&rig, "init_result"), count), (Some(State::Live), 0));
    assert_eq!(rig.insmod("init_result", "").unwrap_err().errno(), Errno::EEXIST);
    rig.rmmod("init-result").unwrap();
    rig.expect("exit -1 state 2 get 0");
    assert_eq!(state(&rig, "init_result"), None);
    assert_eq!(rig.kernel.bug_count(), 0);
}

#[test]
fn an_error_of_init_unloads_without_exit() {
    let rig = Rig::new(1);
    assert_eq!(rig.insmod("init_result", "result=-5").unwrap_err().errno(), Errno::EIO);
    assert_eq!(state(&rig, "init_result"), None);
    rig.expect_no("exit");
    rig.insmod("init_result", "").unwrap();
}

#[test]
fn a_positive_result_of_init_is_suspicious() {
    let rig = Rig::new(1);
    rig.insmod("init_result", "result=3").unwrap();
    rig.expect(
        "do_init_module: 'init_result'->init suspiciously returned 3, it should follow 0/-E \
         convention",
    );
    rig.expect("do_init_module: loading module anyway...");
    assert_eq!(state(&rig, "init_result"), Some(State::Live));
    rig.rmmod("init_result").unwrap();
}

#[test]
fn init_must_leave_the_cpu_as_it_was() {
    let rig = Rig::new(1);
    rig.insmod("init_result", "atomic=1").unwrap();
    rig.expect_part("returned with preemption imbalance disabled interrupts ");
    assert_eq!(rig.kernel.bug_count(), 1);
    rig.sleep(10);
    rig.rmmod("init_result").unwrap();
}

#[test]
fn a_reference_keeps_a_module() {
    let rig = Rig::new(2);
    rig.insmod("holds", "").unwrap();
    assert_eq!(rig.rmmod("holds"), Err(Errno::EAGAIN));
    rig.sleep(10);
    rig.kill("holds", 15);
    rig.sleep(10);
    rig.rmmod("holds").unwrap();
    // The exit function put a reference that nobody had.
    rig.expect_part("module_put");
    assert_eq!(rig.kernel.bug_count(), 1);
}

#[test]
fn a_thread_that_stays_is_reported_and_ended() {
    let bytes = compile(&own("straggler.c"));
    for busy in ["busy=0", "busy=1"] {
        let rig = Rig::new(2);
        let (bugs, was_there, is_there) = rig.kernel.enter(|cx| {
            rig.load_here(cx, "straggler", &bytes, busy).unwrap();
            cx.kernel.msleep(cx, 100);
            rig.loader.rmmod(cx, "straggler").unwrap();
            let (bugs, was_there) = (cx.kernel.bug_count(), has_thread(cx, "forgotten"));
            cx.kernel.msleep(cx, 5000);
            (bugs, was_there, has_thread(cx, "forgotten"))
        });
        rig.expect_part("kthreads: thread forgotten (pid ");
        rig.expect_part(") still runs in module straggler which was unloaded");
        rig.expect_part("kthreads: at forgotten+0x");
        rig.expect("kthreads: forgotten is ended before the text of straggler goes; on Linux it would run freed memory");
        // A busy one may get so far while it still might leave by itself.
        assert!(rig.log().matches("forgotten goes on").count() < 2);
        assert_eq!((bugs, was_there, is_there), (1, false, false));
        assert_eq!((state(&rig, "straggler"), rig.kernel.bug_count()), (None, 1));
    }
}

#[test]
fn a_thread_that_is_on_its_way_out_is_not_reported() {
    let bytes = compile(&own("leaver.c"));
    for cpus in [1, 4] {
        let rig = Rig::new(cpus);
        for _ in 0..200 {
            rig.load("leaver", &bytes, "").unwrap();
            rig.rmmod("leaver").unwrap();
        }
        assert_eq!(rig.kernel.bug_count(), 0, "{}", rig.log());
    }
}

#[test]
fn two_of_one_name_wait_for_each_other() {
    let rig = Rig::new(2);
    let bytes = compile(&own("lender.c"));
    for (arguments, errno) in
        [("delay_ms=1000", Errno::EEXIST), ("delay_ms=1000 result=-5", Errno::EBUSY)]
    {
        let hold = rig.machine.hold_clock();
        std::thread::scope(|scope| {
            let first = scope.spawn(|| rig.load("lender", &bytes, arguments));
            rig.await_module("lender");
            assert_eq!(rig.rmmod("lender"), Err(Errno::EBUSY));
            let second = rig.kernel.enter(|cx| {
                drop(hold);
                rig.load_here(cx, "lender", &bytes, "")
            });
            assert_eq!(second.unwrap_err().errno(), errno);
            let _ = first.join().unwrap();
        });
        let _ = rig.rmmod("lender");
    }
}

#[test]
fn bytes_that_are_no_module_are_refused() {
    let rig = Rig::new(1);
    let error = rig.load("text", b"#!/bin/sh\n", "").unwrap_err();
    assert_eq!(error.errno(), Errno::ENOEXEC);
    assert!(error.to_string().contains("not an ELF object file"));
}

/// The line at so many bytes behind the beginning of a function of `lines`.
fn line_in_deeper(cx: &Cx<'_>, offset: usize) -> Option<String> {
    let image = cx.kernel.find_module("lines").unwrap().image().unwrap();
    let symbols = image.symbols();
    let deeper = symbols.iter().find(|symbol| symbol.name == "deeper").unwrap();
    let mut text = None;
    cx.kernel.with_symbol_line(deeper.address + offset, &mut |symbol| {
        text = symbol.line.map(str::to_owned);
    });
    text
}

#[test]
fn addresses_have_lines() {
    let rig = Rig::new(1);
    rig.insmod("lines", "").unwrap();
    let line = |offset: usize| rig.kernel.enter(|cx| line_in_deeper(cx, offset));
    assert_eq!(line(0).as_deref(), Some("lines.c:4"));
    // Behind the prologue comes the call.
    assert_eq!(line(4).as_deref(), Some("lines.c:5"));
    rig.expect_part("  deeper+0x");
    rig.expect_part("[lines] (lines.c:5)");
    rig.expect_part("[lines] (lines.c:11)");
    let image = rig.loader_image("lines");
    assert!(image.debug_sections().iter().any(|section| section.name == ".debug_line"));
}

/// As the reports of two CPUs that lock up together do.
#[test]
fn addresses_have_lines_for_all_who_ask_at_once() {
    let rig = Rig::new(4);
    rig.insmod("lines", "").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                rig.kernel.enter(|cx| {
                    for _ in 0..500 {
                        assert_eq!(line_in_deeper(cx, 0).as_deref(), Some("lines.c:4"));
                    }
                });
            });
        }
    });
}

#[test]
fn a_call_into_an_unloaded_module_is_explained() {
    let (rig, bytes) = (Rig::new(2), compile(&own("late_work.c")));
    rig.kernel.enter(|cx| {
        rig.load_here(cx, "late_work", &bytes, "").unwrap();
        rig.loader.rmmod(cx, "late_work").unwrap();
        cx.kernel.msleep(cx, 2000);
    });
    rig.expect_part("Oops: 0010 [#1]");
    rig.expect("kthreads: that is in module late_work, which was unloaded");
}

#[test]
fn an_unloaded_module_is_remembered_by_its_addresses() {
    let rig = Rig::new(1);
    rig.insmod("lines", "").unwrap();
    let base =
        rig.kernel.enter(|cx| cx.kernel.find_module("lines").unwrap().image().unwrap().base());
    let name = || rig.kernel.enter(|cx| cx.kernel.unloaded_module_at(base + 1));
    assert_eq!(name(), None);
    rig.rmmod("lines").unwrap();
    assert_eq!(name().as_deref(), Some("lines"));
}
