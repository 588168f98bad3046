//! `kthreads shell`: the same kernel with a prompt.
//!
//! Each line runs as a task of its own. While the prompt waits the clock is held (see [`held`]).

mod held;
mod helper;

use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;
use std::{env, fs};

use kthreads_kernel::EnterError;
use kthreads_shell::syntax::{self, Script};
use kthreads_shell::{Ended, Stream};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor, ExternalPrinter};

use crate::args::{Log, MachineOptions};
use crate::interrupts::Interrupts;
use crate::objects::Prepared;
use crate::session::Session;
use crate::summary::summary;
use crate::{objects, parameters, status, supervisor};
use held::Held;
use helper::Helper;

const PROMPT: &str = "kthreads# ";
/// How many lines of history are kept.
const HISTORY_LINES: usize = 1000;
const SIGTERM: u32 = 15;

/// Does `kthreads shell`; returns the exit status.
pub(crate) fn shell(options: &MachineOptions) -> u8 {
    let modules = match objects::prepare(&options.modules) {
        Ok(modules) => modules,
        Err(error) => {
            eprintln!("kthreads: {error}");
            return status::NOT_LOADED;
        }
    };
    if let Err(error) = parameters::check(&modules) {
        eprintln!("kthreads: {error}");
        return status::USAGE;
    }
    supervisor::run(|| run_prompt(options, modules))
}

/// Runs a kernel with a prompt; returns the exit status.
fn run_prompt(options: &MachineOptions, modules: Vec<Prepared>) -> u8 {
    let (session, hold) = match Session::start(options, Log::Follow, modules) {
        Ok(started) => started,
        Err(error) => {
            eprintln!("kthreads: {error}");
            return status::NOT_LOADED;
        }
    };
    let interrupts = Interrupts::watch(&session);
    let held = Held::new(session.clone(), hold);
    let prompt = Prompt { session, interrupts, held };
    if prompt.load() {
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        if is_terminal { prompt.read_terminal() } else { prompt.read_input() }
    }
    prompt.end()
}

/// Says whether there is to be another line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Line,
    End,
}

struct Prompt {
    session: Arc<Session>,
    interrupts: Interrupts,
    held: Arc<Held>,
}

impl Prompt {
    fn load(&self) -> bool {
        self.entered(self.held.enter("sh", |cx, session| session.load(cx)))
            .is_some_and(|r| r.is_ok())
    }

    /// What came of entering the kernel; if nothing did, that is said.
    fn entered<R>(&self, result: Result<R, EnterError>) -> Option<R> {
        result.inspect_err(|error| self.session.died(error)).ok()
    }

    fn run(&self, script: &Script) -> Next {
        let ended = self.held.enter("sh", |cx, session| session.shell.run(cx, script));
        let Some(ended) = self.entered(ended) else {
            return if self.session.kernel.has_panicked() { Next::End } else { Next::Line };
        };
        match ended {
            Ended::Finished => Next::Line,
            Ended::Killed(_) => {
                self.session.console.write(Stream::Output, "\n");
                Next::Line
            }
            Ended::Exit(code) => {
                self.session.call_for(code as u8);
                Next::End
            }
        }
    }

    /// Reads commands from a terminal, with editing, history and completion.
    fn read_terminal(&self) {
        let mut editor = match self.editor() {
            Ok(editor) => editor,
            Err(error) => {
                self.session.tell(&format!("no line editing: {error}"));
                return self.read_input();
            }
        };
        let history = history_file();
        if let Some(file) = &history {
            // There is none the first time.
            let _ = editor.load_history(file);
        }
        loop {
            self.interrupts.reset();
            let line = self.session.console.at_prompt(|| editor.readline(PROMPT));
            let line = match line {
                Ok(line) => line,
                Err(ReadlineError::Interrupted) => continue,
                Err(ReadlineError::Eof) => break,
                Err(error) => {
                    self.session.tell(&format!("cannot read the terminal: {error}"));
                    break;
                }
            };
            // A history that cannot be kept is no reason not to run the line.
            let _ = editor.add_history_entry(&line);
            let next = match syntax::parse(&line) {
                Ok(script) => self.run(&script),
                Err(error) => {
                    self.session.console.write(Stream::Error, &format!("sh: {error}\n"));
                    Next::Line
                }
            };
            if next == Next::End {
                break;
            }
        }
        if let Some(file) = &history {
            let _ = editor.save_history(file);
        }
    }

    fn editor(&self) -> rustyline::Result<Editor<Helper, FileHistory>> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .history_ignore_space(true)
            .max_history_size(HISTORY_LINES)?
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Helper::new(self.held.clone())));
        if let Ok(mut printer) = editor.create_external_printer() {
            let print = move |text: String| {
                // Nobody is left to tell when the terminal is gone.
                let _ = printer.print(text);
            };
            self.session.console.set_printer(Box::new(print));
        }
        Ok(editor)
    }

    /// Reads commands from what is no terminal, as sh does: a line at a time, and as many more as
    /// its quotes need.
    fn read_input(&self) {
        let mut text = String::new();
        let mut lines = io::stdin().lock().lines();
        loop {
            let line = lines.next().and_then(Result::ok);
            let is_last = line.is_none();
            text.push_str(&line.unwrap_or_default());
            text.push('\n');
            match syntax::parse(&text) {
                Err(error) if error.is_incomplete() && !is_last => continue,
                Err(error) => {
                    self.session.tell(&error.to_string());
                    return self.session.call_for(status::USAGE);
                }
                Ok(script) => {
                    text.clear();
                    let next = self.run(&script);
                    if self.interrupts.happened() {
                        return self.session.call_for(status::INTERRUPTED);
                    }
                    if next == Next::End || is_last {
                        return;
                    }
                }
            }
        }
    }

    /// Unloads and sums up; returns the exit status.
    fn end(self) -> u8 {
        let status = self.held.enter("sh", |cx, session| {
            session.shell.attach(cx);
            session.shell.signal_jobs(cx, SIGTERM);
            session.unload(cx);
            cx.kernel.finish_log();
            session.console.write(Stream::Output, &summary(session, cx));
            session.status(cx)
        });
        let status = self.entered(status).unwrap_or(status::BUG);
        self.session.console.close(&self.session.kernel);
        status
    }
}

/// Where the history is kept: in the user's directory for state, if there is one.
fn history_file() -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(absolute);
    let home = || env::var_os("HOME").map(PathBuf::from).filter(absolute);
    let folder = state.or_else(|| Some(home()?.join(".local/state")))?.join("kthreads");
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}
