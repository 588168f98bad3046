//! The modules that were there at the start, and what they may be called.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kthreads_capi::module::{Argument, InsmodError, ModuleFile, ModuleLoader};
use kthreads_kernel::Cx;
use kthreads_shell::CommandError;

/// Is a module's object file, in memory.
#[derive(Clone, Debug)]
pub struct Object {
    /// The name it is loaded under.
    pub name: String,
    /// Its content.
    pub bytes: Arc<[u8]>,
}

/// Is a module to load at the start.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The module.
    pub object: Object,
    /// What the user called it: a source, an object file or a directory.
    pub path: String,
    /// Its parameters, each `name=value`.
    pub parameters: Vec<String>,
}

impl Object {
    /// Loads it, as the calling task.
    pub(crate) fn insmod(
        &self,
        loader: &ModuleLoader,
        cx: &Cx<'_>,
        parameters: &[String],
    ) -> Result<(), CommandError> {
        let file = ModuleFile { name: &self.name, bytes: &self.bytes };
        let arguments: Vec<_> = parameters.iter().map(|word| Argument::parse(word)).collect();
        loader.insmod(cx, &file, &arguments).map_err(|error| explain(&error))
    }
}

/// The error as kmod would have it from the system call; but where that only says that the file
/// is not right, what is wrong with it.
fn explain(error: &InsmodError) -> CommandError {
    use alloc::string::ToString;
    match error {
        InsmodError::File(_) | InsmodError::Symbols(_) | InsmodError::DuplicateSymbol { .. } => {
            CommandError::Other(error.to_string())
        }
        _ => CommandError::Errno(error.errno()),
    }
}

/// Returns the name that a file's name without its ending stands for: Linux writes `-` and `,` as
/// `_`, and what could not stand in a C string becomes one too.
pub fn identifier(stem: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || c == '.' || c == '+';
    stem.chars().map(|c| if allowed(c) { c } else { '_' }).collect()
}

/// Is the modules that were there at the start, by what they may be called in a script.
#[derive(Debug, Default)]
pub struct Library {
    known: BTreeMap<String, Object>,
}

impl Library {
    /// Names each module by its path, its file's name, its own name, and that with `.ko`. Of two
    /// with one name the first has it.
    pub fn new(prepared: &[Prepared]) -> Library {
        let mut library = Library::default();
        for Prepared { object, path, .. } in prepared {
            let file = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
            let name = &object.name;
            for name in [path.clone(), file.into(), format!("{name}.ko"), name.clone()] {
                library.known.entry(name).or_insert_with(|| object.clone());
            }
        }
        library
    }

    /// The module that is called so.
    pub fn find(&self, name: &str) -> Option<&Object> {
        self.known.get(name)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_has_several_names_and_the_first_keeps_them() {
        let prepared = |path: &str, name: &str, byte: u8| Prepared {
            object: Object { name: name.into(), bytes: Arc::from([byte]) },
            path: path.into(),
            parameters: Vec::new(),
        };
        let library = Library::new(&[prepared("dir/a-b.c", "a_b", 1), prepared("x/", "a_b", 2)]);
        let names: Vec<_> = library.names().collect();
        assert_eq!(names, ["a-b.c", "a_b", "a_b.ko", "dir/a-b.c", "x", "x/"]);
        let byte = |name| library.find(name).map(|object| object.bytes[0]);
        assert_eq!((byte("a_b"), byte("a-b.c"), byte("x/")), (Some(1), Some(1), Some(2)));
        assert_eq!(byte("c"), None);
    }
}
