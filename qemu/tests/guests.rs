//! Small guests that end in all the ways that guests end. They need QEMU and gcc: where one is
//! not installed there is nothing to check, and that is said.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kthreads_qemu::{End, Guest, Options, Outcome};
use tempfile::TempDir;

/// What every guest begins with: the note by which QEMU knows where to start it, in 32-bit mode.
const HEAD: &str = r#"
.section .note.pvh, "a", @note
.align 4
.long 4, 8, 18
.asciz "Xen"
.quad start
.text
.code32
.globl start
start:
"#;

/// Writes `ok` and a newline to the serial line.
const GREET: &str = r#"
    mov $0x3f8, %edx
    mov $'o', %al
    out %al, %dx
    mov $'k', %al
    out %al, %dx
    mov $'\n', %al
    out %al, %dx
"#;

/// Writes back what it reads, until that is `.`.
const ECHO: &str = r#"
1:  mov $0x3fd, %edx
    in %dx, %al
    test $1, %al
    jz 1b
    mov $0x3f8, %edx
    in %dx, %al
    out %al, %dx
    cmp $'.', %al
    jne 1b
"#;

const EXIT_5: &str = "mov $5, %eax\n mov $0xf4, %edx\n out %eax, %dx\n";
const REST: &str = "1: cli\n hlt\n jmp 1b\n";
/// No interrupt can be taken without a table, nor the fault of that, nor the fault of that.
const TRIPLE_FAULT: &str = "lidt 1f\n int3\n 1: .word 0\n .long 0\n";

struct Program {
    folder: TempDir,
}

impl Program {
    /// Assembles a guest; none if a tool is missing.
    fn new(parts: &[&str]) -> Option<Program> {
        for tool in ["qemu-system-x86_64", "gcc"] {
            if Command::new(tool).arg("--version").stdout(Stdio::null()).status().is_err() {
                eprintln!("not checked: {tool} is not installed");
                return None;
            }
        }
        let folder = tempfile::tempdir().expect("a directory");
        let source = folder.path().join("guest.S");
        std::fs::write(&source, format!("{HEAD}{}", parts.concat())).expect("a file");
        let mut gcc = Command::new("gcc");
        gcc.args(["-m64", "-nostdlib", "-static", "-Wl,--build-id=none,-Ttext=0x100000,-estart"]);
        let status = gcc.arg("-o").arg(folder.path().join("guest")).arg(&source).status();
        assert!(status.expect("gcc").success());
        Some(Program { folder })
    }

    fn options(&self) -> Options {
        let image = self.folder.path().join("guest");
        Options { limit: Some(Duration::from_secs(60)), ..Options::new(image) }
    }
}

/// Runs a guest; returns what it wrote, too.
fn run(options: &Options) -> (Outcome, String) {
    let mut text = Vec::new();
    let guest = Guest::start(options).expect("QEMU starts");
    let outcome = guest.run(&mut |bytes| text.extend_from_slice(bytes));
    (outcome, String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn a_status_is_told() {
    let Some(program) = Program::new(&[GREET, EXIT_5]) else { return };
    let (outcome, text) = run(&program.options());
    assert_eq!((outcome.end, &text[..]), (End::Status(5), "ok\n"), "{}", outcome.messages);
}

#[test]
fn a_triple_fault_has_no_status() {
    let Some(program) = Program::new(&[GREET, TRIPLE_FAULT]) else { return };
    let (outcome, text) = run(&program.options());
    assert_eq!((&outcome.end, &text[..]), (&End::NoStatus, "ok\n"), "{outcome}");
    assert!(outcome.to_string().contains("triple fault"), "{outcome}");
}

#[test]
fn silence_is_told() {
    let Some(program) = Program::new(&[REST]) else { return };
    let silence = Duration::from_secs(1);
    let (outcome, text) = run(&Options { silence: Some(silence), ..program.options() });
    assert_eq!((&outcome.end, &text[..]), (&End::Silent(silence), ""), "{outcome}");
}

#[test]
fn a_guest_may_not_run_longer_than_it_may() {
    let Some(program) = Program::new(&[GREET, REST]) else { return };
    let limit = Duration::from_secs(4);
    let (outcome, text) = run(&Options { limit: Some(limit), ..program.options() });
    assert_eq!((&outcome.end, &text[..]), (&End::TooLong(limit), "ok\n"), "{outcome}");
}

#[test]
fn input_arrives_and_a_guest_can_be_stopped() {
    let Some(program) = Program::new(&[GREET, ECHO, REST]) else { return };
    let guest = Guest::start(&program.options()).expect("QEMU starts");
    guest.input().send(b"a long line of text that no buffer of the device holds.").expect("sent");
    let stopper = guest.stopper();
    let mut text = Vec::new();
    let outcome = guest.run(&mut |bytes| {
        text.extend_from_slice(bytes);
        if text.contains(&b'.') {
            stopper.stop();
        }
    });
    let text = String::from_utf8_lossy(&text);
    assert_eq!(outcome.end, End::Stopped, "{outcome}");
    assert_eq!(text, "ok\na long line of text that no buffer of the device holds.");
}

#[test]
fn what_is_no_kernel_is_refused_in_qemus_words() {
    let Some(_) = Program::new(&[REST]) else { return };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let (outcome, text) = run(&Options::new(file));
    assert_eq!((&outcome.end, &text[..]), (&End::Failed(1), ""), "{outcome}");
    assert!(!outcome.messages.is_empty());
}

#[test]
fn a_guest_that_is_dropped_is_gone() {
    let Some(program) = Program::new(&[REST]) else { return };
    let started = Instant::now();
    let mark = program.folder.path().display().to_string();
    drop(Guest::start(&program.options()).expect("QEMU starts"));
    let is_there = |path: PathBuf| {
        std::fs::read(path.join("cmdline"))
            .is_ok_and(|text| String::from_utf8_lossy(&text).contains(&mark))
    };
    let mut processes = Path::new("/proc").read_dir().expect("processes").flatten();
    assert!(!processes.any(|process| is_there(process.path())));
    assert!(started.elapsed() < Duration::from_secs(20));
}
