//! echo.

use super::{Info, Place};
use crate::interpreter::Call;

pub(super) const COMMANDS: &[Info] = &[Info {
    name: "echo",
    usage: "echo [-n] TEXT... [> PATH | >> PATH]",
    about: "prints its arguments; `> PATH` writes them to a file",
    more: "Files that can be written are parameters (/sys/module/NAME/parameters/*) and what else \
           of /proc Linux lets be written; /dev/kmsg is the log, /dev/null nothing.",
    place: Place::Inline,
    run: echo,
}];

fn echo(call: &mut Call<'_>) -> i32 {
    match call.arguments {
        [option, rest @ ..] if option == "-n" => call.print(&rest.join(" ")),
        all => call.print_line(&all.join(" ")),
    }
    0
}
