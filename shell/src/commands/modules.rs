//! insmod, rmmod, lsmod.

use alloc::format;
use alloc::string::String;

use kthreads_kernel::Errno;
use kthreads_kernel::module::{Module, State};

use super::{Info, Place};
use crate::host::CommandError;
use crate::interpreter::Call;

pub(super) const COMMANDS: &[Info] = &[
    Info {
        name: "insmod",
        usage: "insmod FILE [name=value]...",
        about: "loads a module: a .ko or .c file, or the name of a module of the command line",
        more: "It returns when the module's init function has. A blocked insmod is seen in `ps`.",
        place: Place::OwnTask,
        run: insmod,
    },
    Info {
        name: "rmmod",
        usage: "rmmod NAME...",
        about: "unloads a module",
        more: "It returns when the module's exit function has: if that waits for a thread, so \
               does rmmod, in state D. End it in `&` to go on meanwhile.",
        place: Place::OwnTask,
        run: rmmod,
    },
    Info {
        name: "lsmod",
        usage: "lsmod",
        about: "lists the modules",
        more: "",
        place: Place::Inline,
        run: lsmod,
    },
];

fn insmod(call: &mut Call<'_>) -> i32 {
    let Some((file, parameters)) = call.arguments.split_first() else { return call.usage() };
    match call.host().insmod(call.cx, file, parameters) {
        Ok(()) => 0,
        Err(CommandError::Other(text)) => {
            call.error(&format!("insmod: ERROR: could not load module {file}: {text}"))
        }
        Err(CommandError::Errno(errno)) => {
            let text = insert_error(errno);
            call.error(&format!("insmod: ERROR: could not insert module {file}: {text}"))
        }
    }
}

/// What kmod says for what init_module(2) returned.
pub fn insert_error(errno: Errno) -> String {
    match errno {
        Errno::ENOEXEC => String::from("Invalid module format"),
        Errno::ENOENT => String::from("Unknown symbol in module"),
        Errno::ESRCH => String::from("Module has wrong symbol version"),
        Errno::EINVAL => String::from("Invalid parameters"),
        other => format!("{other}"),
    }
}

fn rmmod(call: &mut Call<'_>) -> i32 {
    if call.arguments.is_empty() {
        return call.error("rmmod: ERROR: missing module name.");
    }
    let mut status = 0;
    for name in call.arguments {
        status |= remove(call, name);
    }
    status
}

/// As kmod does, looks first whether the module is there and unused.
fn remove(call: &Call<'_>, argument: &str) -> i32 {
    // kmod takes a file's name for its module.
    let file = argument.rsplit('/').next().unwrap_or(argument);
    let name = file.strip_suffix(".ko").unwrap_or(file).replace('-', "_");
    let Some(module) = call.cx.kernel.find_module(&name) else {
        return call.error(&format!("rmmod: ERROR: Module {name} is not currently loaded"));
    };
    let users = module.users();
    if !users.is_empty() {
        let users = users.join(" ");
        return call.error(&format!("rmmod: ERROR: Module {name} is in use by: {users}"));
    }
    if module.refcount() > 0 && module.state() == State::Live {
        return call.error(&format!("rmmod: ERROR: Module {name} is in use"));
    }
    drop(module);
    match call.host().rmmod(call.cx, &name) {
        Ok(()) => 0,
        Err(error) => {
            call.error(&format!("rmmod: ERROR: could not remove '{name}': {error}"));
            call.error(&format!("rmmod: ERROR: could not remove module {name}: {error}"))
        }
    }
}

fn lsmod(call: &mut Call<'_>) -> i32 {
    let mut text = String::from("Module                  Size  Used by\n");
    for module in call.cx.kernel.modules() {
        text.push_str(&row(&module));
    }
    call.print(&text);
    0
}

fn row(module: &Module) -> String {
    let size = module.image().map_or(0, |image| image.size());
    let users = module.users().join(",");
    let gap = if users.is_empty() { "" } else { " " };
    format!("{:<19} {size:>8}  {}{gap}{users}\n", module.name(), module.refcount())
}
