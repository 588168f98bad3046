//! A kernel with its shell and its modules.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, Ordering};

use kthreads_base::Nanos;
use kthreads_capi::module::ModuleLoader;
use kthreads_kernel::task::TaskId;
use kthreads_kernel::task::state::TASK_INTERRUPTIBLE;
use kthreads_kernel::{Booted, Cx, EnterError};
use kthreads_shell::{CommandError, Host, JobEnd, Shell, Stream, insert_error};

use crate::summary::summary;
use crate::{Library, Outside, Prepared, status};

/// What ends a script whose time is over, as timeout(1) does.
pub(crate) const SIGTERM: u32 = 15;

/// Is a running kernel and what belongs to it.
pub struct Session<O> {
    /// The kernel.
    pub kernel: Arc<Booted>,
    /// What is around it.
    pub outside: Arc<O>,
    /// Who runs scripts.
    pub shell: Shell,
    /// What can be loaded by name.
    pub library: Arc<Library>,
    pub(crate) loader: Arc<ModuleLoader>,
    /// The modules to load first.
    modules: Vec<Prepared>,
    /// The tasks that were there before any module was.
    first_tasks: Vec<TaskId>,
    /// The exit status that something has called for; 0 so far.
    status: AtomicU8,
}

/// What the commands of scripts need, made of what is outside.
struct ShellHost<O> {
    outside: Arc<O>,
    library: Arc<Library>,
    loader: Arc<ModuleLoader>,
}

impl<O: Outside> Host for ShellHost<O> {
    fn insmod(&self, cx: &Cx<'_>, file: &str, parameters: &[String]) -> Result<(), CommandError> {
        if let Some(object) = self.library.find(file) {
            return object.insmod(&self.loader, cx, parameters);
        }
        self.outside.find(cx, file)?.insmod(&self.loader, cx, parameters)
    }

    fn rmmod(&self, cx: &Cx<'_>, name: &str) -> Result<(), CommandError> {
        Ok(self.loader.rmmod(cx, name)?)
    }

    fn write(&self, stream: Stream, text: &str) {
        self.outside.write(stream, text);
    }

    fn set_console_level(&self, level: u8) {
        self.outside.set_console_level(level);
    }
}

impl<O: Outside> Session<O> {
    /// Makes the session of a kernel that has just been booted. From outside it.
    pub fn new(kernel: Arc<Booted>, outside: Arc<O>, modules: Vec<Prepared>) -> Arc<Session<O>> {
        let library = Arc::new(Library::new(&modules));
        let loader = Arc::new(kernel.enter(ModuleLoader::new));
        let host = ShellHost {
            outside: outside.clone(),
            library: library.clone(),
            loader: loader.clone(),
        };
        let first_tasks =
            kernel.enter(|cx| cx.kernel.all_tasks().iter().map(|task| task.id()).collect());
        Arc::new(Session {
            kernel,
            outside,
            shell: Shell::new(Arc::new(host)),
            library,
            loader,
            modules,
            first_tasks,
            status: AtomicU8::new(status::CLEAN),
        })
    }

    /// Who loads modules and unloads them.
    pub fn loader(&self) -> &ModuleLoader {
        &self.loader
    }

    /// Whether a task was there before any module.
    pub(crate) fn is_first(&self, task: TaskId) -> bool {
        self.first_tasks.contains(&task)
    }

    /// Notes what calls for an exit status; the first such call counts.
    pub fn call_for(&self, status: u8) {
        let (none, order) = (status::CLEAN, Ordering::Relaxed);
        let _ = self.status.compare_exchange(none, status, order, order);
    }

    /// Says something about the run itself, on standard error.
    pub fn tell(&self, text: &str) {
        self.outside.write(Stream::Error, &format!("kthreads: {text}\n"));
    }

    /// Says that the script's task did not get to its end.
    pub fn died(&self, error: &EnterError) {
        match self.kernel.has_panicked() {
            true => self.tell("the kernel has panicked: see the log"),
            false => self.tell(&format!("the script's task died: {error}")),
        }
    }

    /// Tells the script of a signal, for instance of Ctrl-C. From outside the kernel.
    pub fn interrupt(&self, signal: u32) {
        // A kernel that has ended runs no script.
        let _ = self.kernel.try_enter_as("host", |cx| self.shell.signal_script(cx, signal));
    }

    /// Loads the modules; stops at the first that cannot be loaded, or when a signal comes.
    /// Returns whether all were.
    pub(crate) fn load(self: &Arc<Self>, cx: &Cx<'_>) -> bool {
        self.shell.attach(cx);
        (0..self.modules.len()).all(|index| self.load_one(cx, index))
    }

    fn load_one(self: &Arc<Self>, cx: &Cx<'_>, index: usize) -> bool {
        let me = self.clone();
        let started = self.shell.start(cx, "insmod", move |cx| {
            let Prepared { object, parameters, path } = &me.modules[index];
            let Err(error) = object.insmod(&me.loader, cx, parameters) else { return 0 };
            let why = match error {
                CommandError::Errno(errno) => insert_error(errno),
                CommandError::Other(text) => text,
            };
            me.tell(&format!("cannot load {} ({path}): {why}", object.name));
            1
        });
        let name = &self.modules[index].object.name;
        let job = match started {
            Ok(job) => job,
            Err(errno) => return self.not_loaded(&format!("cannot load {name}: {errno}")),
        };
        match self.shell.wait_for(cx, &job) {
            JobEnd::Done(0) => true,
            JobEnd::Done(_) => {
                self.call_for(status::NOT_LOADED);
                false
            }
            JobEnd::Died => {
                self.not_loaded(&format!("loading {name} failed: its init function was killed"))
            }
            JobEnd::Hung => {
                self.shell.report_hung(cx, &job);
                self.not_loaded(&format!("the init function of {name} does not return"))
            }
            JobEnd::Interrupted => false,
        }
    }

    /// Says so and returns false.
    fn not_loaded(&self, text: &str) -> bool {
        self.tell(text);
        self.call_for(status::NOT_LOADED);
        false
    }

    /// Sleeps until a signal comes, or until the time is over.
    pub(crate) fn wait(&self, cx: &Cx<'_>, limit: Option<Nanos>) {
        self.shell.attach(cx);
        cx.kernel.sleep_for(cx, limit.unwrap_or(Nanos::NEVER), TASK_INTERRUPTIBLE);
    }

    /// Ends background commands and unloads. In the kernel.
    pub(crate) fn clear(self: &Arc<Self>, cx: &Cx<'_>) {
        self.shell.signal_jobs(cx, SIGTERM);
        self.unload(cx);
    }

    /// Sums up and returns the exit status. In the kernel.
    pub(crate) fn sum_up(&self, cx: &Cx<'_>) -> u8 {
        cx.kernel.finish_log();
        self.outside.write(Stream::Output, &summary(self, cx));
        self.status(cx)
    }

    fn status(&self, cx: &Cx<'_>) -> u8 {
        let is_bad = cx.kernel.bug_count() > 0
            || self.shell.failed_expectations() > 0
            || self.shell.hung_commands() > 0;
        match self.status.load(Ordering::Relaxed) {
            status::CLEAN | status::INTERRUPTED if is_bad => status::BUG,
            status => status,
        }
    }
}
