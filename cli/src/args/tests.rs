//! Tests of the command line.

use super::*;

/// Parses a command line, split at blanks; an error as the user sees it, with its exit status.
fn parsed(line: &str) -> Result<Command, (i32, String)> {
    let words = line.split_whitespace();
    let shown = |error: clap::Error| (error.exit_code(), error.render().to_string());
    let cli = Cli::try_parse_from(words).map_err(shown)?;
    let name = cli.command.name();
    checked(cli).map_err(|error| shown(usage(name, &error)))
}

/// What `kthreads run` does not know.
const BOOT_ONLY: &str =
    "--memory 64 --icount --gdb --append panic_on_oops=1 --append cpus=2 --image k";

fn run(line: &str) -> RunCommand {
    match parsed(line) {
        Ok(Command::Run(run)) => run,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn clap_finds_no_fault_in_the_definitions() {
    Cli::command().debug_assert();
}

#[test]
fn run_with_everything() {
    let line = "kthreads run a.c x=1 b.ko --cpus 4 --fast-forward --for 1.5 --script ps --quiet";
    let command = run(line);
    assert_eq!(command.machine.modules.len(), 2);
    assert_eq!(command.machine.modules[0].parameters, ["x=1"]);
    assert_eq!(command.machine.cpus.get(), 4);
    assert_eq!(command.machine.clock, Clock::FastForward);
    assert_eq!(command.limit, Some(Duration::from_millis(1_500)));
    assert_eq!(command.script, Some(ScriptSource::Text("ps".into())));
    assert_eq!(command.show, Show::Nothing);
}

#[test]
fn run_with_nothing() {
    let command = run("kthreads run");
    assert!(command.machine.modules.is_empty());
    assert!((1..=MOST_CPUS).contains(&command.machine.cpus.get()));
    assert_eq!(command.machine.clock, Clock::Real);
    assert_eq!((command.limit, command.script, command.show), (None, None, Show::Log));
}

#[test]
fn options_may_stand_between_modules() {
    let command = run("kthreads run a.c --cpus 1 x=1 --script-file f b.c");
    assert_eq!(command.machine.modules[0].parameters, ["x=1"]);
    assert_eq!(command.machine.modules[1].path, PathBuf::from("b.c"));
    assert_eq!(command.script, Some(ScriptSource::File("f".into())));
}

#[test]
fn shell_and_build() {
    let Ok(Command::Shell(machine)) = parsed("kthreads shell a.c --fast-forward --cpus 64") else {
        panic!("the shell needs no end of time");
    };
    assert_eq!((machine.cpus.get(), machine.clock), (64, Clock::FastForward));
    let built = |files: &[&str], output: Option<&str>| {
        let files = files.iter().map(PathBuf::from).collect();
        Ok(Command::Build(BuildCommand { files, output: output.map(PathBuf::from) }))
    };
    assert_eq!(parsed("kthreads build a.c"), built(&["a.c"], None));
    assert_eq!(parsed("kthreads build a.c b.c -o x.ko"), built(&["a.c", "b.c"], Some("x.ko")));
}

#[test]
fn boot_with_everything() {
    let line = "kthreads boot a.c x=1 --cpus 4 --memory 64 --icount --gdb --append panic_on_oops=1 \
                --append cpus=2 --image k --script ps --fast-forward --quiet";
    let Ok(Command::Boot(command)) = parsed(line) else { panic!("a right line") };
    assert_eq!(command.run, run(&line.replace("boot", "run").replace(BOOT_ONLY, "")));
    assert_eq!((command.memory_mib, command.start), (64, Start::ByDebugger));
    assert_eq!(command.pace, kthreads_qemu::Pace::Instructions);
    assert_eq!(command.append, ["panic_on_oops=1", "cpus=2"]);
    assert_eq!(command.image, Some(PathBuf::from("k")));
}

#[test]
fn boot_with_nothing() {
    let Ok(Command::Boot(command)) = parsed("kthreads boot --fast-forward") else {
        panic!("a prompt may say when to end");
    };
    assert_eq!((command.memory_mib, command.start), (256, Start::AtOnce));
    assert_eq!(command.pace, kthreads_qemu::Pace::Free);
    assert!(command.append.is_empty() && command.image.is_none());
}

#[test]
fn usage_errors_say_what_to_do_and_exit_with_2() {
    let cases = [
        ("kthreads run x=1 a.c", "'x=1' is a parameter, but no module stands before it"),
        ("kthreads run a.c --fast-forward", "add --for SECONDS, or --script"),
        ("kthreads run --cpus 0", "write a number from 1 to 64"),
        ("kthreads run --cpus 65", "write a number from 1 to 64"),
        ("kthreads run --for soon", "invalid time interval 'soon'"),
        ("kthreads run --script a --script-file b", "cannot be used with"),
        ("kthreads boot --memory 1", "32"),
        ("kthreads boot --append=--", "would end the kernel's options"),
        ("kthreads build", "required"),
        ("kthreads build a.c b.c", "name it with -o NAME.ko"),
        ("kthreads build a.c -o a.o", "write -o a.ko"),
        ("kthreads build a.c src", "sources and directories cannot make one module"),
        ("kthreads frobnicate", "unrecognized subcommand"),
    ];
    for (line, expected) in cases {
        let (status, text) = parsed(line).unwrap_err();
        assert_eq!(status, 2, "{line}: {text}");
        assert!(text.contains(expected), "{line}: {text}");
    }
}

#[test]
fn every_help_has_examples() {
    for line in ["kthreads", "kthreads run", "kthreads boot", "kthreads shell", "kthreads build"] {
        let (status, text) = parsed(&format!("{line} --help")).unwrap_err();
        assert_eq!(status, 0, "{line}");
        assert!(text.contains("\nExamples:\n"), "{line}: {text}");
    }
}
