//! printk and its kin (Linux: linux/printk.h, linux/ratelimit.h).

use kthreads_kernel::Cx;
use kthreads_kernel::format::{Args, FixedText};
use kthreads_kernel::log::{LOG_LINE_MAX, RateLimit};

use crate::env;
use crate::object::{Ptr, str_of};
use crate::va_list::VaPtr;

/// The prefix bytes (KERN_ERR and the like) do not count as text.
const MESSAGE_MAX: usize = LOG_LINE_MAX + 8;

pub(crate) type Message = FixedText<MESSAGE_MAX>;

/// A format with its arguments, as long as a line of the log may be.
pub(crate) fn message(fmt: Ptr<u8>, args: &mut dyn Args) -> Message {
    let mut message = Message::new();
    env::write(&mut message, fmt, args);
    message
}

fn print(cx: &Cx<'_>, fmt: Ptr<u8>, args: VaPtr) -> i32 {
    cx.kernel.printk(cx, message(fmt, args.get()).as_bytes()) as i32
}

export! {
    fn vprintk(cx, fmt: Ptr<u8>, args: VaPtr) -> i32 {
        print(cx, fmt, args)
    }

    fn printk_ratelimit(cx, function: Ptr<u8>) -> i32 {
        i32::from(cx.kernel.printk_ratelimit(cx, str_of(function)))
    }

    fn ratelimit(cx, limit: Ptr<RateLimit>, function: Ptr<u8>) -> i32 {
        i32::from(cx.kernel.rate_limit(cx, limit.get(), str_of(function)))
    }

    fn dump_stack(cx) {
        cx.kernel.dump_stack(cx);
    }
}

export_noreturn! {
    fn vpanic(cx, fmt: Ptr<u8>, args: VaPtr) {
        let message = message(fmt, args.get());
        cx.kernel.panic(cx, message.as_str())
    }
}

variadic!(printk, 1, "rsi" => vprintk);
variadic!(panic, 1, "rsi" => vpanic);

exports! {
    "_printk" => printk, Any;
    "vprintk" => vprintk, Any;
    "__printk_ratelimit" => printk_ratelimit, Any;
    "___ratelimit" => ratelimit, Any;
    "dump_stack" => dump_stack, Any;
    "panic" => panic, Any;
}
