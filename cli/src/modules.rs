//! Loading a module.

use kthreads_capi::module::{Argument, InsmodError, ModuleFile, ModuleLoader};
use kthreads_kernel::Cx;
use kthreads_shell::CommandError;

use crate::objects::Object;

/// Loads a module, as the calling task.
pub(crate) fn insmod(
    loader: &ModuleLoader,
    cx: &Cx<'_>,
    object: &Object,
    parameters: &[String],
) -> Result<(), CommandError> {
    let file = ModuleFile { name: &object.name, bytes: &object.bytes };
    let arguments: Vec<_> = parameters.iter().map(|word| Argument::parse(word)).collect();
    loader.insmod(cx, &file, &arguments).map_err(|error| explain(&error))
}

/// The error as kmod would have it from the system call; but where that only says that the file
/// is not right, what is wrong with it.
fn explain(error: &InsmodError) -> CommandError {
    match error {
        InsmodError::File(_) | InsmodError::Symbols(_) | InsmodError::DuplicateSymbol { .. } => {
            CommandError::Other(error.to_string())
        }
        _ => CommandError::Errno(error.errno()),
    }
}
