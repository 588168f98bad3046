//! Back traces of modules' code.
//!
//! A trace follows the frame records of a stack, so what it shows are the calls under way and
//! nothing else. Where the chain of records breaks, since the kernel was built without frame
//! pointers, what looks like a return address is shown with a `?`, as Linux marks its guesses.
//! The kernel's own functions have no names here; the export that a module called has.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kthreads_base::frames::{Chain, Frame, Place, Sample};

use crate::log::Level;
use crate::module::{Image, SymbolAt};
use crate::task::Task;
use crate::{Cx, Kernel, log};

/// How many frames are shown from the innermost outwards, and from the outermost inwards.
const FIRST_SHOWN: usize = 24;
const LAST_SHOWN: usize = 4;

/// Where a trace begins.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    /// The instruction that runs, where the first frame is not that of a call.
    pub(crate) ip: Option<usize>,
    pub(crate) place: Place,
}

/// One step of a trace, from the innermost outwards.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The instruction that runs.
    At(usize),
    /// A call in a module, which returns to this address.
    Call(usize),
    /// A call in the kernel.
    Kernel,
    /// The stack of what was interrupted.
    OtherStack,
}

/// A trace.
pub(crate) struct Trace {
    steps: Vec<Step>,
    chain: Chain,
}

impl Origin {
    /// The caller's own.
    #[inline(always)]
    pub(crate) fn here() -> Origin {
        Origin { ip: None, place: Place::here() }
    }

    /// Where a task sleeps or waits for a CPU; None while it runs.
    pub(crate) fn of_resting(task: &Task) -> Option<Origin> {
        Place::of_resting(&task.head).map(|place| Origin { ip: None, place })
    }

    /// The innermost address of an image's text that this will come to or has come from, and
    /// whether that is certain: what [`Kernel::trace_from`] would show of one that rests, without
    /// a look at other images.
    pub(crate) fn first_in(&self, image: &dyn Image) -> Option<(usize, bool)> {
        let of_call = |address| image.is_return_address(address).then(|| address - 1);
        let mut found = None;
        let chain = self.place.for_each_frame(|frame| {
            if let Frame::Return(address) = frame {
                let here = || image.contains_text(address).then_some(address);
                found = found.or_else(|| of_call(address).or_else(here));
            }
        });
        if chain == Chain::Broken {
            found = None;
            self.place.for_each_word(|word| found = found.or_else(|| of_call(word)));
        }
        Some((found?, chain == Chain::Whole))
    }
}

impl Trace {
    /// Whether there is a frame of a module in it.
    pub(crate) fn has_module(&self) -> bool {
        self.addresses().next().is_some()
    }

    /// Whether it shows calls under way and nothing else.
    pub(crate) fn is_exact(&self) -> bool {
        self.chain == Chain::Whole
    }

    /// The addresses of the instructions in modules.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = usize> {
        self.steps.iter().filter_map(|step| step.address())
    }

    /// The return address of the innermost call from a module into the kernel.
    fn call_into_kernel(&self, step: usize) -> Option<usize> {
        let Step::Call(address) = self.steps[step] else { return None };
        let inner = step.checked_sub(1).map(|inner| self.steps[inner]);
        (inner.is_none() || inner == Some(Step::Kernel)).then_some(address)
    }
}

impl Step {
    fn address(self) -> Option<usize> {
        match self {
            Step::At(ip) => Some(ip),
            // The call may be the last instruction of its function.
            Step::Call(address) => Some(address - 1),
            Step::Kernel | Step::OtherStack => None,
        }
    }
}

fn sort(images: &Images, frame: Frame) -> Step {
    let Frame::Return(address) = frame else { return Step::OtherStack };
    if images.iter().any(|(_, image)| image.is_return_address(address)) {
        return Step::Call(address);
    }
    // What an interrupt returns to is no call.
    match images.iter().any(|(_, image)| image.contains_text(address)) {
        true => Step::At(address),
        false => Step::Kernel,
    }
}

/// The first steps, if an instruction is known: that instruction, and the call of its function if
/// the function has no frame yet, or never makes one, or is no function at all.
fn first_steps(images: &Images, ip: Option<usize>, frameless_return: usize) -> Vec<Step> {
    let Some(ip) = ip else { return Vec::new() };
    let image = images.iter().find(|(_, image)| image.contains_text(ip));
    let is_frameless = image.is_none_or(|(_, image)| {
        let mut offset = None;
        image.symbolize(ip, &mut |_, at, _| offset = Some(at));
        // At its first instruction, or behind the push of the frame pointer, or after its frame.
        offset.is_some_and(|offset| offset <= 1 || calls(images, frameless_return, ip - offset))
    });
    let first = if image.is_some() { Step::At(ip) } else { Step::Kernel };
    let caller = is_frameless.then(|| sort(images, Frame::Return(frameless_return)));
    let is_call = |step: &Step| matches!(step, Step::Call(_));
    core::iter::once(first).chain(caller.filter(is_call)).collect()
}

/// Whether a call of the function that begins at `function` returns to this address.
fn calls(images: &Images, return_address: usize, function: usize) -> bool {
    let callee = |(_, image): &(String, Arc<dyn Image>)| image.callee_before(return_address);
    images.iter().find_map(callee) == Some(function)
}

type Images = Vec<(String, Arc<dyn Image>)>;

