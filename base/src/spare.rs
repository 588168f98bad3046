//! Work on a stack of its own, for what needs more than a thread may have left.

use crate::context::call_on;
use crate::head::{current_head, stack_pointer};
use crate::stack::Stack;
use crate::{PreemptGuard, SLOT_SIZE};

type Body<'a> = &'a mut dyn FnMut();

/// Where what is to be done is left: right below the words at a slot's top, 16-byte aligned.
const BODY_BELOW_TOP: usize = size_of::<Body<'_>>().next_multiple_of(16);

/// Does `body` on `stack`, as the running thread, which is not preempted meanwhile.
pub fn run_on(stack: &mut Stack, body: Body<'_>) {
    let _guard = PreemptGuard::new();
    let top = stack.top() - BODY_BELOW_TOP;
    // SAFETY: the stack is the caller's and nobody runs on it; its top word names the running
    // thread, which stays here until the call returns.
    unsafe {
        stack.top_word().write(current_head().as_ptr());
        (top as *mut Body<'_>).write(body);
        call_on(top, trampoline);
    }
}

extern "C" fn trampoline() {
    let slot = stack_pointer() & !(SLOT_SIZE - 1);
    let body = Stack::top_of(slot) - BODY_BELOW_TOP;
    // SAFETY: `run_on` has left it there, and waits until it is done.
    let body = unsafe { (body as *const Body<'_>).read() };
    body();
}
