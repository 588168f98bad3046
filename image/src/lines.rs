//! Lines from the serial line, one after the other.

use alloc::format;
use alloc::string::String;
use core::sync::atomic::Ordering;

use kthreads_pc::ClockHold;
use kthreads_session::link::{FromGuest, ToGuest};
use kthreads_session::{Next, Prompt};
use kthreads_shell::{Stream, syntax};

use crate::arguments::Peer;
use crate::bare::{Bare, Session};
use crate::wire::Wire;

const PROMPT: &str = "kthreads# ";
const MORE: &str = "> ";

/// Loads the modules, takes lines until there are no more, unloads; returns the exit status.
pub(crate) fn run(
    session: &alloc::sync::Arc<Session>,
    wire: &Wire,
    peer: Peer,
    hold: ClockHold,
) -> u8 {
    let prompt = Prompt::new(session.clone(), hold);
    let mut lines = Lines { prompt, wire, peer, text: String::new() };
    if lines.prompt.load() {
        while lines.next() == Next::Line {}
    }
    lines.prompt.end()
}

struct Lines<'a> {
    prompt: Prompt<Bare>,
    wire: &'a Wire,
    peer: Peer,
    /// Lines whose quotes are open.
    text: String,
}

impl Lines<'_> {
    fn next(&mut self) -> Next {
        let outside = &self.prompt.session().outside;
        match self.peer {
            Peer::Command => outside.console.tell(&FromGuest::Ready),
            Peer::Terminal => {
                let prompt = if self.text.is_empty() { PROMPT } else { MORE };
                outside.console.write(Stream::Output, prompt);
            }
        }
        loop {
            match self.wire.requests.take() {
                ToGuest::Line(line) => return self.line(&line),
                ToGuest::Complete { command, word } => self.complete(&command, &word),
                ToGuest::Stop(status) => {
                    self.prompt.session().call_for(status);
                    return Next::End;
                }
                ToGuest::End => return Next::End,
                _ => {}
            }
        }
    }

    fn complete(&mut self, command: &str, word: &str) {
        let names = self.prompt.candidates(command, word);
        self.prompt.session().outside.console.tell(&FromGuest::Candidates(names));
    }

    fn line(&mut self, line: &str) -> Next {
        self.text.push_str(line);
        self.text.push('\n');
        let script = syntax::parse(&self.text);
        let outside = self.prompt.session().outside.clone();
        match script {
            Err(error) if error.is_incomplete() && self.peer == Peer::Terminal => Next::Line,
            Err(error) => {
                self.text.clear();
                outside.console.write(Stream::Error, &format!("sh: {error}\n"));
                Next::Line
            }
            Ok(script) => {
                self.text.clear();
                outside.is_interrupted.store(false, Ordering::Relaxed);
                self.prompt.run(&script)
            }
        }
    }
}