impl Kernel {
    /// All images that code may run in, with their modules' names.
    fn all_images(&self) -> Images {
        let named = |module: &Arc<crate::module::Module>| {
            Some((String::from(module.name()), module.image()?))
        };
        let mut images: Images = self.modules().iter().filter_map(named).collect();
        images.extend(self.kept_images());
        images
    }

    /// Takes a trace.
    pub(crate) fn trace_from(&self, origin: &Origin) -> Trace {
        let images = self.all_images();
        let mut steps = first_steps(&images, origin.ip, origin.place.frameless_return());
        let chain = origin.place.for_each_frame(|frame| steps.push(sort(&images, frame)));
        if chain == Chain::Broken {
            steps.clear();
            steps.extend(first_steps(&images, origin.ip, 0));
            origin.place.for_each_word(|word| {
                if let step @ Step::Call(_) = sort(&images, Frame::Return(word)) {
                    steps.push(step);
                }
            });
        }
        Trace { steps, chain }
    }

    /// The trace of a sample.
    pub(crate) fn trace_of_sample(&self, sample: &Sample) -> Trace {
        let images = self.all_images();
        let mut steps = first_steps(&images, Some(sample.ip), sample.frameless_return);
        steps.extend(sample.frames().iter().map(|frame| sort(&images, *frame)));
        if sample.chain == Chain::Broken {
            steps.retain(|step| *step != Step::Kernel);
        }
        Trace { steps, chain: sample.chain }
    }

    /// Logs a trace, between the marks that Linux puts around one.
    pub(crate) fn print_trace(&self, cx: &Cx<'_>, level: Level, origin: &Origin) {
        let trace = self.trace_from(origin);
        self.print_taken(cx, level, &trace);
    }

    /// Logs a trace that was taken.
    pub(crate) fn print_taken(&self, cx: &Cx<'_>, level: Level, trace: &Trace) {
        let is_code = |step: &&Step| step.address().is_some();
        let all = trace.steps.iter().filter(is_code).count();
        let interrupts = trace.steps.contains(&Step::OtherStack);
        log!(cx, level, "{}", if interrupts { " <IRQ>" } else { " <TASK>" });
        let mut nth = 0;
        for index in 0..trace.steps.len() {
            let step = trace.steps[index];
            if step == Step::OtherStack {
                log!(cx, level, " </IRQ>");
                log!(cx, level, " <TASK>");
            }
            let Some(address) = step.address() else { continue };
            nth += 1;
            if nth == FIRST_SHOWN + 1 && all > FIRST_SHOWN + LAST_SHOWN {
                log!(cx, level, "  ... {} more calls ...", all - FIRST_SHOWN - LAST_SHOWN);
            }
            if nth > FIRST_SHOWN && nth + LAST_SHOWN <= all {
                continue;
            }
            if let Some(name) = trace.call_into_kernel(index).and_then(|at| self.called_from(at)) {
                log!(cx, level, "  {name}");
            }
            self.print_step(cx, level, trace, step, address);
        }
        log!(cx, level, " </TASK>");
    }

    fn print_step(&self, cx: &Cx<'_>, level: Level, trace: &Trace, step: Step, address: usize) {
        let behind = usize::from(matches!(step, Step::Call(_)));
        let guess = if trace.is_exact() || behind == 0 { "" } else { "? " };
        self.with_symbol_line(address, &mut |symbol| {
            let SymbolAt { name, offset, size, module, line } = symbol;
            let (offset, line) = (offset + behind, Line(line));
            log!(cx, level, "  {guess}{name}+{offset:#x}/{size:#x} [{module}]{line}");
        });
    }

    /// The name of the kernel's function that a module calls right before an address.
    pub(crate) fn called_from(&self, return_address: usize) -> Option<String> {
        let images = self.all_images();
        let callee = images.iter().find_map(|(_, image)| image.callee_before(return_address))?;
        let mut name = None;
        self.kernel_symbols()?.symbolize(callee, &mut |symbol, offset, _| {
            name = (offset == 0).then(|| String::from(symbol));
        });
        name
    }

    /// The name of the kernel's function that a trace's innermost module frame has called, if its
    /// thread is in one.
    pub(crate) fn innermost_export(&self, trace: &Trace) -> Option<String> {
        let step = trace.steps.iter().position(|step| step.address().is_some())?;
        self.called_from(trace.call_into_kernel(step)?)
    }

    /// Describes the innermost place in a module of a trace: `name+0x1/0x2 [module] (file.c:3)`.
    pub(crate) fn describe_innermost(&self, trace: &Trace) -> Option<String> {
        let step = trace.steps.iter().find(|step| step.address().is_some())?;
        self.describe(step.address()?, usize::from(matches!(step, Step::Call(_))))
    }

    /// Describes the call that returns to an address.
    pub(crate) fn describe_call(&self, return_address: usize) -> Option<String> {
        self.describe(return_address.checked_sub(1)?, 1)
    }

    /// Describes the address `behind` that of an instruction.
    pub(crate) fn describe(&self, address: usize, behind: usize) -> Option<String> {
        let mut text = None;
        self.with_symbol_line(address, &mut |symbol| {
            let SymbolAt { name, offset, size, module, line } = symbol;
            let (offset, line) = (offset + behind, Line(line));
            text = Some(alloc::format!("{name}+{offset:#x}/{size:#x} [{module}]{line}"));
        });
        text
    }
}

/// A place in the source behind an address, if it is known.
pub(crate) struct Line<'a>(pub(crate) Option<&'a str>);

impl core::fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, " ({line})"))
    }
}
