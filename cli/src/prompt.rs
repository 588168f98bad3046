//! The prompt: lines from a terminal, with editing, history and completion, or from a file.

mod helper;
mod kernel_here;

use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;
use std::rc::Rc;
use std::{env, fs};

use kthreads_session::Next;
use kthreads_shell::Stream;
use kthreads_shell::syntax;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor, ExternalPrinter};

use crate::console::AbovePrompt;
use crate::status;
use helper::Helper;
pub(crate) use kernel_here::shell;

const PROMPT: &str = "kthreads# ";
/// How many lines of history are kept.
const HISTORY_LINES: usize = 1000;

/// Is a kernel that takes lines, wherever it runs.
pub(crate) trait Kernel {
    /// Runs a line or more, which have no syntax errors.
    fn run(&self, text: &str) -> Next;

    /// All that could stand where `word` begins, behind the command's name.
    fn candidates(&self, command: &str, word: &str) -> Vec<String>;

    /// Prints something about a line, as its commands do.
    fn write(&self, stream: Stream, text: &str);

    /// Says something about the run itself.
    fn tell(&self, text: &str);

    /// Notes what calls for an exit status; the first such call counts.
    fn call_for(&self, status: u8);

    /// Whether Ctrl-C was pressed since the last line of a terminal.
    fn is_interrupted(&self) -> bool;

    /// Forgets that.
    fn reset_interrupts(&self);

    /// Calls `read`, which shows a prompt; log lines go above it meanwhile.
    fn at_prompt(&self, read: &mut dyn FnMut());

    /// Tells how to print above the prompt.
    fn set_printer(&self, printer: AbovePrompt);
}

/// Reads lines and has them run until there are no more.
pub(crate) fn read(kernel: &Rc<dyn Kernel>) {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return read_terminal(kernel);
    }
    read_input(&**kernel);
}

/// Reads commands from a terminal.
fn read_terminal(kernel: &Rc<dyn Kernel>) {
    let mut editor = match editor(kernel) {
        Ok(editor) => editor,
        Err(error) => {
            kernel.tell(&format!("no line editing: {error}"));
            return read_input(&**kernel);
        }
    };
    let history = history_file();
    if let Some(file) = &history {
        // There is none the first time.
        let _ = editor.load_history(file);
    }
    while let Some(line) = next_line(&**kernel, &mut editor) {
        let next = match syntax::parse(&line) {
            Ok(_) => kernel.run(&line),
            Err(error) => {
                kernel.write(Stream::Error, &format!("sh: {error}\n"));
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

/// Reads a line; none at the end of the input.
fn next_line(kernel: &dyn Kernel, editor: &mut Editor<Helper, FileHistory>) -> Option<String> {
    loop {
        kernel.reset_interrupts();
        let mut line = Err(ReadlineError::Eof);
        kernel.at_prompt(&mut || line = editor.readline(PROMPT));
        match line {
            Ok(line) => {
                // A history that cannot be kept is no reason not to run the line.
                let _ = editor.add_history_entry(&line);
                return Some(line);
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => return None,
            Err(error) => {
                kernel.tell(&format!("cannot read the terminal: {error}"));
                return None;
            }
        }
    }
}

fn editor(kernel: &Rc<dyn Kernel>) -> rustyline::Result<Editor<Helper, FileHistory>> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .history_ignore_space(true)
        .max_history_size(HISTORY_LINES)?
        .build();
    let mut editor = Editor::with_config(config)?;
    editor.set_helper(Some(Helper::new(kernel.clone())));
    if let Ok(mut printer) = editor.create_external_printer() {
        let print = move |text: String| {
            // Nobody is left to tell when the terminal is gone.
            let _ = printer.print(text);
        };
        kernel.set_printer(Box::new(print));
    }
    Ok(editor)
}

/// Reads commands from what is no terminal, as sh does: a line at a time, and as many more as its
/// quotes need.
fn read_input(kernel: &dyn Kernel) {
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
                kernel.tell(&error.to_string());
                return kernel.call_for(status::USAGE);
            }
            Ok(_) => {
                let next = kernel.run(&text);
                text.clear();
                if kernel.is_interrupted() {
                    return kernel.call_for(status::INTERRUPTED);
                }
                if next == Next::End || is_last {
                    return;
                }
            }
        }
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
