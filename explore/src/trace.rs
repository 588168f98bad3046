//! A story in the format of the trace viewers of Chrome and Perfetto.

use std::fmt::Write;

use kthreads_kernel::observe;

use crate::story::{Event, Story};

/// The process that stands for the CPUs, and the one that stands for the threads.
const CPUS: u32 = 1;
const THREADS: u32 = 2;

impl Story {
    /// The story as a trace: a track for each CPU with what runs on it, one for each thread with
    /// what it does, and wake-ups as arrows.
    pub fn trace(&self) -> String {
        let mut out = String::from("{\"traceEvents\":[\n");
        let mut lines = vec![named(CPUS, "CPUs"), named(THREADS, "threads")];
        let mut names: Vec<_> = self.names.iter().collect();
        names.sort();
        for (thread, name) in names {
            lines.push(track(THREADS, *thread, name));
        }
        let mut running: Vec<Option<(u32, f64)>> = Vec::new();
        for (number, event) in self.events.iter().enumerate() {
            let time = event.time.0 as f64 / 1000.0;
            let cpu = event.cpu as usize;
            running.resize(running.len().max(cpu + 1), None);
            if event.kind == observe::SWITCHED {
                let (thread, since) = running[cpu].unwrap_or((event.thread, 0.0));
                lines.push(self.slice(event.cpu, thread, since, time));
                running[cpu] = Some((event.object as u32, time));
            }
            if event.kind == observe::WOKE && event.value != 0 {
                lines.push(flow("s", number, event.thread, time));
                lines.push(flow("f", number, event.object as u32, time));
            }
            if let Some(what) = self.say(event) {
                lines.push(instant(event, &what, time));
            }
        }
        let _ = write!(out, "{}\n]}}\n", lines.join(",\n"));
        out
    }

    fn slice(&self, cpu: u32, thread: u32, from: f64, to: f64) -> String {
        let name = self.names.get(&thread).map_or("?", String::as_str);
        format!(
            "{{\"ph\":\"X\",\"pid\":{CPUS},\"tid\":{cpu},\"ts\":{from:.3},\"dur\":{:.3},\"name\":{}}}",
            to - from,
            quoted(name)
        )
    }
}

fn named(process: u32, name: &str) -> String {
    format!(
        "{{\"ph\":\"M\",\"pid\":{process},\"name\":\"process_name\",\"args\":{{\"name\":\"{name}\"}}}}"
    )
}

fn track(process: u32, track: u32, name: &str) -> String {
    format!(
        "{{\"ph\":\"M\",\"pid\":{process},\"tid\":{track},\"name\":\"thread_name\",\"args\":{{\"name\":{}}}}}",
        quoted(name)
    )
}

fn flow(end: &str, id: usize, thread: u32, time: f64) -> String {
    format!(
        "{{\"ph\":\"{end}\",\"id\":{id},\"pid\":{THREADS},\"tid\":{thread},\"ts\":{time:.3},\"name\":\"wake-up\",\"cat\":\"wake\"}}"
    )
}

fn instant(event: &Event, what: &str, time: f64) -> String {
    format!(
        "{{\"ph\":\"X\",\"pid\":{THREADS},\"tid\":{},\"ts\":{time:.3},\"dur\":1,\"name\":{}}}",
        event.thread,
        quoted(what)
    )
}

/// A text as JSON has it.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if u32::from(c) < 32 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
