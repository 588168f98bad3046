//! Modules: what is loaded, in which state, and who uses it (Linux: kernel/module).
//!
//! Loading an image and calling its functions is unsafe and lies below the C side; this is the
//! book that is kept: names, states, references, symbols and parameters, for lsmod, /proc and
//! /sys.

mod param;
mod per_cpu;
mod symbols;
mod texts;
mod unloaded;

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, Ordering};

use kthreads_base::SpinLock;

pub use param::{Parameter, ParameterList};
pub use per_cpu::PER_CPU_STRIDE;
pub use symbols::{Image, ImageSymbol, KernelSymbols, SymbolAt};
pub use unloaded::Vacancy;

use crate::wait::Mutex;
use crate::{Errno, Kernel};

/// Where a module stands in its life. The numbers are those of Linux's enum module_state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum State {
    /// In use.
    Live = 0,
    /// Its init function runs.
    Coming = 1,
    /// Its exit function runs.
    Going = 2,
}

/// A module. It begins with what C sees as `struct module`.
#[repr(C)]
pub struct Module {
    state: AtomicI32,
    c_name: [AtomicU8; 56],
    /// References plus one while it is not going (Linux: module.refcnt, MODULE_REF_BASE).
    refcount: AtomicI32,
    name: String,
    taints: AtomicU32,
    can_be_unloaded: bool,
    parameters: SpinLock<Arc<ParameterList>>,
    /// The modules that use its symbols.
    users: SpinLock<Vec<String>>,
    image: SpinLock<Option<Arc<dyn Image>>>,
}

/// What a module is made from.
pub struct NewModule {
    /// Its name.
    pub name: String,
    /// Its parameters that /sys shows.
    pub parameters: ParameterList,
    /// Whether it has an exit function, or no init function.
    pub can_be_unloaded: bool,
    /// TAINT_ bits that it brings.
    pub taints: u32,
}

impl Module {
    /// A module in state Coming, with the one reference that its init function counts as.
    pub fn new(new: NewModule) -> Module {
        let module = Module {
            state: AtomicI32::new(State::Coming as i32),
            c_name: [const { AtomicU8::new(0) }; 56],
            refcount: AtomicI32::new(2),
            name: new.name,
            taints: AtomicU32::new(new.taints),
            can_be_unloaded: new.can_be_unloaded,
            parameters: SpinLock::new(Arc::new(new.parameters)),
            users: SpinLock::new(Vec::new()),
            image: SpinLock::new(None),
        };
        for (cell, byte) in module.c_name[..55].iter().zip(module.name.bytes()) {
            cell.store(byte, Ordering::Relaxed);
        }
        module
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address of what C sees as its `struct module`.
    pub fn address(&self) -> usize {
        core::ptr::from_ref(self) as usize
    }

    /// Its state.
    pub fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            0 => State::Live,
            2 => State::Going,
            _ => State::Coming,
        }
    }

    /// Sets its state.
    pub fn set_state(&self, state: State) {
        self.state.store(state as i32, Ordering::Release);
    }

    /// Its TAINT_ bits.
    pub fn taints(&self) -> u32 {
        self.taints.load(Ordering::Relaxed)
    }

    /// Whether it can be unloaded at all.
    pub fn can_be_unloaded(&self) -> bool {
        self.can_be_unloaded
    }

    /// Its parameters.
    pub fn parameters(&self) -> Arc<ParameterList> {
        self.parameters.lock().clone()
    }

    /// Gives it its parameters, which only its image tells.
    pub fn set_parameters(&self, parameters: ParameterList) {
        let parameters = Arc::new(parameters);
        let old = core::mem::replace(&mut *self.parameters.lock(), parameters);
        drop(old);
    }

    /// Adds TAINT_ bits.
    pub fn add_taints(&self, taints: u32) {
        self.taints.fetch_or(taints, Ordering::Relaxed);
    }

    /// Gives it its image.
    pub fn set_image(&self, image: Option<Arc<dyn Image>>) {
        *self.image.lock() = image;
    }

    /// Its image.
    pub fn image(&self) -> Option<Arc<dyn Image>> {
        self.image.lock().clone()
    }

    /// The number of references, -1 while it is going (Linux: module_refcount).
    pub fn refcount(&self) -> i32 {
        self.refcount.load(Ordering::Acquire) - 1
    }

    /// Takes a reference, unless the module is going (Linux: try_module_get).
    pub fn try_get(&self) -> bool {
        let more = |count: i32| (count > 0).then_some(count + 1);
        self.state() != State::Going
            && self.refcount.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }

    /// Takes a reference whatever the state (Linux: __module_get).
    pub fn get(&self) {
        self.refcount.fetch_add(1, Ordering::AcqRel);
    }

    /// Gives a reference back (Linux: module_put); returns whether there was one.
    pub fn put(&self) -> bool {
        let less = |count: i32| (count > 0).then_some(count - 1);
        self.refcount.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).is_ok()
    }

    /// Makes it go if nobody holds a reference (Linux: try_stop_module).
    ///
    /// # Errors
    ///
    /// EAGAIN when somebody does.
    pub fn try_stop(&self) -> Result<(), Errno> {
        let order = Ordering::AcqRel;
        self.refcount
            .compare_exchange(1, 0, order, Ordering::Acquire)
            .map_err(|_| Errno::EAGAIN)?;
        self.set_state(State::Going);
        Ok(())
    }

    /// Notes that a module uses its symbols.
    pub fn add_user(&self, name: &str) {
        let mut users = self.users.lock();
        if !users.iter().any(|user| user == name) {
            users.push(name.to_string());
            drop(users);
            self.get();
        }
    }

    /// Notes that a module that used its symbols is gone.
    pub fn remove_user(&self, name: &str) {
        let mut users = self.users.lock();
        let before = users.len();
        users.retain(|user| user != name);
        let removed = users.len() < before;
        drop(users);
        if removed {
            self.put();
        }
    }

    /// The modules that use its symbols.
    pub fn users(&self) -> Vec<String> {
        self.users.lock().clone()
    }

    /// The letters /proc/modules shows for its taints.
    pub fn taint_letters(&self) -> String {
        let taints = u64::from(self.taints());
        let known =
            [(crate::report::TAINT_PROPRIETARY, 'P'), (crate::report::TAINT_OUT_OF_TREE, 'O')];
        known.iter().filter(|(bit, _)| taints & bit != 0).map(|(_, letter)| letter).collect()
    }
}

