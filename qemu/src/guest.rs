//! A running guest.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use crate::outcome::{Ending, decode};
use crate::{Options, Outcome, StartError};

const QEMU: &str = "qemu-system-x86_64";
/// How much of the output is taken at a time.
const CHUNK: usize = 16 * 1024;
/// How often a guest that may not run for ever is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often a QEMU that has closed its output is asked whether it has ended.
const BREATH: Duration = Duration::from_millis(1);

/// Is a guest that runs. Dropping it ends it.
pub struct Guest {
    shared: Arc<Shared>,
    output: Option<ChildStdout>,
    messages: Option<JoinHandle<String>>,
    silence: Option<Duration>,
    limit: Option<Duration>,
    started: Instant,
    /// The files of the guest are on disk as long as QEMU may read them.
    _initrd: Option<NamedTempFile>,
}

/// What several threads need.
struct Shared {
    child: Mutex<Child>,
    input: Mutex<Option<ChildStdin>>,
    ending: Mutex<Option<Ending>>,
}

/// Writes to the guest's serial line. Clones write to the same.
#[derive(Clone)]
pub struct Input(Arc<Shared>);

/// Ends a guest from any thread.
#[derive(Clone)]
pub struct Stopper(Arc<Shared>);

impl Guest {
    /// Starts a guest. A Ctrl-C on the terminal does not reach it; if this program dies, so does
    /// QEMU.
    ///
    /// # Errors
    ///
    /// When QEMU is not there, cannot be run, or its files cannot be written.
    pub fn start(options: &Options) -> Result<Guest, StartError> {
        let initrd = write_initrd(&options.initrd).map_err(StartError::Initrd)?;
        let mut command = Command::new(QEMU);
        command.args(options.arguments(initrd.as_ref().map(|file| file.path().to_owned())));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0);
        die_with_parent(&mut command);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StartError::NoQemu,
            _ => StartError::Qemu(error),
        })?;
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let input = Mutex::new(child.stdin.take());
        let shared = Shared { child: Mutex::new(child), input, ending: Mutex::new(None) };
        Ok(Guest {
            shared: Arc::new(shared),
            output,
            messages: errors.map(|errors| thread::spawn(move || collect(errors))),
            silence: options.silence.filter(|_| options.debugger.is_none()),
            limit: options.limit,
            started: Instant::now(),
            _initrd: initrd,
        })
    }

    /// Its serial line's input.
    pub fn input(&self) -> Input {
        Input(self.shared.clone())
    }

    /// What ends it.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.shared.clone())
    }

    /// Hands on what the guest writes, as it comes, until it ends.
    pub fn run(mut self, sink: &mut dyn FnMut(&[u8])) -> Outcome {
        let output = self.output.take().map(read_chunks);
        let mut has_written = false;
        while let Some(chunk) = output.as_ref().and_then(|output| self.next(output, has_written)) {
            has_written = true;
            sink(&chunk);
        }
        let status = self.shared.wait();
        let messages = self.messages.take().and_then(|thread| thread.join().ok());
        let messages = messages.unwrap_or_default();
        let ending = *lock(&self.shared.ending);
        let end = match status {
            Ok(status) => decode(status, ending, has_written, &messages),
            Err(_) => crate::End::NoStatus,
        };
        Outcome { end, messages }
    }

    /// The next piece of output; none once there will be no more, for which this may end it.
    fn next(&self, output: &Receiver<Vec<u8>>, has_written: bool) -> Option<Vec<u8>> {
        loop {
            match output.recv_timeout(LOOK_EVERY) {
                Ok(chunk) => return Some(chunk),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.check_time(has_written),
            }
        }
    }

    fn check_time(&self, has_written: bool) {
        let over = |limit: Option<Duration>| limit.filter(|limit| self.started.elapsed() >= *limit);
        if let Some(limit) = over(self.limit) {
            self.shared.end(Ending::TooLong(limit));
        } else if let Some(limit) = over(self.silence).filter(|_| !has_written) {
            self.shared.end(Ending::Silent(limit));
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.shared.end(Ending::Stopped);
        // It is reaped, so that no trace of it is left.
        let _ = self.shared.wait();
    }
}

impl Shared {
    /// Waits until QEMU has ended. Its lock is free in between, so that it can be killed.
    fn wait(&self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = lock(&self.child).try_wait()? {
                return Ok(status);
            }
            thread::sleep(BREATH);
        }
    }

    /// Ends QEMU, and remembers the first reason. The child's lock is taken for a moment only.
    fn end(&self, why: Ending) {
        lock(&self.ending).get_or_insert(why);
        // One that has ended needs no ending.
        let _ = lock(&self.child).kill();
    }
}

impl Stopper {
    /// Ends the guest at once.
    pub fn stop(&self) {
        self.0.end(Ending::Stopped);
    }
}

impl Input {
    /// Sends bytes to the guest; waits while its buffers are full.
    ///
    /// # Errors
    ///
    /// When the guest is gone.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        match &mut *lock(&self.0.input) {
            Some(input) => input.write_all(bytes).and_then(|()| input.flush()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

fn write_initrd(initrd: &[u8]) -> io::Result<Option<NamedTempFile>> {
    if initrd.is_empty() {
        return Ok(None);
    }
    let mut file = tempfile::Builder::new().prefix("kthreads-initrd-").tempfile()?;
    file.write_all(initrd)?;
    Ok(Some(file))
}

/// Has the kernel of the host end QEMU when the thread that starts it ends, however it does.
fn die_with_parent(command: &mut Command) {
    let parent = std::process::id();
    let in_child = move || {
        // SAFETY: a plain system call, without memory.
        let told = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } == 0;
        let is_orphan = std::os::unix::process::parent_id() != parent;
        if told && !is_orphan { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: the closure only makes system calls, which is allowed between fork and exec.
    unsafe { command.pre_exec(in_child) };
}

fn collect(mut errors: ChildStderr) -> String {
    let mut text = Vec::new();
    // What could be read is kept.
    let _ = errors.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Reads on a thread of its own, so that time can be watched meanwhile.
fn read_chunks(mut output: ChildStdout) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::sync_channel(16);
    thread::spawn(move || {
        let mut buffer = vec![0; CHUNK];
        while let Ok(len @ 1..) = output.read(&mut buffer) {
            if sender.send(buffer[..len].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
