//! What /sys/module/NAME/parameters shows.

use alloc::string::String;
use alloc::vec::Vec;

use crate::Errno;

/// A module's parameter: how it is read and written is the C side's business.
pub trait Parameter: Send + Sync {
    /// Its name.
    fn name(&self) -> &str;
    /// Its permission bits; 0 means that /sys does not show it.
    fn permissions(&self) -> u16;
    /// Its value as text, as /sys shows it.
    ///
    /// # Errors
    ///
    /// What the parameter's get function returned.
    fn get(&self) -> Result<String, Errno>;
    /// Sets it from text.
    ///
    /// # Errors
    ///
    /// What the parameter's set function returned; EINVAL for a bad value.
    fn set(&self, value: &str) -> Result<(), Errno>;
}

/// A module's parameters.
pub type ParameterList = Vec<alloc::boxed::Box<dyn Parameter>>;