/// The book of modules.
#[derive(Default)]
pub(crate) struct Modules {
    list: SpinLock<Vec<Arc<Module>>>,
    /// Held while modules come and go (Linux: module_mutex).
    mutex: Mutex,
    /// Names of what the kernel exports, by address, for back traces.
    exports: SpinLock<Option<Arc<dyn KernelSymbols>>>,
    texts: SpinLock<Vec<Vec<u8>>>,
    per_cpu: SpinLock<per_cpu::PerCpuMemory>,
    unloaded: SpinLock<Vec<unloaded::Unloaded>>,
}

impl Kernel {
    /// The lock held while modules come and go.
    pub fn module_mutex(&self) -> &Mutex {
        &self.modules.mutex
    }

    /// All modules, newest first, as lsmod has them.
    pub fn modules(&self) -> Vec<Arc<Module>> {
        self.modules.list.lock().clone()
    }

    /// The module with that name; `-` and `_` are the same.
    pub fn find_module(&self, name: &str) -> Option<Arc<Module>> {
        let same = |module: &Arc<Module>| {
            let plain = |c: char| if c == '-' { '_' } else { c };
            module.name.chars().map(plain).eq(name.chars().map(plain))
        };
        self.modules.list.lock().iter().find(|module| same(module)).cloned()
    }

    /// The module whose `struct module` lies at that address.
    pub fn module_at(&self, address: usize) -> Option<Arc<Module>> {
        let list = self.modules.list.lock();
        list.iter().find(|module| module.address() == address).cloned()
    }

    /// Enters a module in the book.
    ///
    /// # Errors
    ///
    /// EEXIST when there is one of that name.
    pub fn add_module(&self, module: Arc<Module>) -> Result<(), Errno> {
        let mut list = self.modules.list.lock();
        if list.iter().any(|other| other.name == module.name) {
            return Err(Errno::EEXIST);
        }
        list.insert(0, module);
        Ok(())
    }

    /// Strikes a module from the book.
    pub fn remove_module(&self, module: &Module) {
        let mut list = self.modules.list.lock();
        let gone = list.iter().position(|other| core::ptr::eq(&**other, module));
        let gone = gone.map(|index| list.remove(index));
        drop(list);
        drop(gone);
    }

    /// The module whose text holds `address` now.
    pub fn module_of_text(&self, address: usize) -> Option<Arc<Module>> {
        let holds =
            |module: &Arc<Module>| module.image().is_some_and(|image| image.contains_text(address));
        self.modules().into_iter().find(holds)
    }
}
