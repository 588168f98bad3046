//! The tree of /proc and /sys: which paths there are, and what stands behind them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::modules::{ModuleFile, shown_parameters};
use super::sysctl::Sysctl;
use super::system::SystemFile;
use super::task::TaskFile;
use crate::module::Module;
use crate::task::Task;
use crate::{Cx, Errno};

/// A directory.
#[derive(Clone)]
pub(super) enum Dir<'k> {
    Root,
    Proc,
    Task(&'k Task),
    /// /proc/PID/task.
    Threads(&'k Task),
    ProcSys,
    ProcSysKernel,
    Sys,
    SysModule,
    Module(Arc<Module>),
    Parameters(Arc<Module>),
}

/// A file.
#[derive(Clone)]
pub(super) enum File<'k> {
    Task(&'k Task, TaskFile),
    System(SystemFile),
    Sysctl(Sysctl),
    Module(Arc<Module>, ModuleFile),
    /// A parameter of that name, which is there.
    Parameter(Arc<Module>, String),
}

/// What a path leads to.
#[derive(Clone)]
pub(super) enum Node<'k> {
    Dir(Dir<'k>),
    File(File<'k>),
}

/// What kind of thing a directory's entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A directory, or a link to one.
    Directory,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: EntryKind,
}

/// Follows an absolute path; a relative one begins at the root.
///
/// # Errors
///
/// ENOENT when there is no such thing, ENOTDIR when the path goes on behind a file.
pub(super) fn resolve<'k>(cx: &Cx<'k>, path: &str) -> Result<Node<'k>, Errno> {
    if path.is_empty() {
        return Err(Errno::ENOENT);
    }
    let mut above = Vec::new();
    let mut node = Node::Dir(Dir::Root);
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let Node::Dir(dir) = &node else { return Err(Errno::ENOTDIR) };
        if name == "." {
            continue;
        }
        if name == ".." {
            node = above.pop().unwrap_or(Node::Dir(Dir::Root));
            continue;
        }
        let next = dir.child(cx, name).ok_or(Errno::ENOENT)?;
        above.push(core::mem::replace(&mut node, next));
    }
    match node {
        Node::File(_) if path.ends_with('/') => Err(Errno::ENOTDIR),
        node => Ok(node),
    }
}

/// Whether a path lies in /sys, where nothing that is not there can be made.
pub(super) fn is_in_sysfs(path: &str) -> bool {
    path.split('/').find(|name| !name.is_empty() && *name != ".") == Some("sys")
}

fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

impl<'k> Dir<'k> {
    fn child(&self, cx: &Cx<'k>, name: &str) -> Option<Node<'k>> {
        let dir = |dir| Some(Node::Dir(dir));
        match (self, name) {
            (Dir::Root, "proc") => dir(Dir::Proc),
            (Dir::Root, "sys") => dir(Dir::Sys),
            (Dir::Proc, "self") => dir(Dir::Task(cx.task.get_ref())),
            (Dir::Proc, "sys") => dir(Dir::ProcSys),
            (Dir::Proc, name) => match find(SystemFile::ALL, name) {
                Some(file) => Some(Node::File(File::System(file))),
                None => dir(Dir::Task(find_by_pid(cx, name)?)),
            },
            (Dir::Task(task), "task") => dir(Dir::Threads(task)),
            (Dir::Task(task), name) => {
                find(TaskFile::ALL, name).map(|file| Node::File(File::Task(task, file)))
            }
            (Dir::Threads(task), name) => {
                find_by_pid(cx, name).filter(|found| found.id() == task.id())?;
                dir(Dir::Task(task))
            }
            (Dir::ProcSys, "kernel") => dir(Dir::ProcSysKernel),
            (Dir::ProcSysKernel, name) => {
                find(Sysctl::ALL, name).map(|file| Node::File(File::Sysctl(file)))
            }
            (Dir::Sys, "module") => dir(Dir::SysModule),
            (Dir::SysModule, name) => {
                let modules = cx.kernel.modules();
                dir(Dir::Module(modules.into_iter().find(|module| module.name() == name)?))
            }
            (Dir::Module(module), name) => module_child(module, name),
            (Dir::Parameters(module), name) => {
                let name = shown_parameters(module).into_iter().find(|shown| shown == name)?;
                Some(Node::File(File::Parameter(module.clone(), name)))
            }
            _ => None,
        }
    }

    /// The entries, as `ls` would have them.
    pub(super) fn entries(&self, cx: &Cx<'k>) -> Vec<Entry> {
        match self {
            Dir::Root => dirs(&["proc", "sys"]),
            Dir::Proc => {
                let tasks = cx.kernel.all_tasks();
                let pids = tasks.iter().map(|task| directory(format!("{}", task.pid())));
                let mut all: Vec<Entry> = pids.collect();
                all.extend(files(SystemFile::ALL));
                all.extend(dirs(&["self", "sys"]));
                all
            }
            Dir::Task(_) => [files(TaskFile::ALL), dirs(&["task"])].concat(),
            Dir::Threads(task) => alloc::vec![directory(format!("{}", task.pid()))],
            Dir::ProcSys => dirs(&["kernel"]),
            Dir::ProcSysKernel => files(Sysctl::ALL),
            Dir::Sys => dirs(&["module"]),
            Dir::SysModule => {
                let modules = cx.kernel.modules();
                modules.iter().map(|module| directory(module.name().to_string())).collect()
            }
            Dir::Module(module) => {
                let mut all = files(ModuleFile::ALL);
                if !shown_parameters(module).is_empty() {
                    all.extend(dirs(&["parameters"]));
                }
                all
            }
            Dir::Parameters(module) => {
                let names = shown_parameters(module).into_iter();
                names.map(|name| Entry { name, kind: EntryKind::File }).collect()
            }
        }
    }
}

/// The task whose pid is written as /proc writes it: digits without a leading zero.
fn find_by_pid<'k>(cx: &Cx<'k>, name: &str) -> Option<&'k Task> {
    let plain = name.bytes().all(|byte| byte.is_ascii_digit()) && !name.starts_with('0');
    cx.kernel.find_task(name.parse().ok().filter(|_| plain)?)
}

fn module_child<'k>(module: &Arc<Module>, name: &str) -> Option<Node<'k>> {
    if let Some(file) = find(ModuleFile::ALL, name) {
        return Some(Node::File(File::Module(module.clone(), file)));
    }
    let shows_parameters = name == "parameters" && !shown_parameters(module).is_empty();
    shows_parameters.then(|| Node::Dir(Dir::Parameters(module.clone())))
}

fn directory(name: String) -> Entry {
    Entry { name, kind: EntryKind::Directory }
}

fn dirs(names: &[&str]) -> Vec<Entry> {
    names.iter().map(|name| directory(name.to_string())).collect()
}

fn files<T>(table: &[(&str, T)]) -> Vec<Entry> {
    let entry = |name: &str| Entry { name: name.to_string(), kind: EntryKind::File };
    table.iter().map(|(name, _)| entry(name)).collect()
}
