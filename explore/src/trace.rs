//! A story in the format of the trace viewers of Chrome and Perfetto.

use std::collections::{BTreeSet, HashMap};

use kthreads_base::explore::{NOTE_GIVES, NOTE_SPIN_LOCK, NOTE_TAKES};
use kthreads_kernel::observe;

use crate::story::{Event, Story, state_name};

/// What stands for the CPUs, for the threads, and for the locks that they hold.
const CPUS: u32 = 1;
const THREADS: u32 = 2;
const LOCKS: u32 = 3;
/// The bit of a state that says that the task is gone.
const DEAD: usize = 0x80;

/// A span of time that has begun.
struct Span {
    name: String,
    since: f64,
}

/// A trace on its way.
#[derive(Default)]
struct Writer {
    lines: Vec<String>,
    /// The open span of each track, by process and track.
    open: HashMap<(u32, u32), Span>,
    /// The locks that are held, in the order they were taken: who, which, what it is and since when.
    held: Vec<(u32, usize, Span)>,
}

impl Story {
    /// The story as a trace: a track for each CPU with what runs on it, one for each thread with
    /// the states it is in and what it does, wake-ups as arrows, and the locks that are held.
    pub fn trace(&self) -> String {
        let mut writer = Writer::default();
        for (process, name) in [(CPUS, "CPUs"), (THREADS, "threads"), (LOCKS, "locks held")] {
            writer.lines.push(named(process, name));
        }
        let cpus: BTreeSet<u32> = self.events.iter().map(|event| event.cpu).collect();
        let cpus = cpus.into_iter().map(|cpu| track(CPUS, cpu, &format!("CPU {cpu}")));
        writer.lines.extend(cpus);
        let mut names: Vec<_> = self.names.iter().collect();
        names.sort();
        for (thread, name) in names {
            writer.lines.push(track(THREADS, *thread, name));
            writer.lines.push(track(LOCKS, *thread, name));
        }
        let mut end = 0.0;
        for (number, event) in self.events.iter().enumerate() {
            end = event.time.0 as f64 / 1000.0;
            self.write(&mut writer, number, event, end);
        }
        writer.finish(end);
        format!("{{\"traceEvents\":[\n{}\n]}}\n", writer.lines.join(",\n"))
    }

    fn write(&self, writer: &mut Writer, number: usize, event: &Event, time: f64) {
        let Event { thread, object, value, .. } = *event;
        // Who is met for the first time has been running. Arrows need a span to begin in.
        if !writer.open.contains_key(&(THREADS, thread)) {
            let name = self.names.get(&thread).map_or("?", String::as_str);
            writer.begin((CPUS, event.cpu), name.to_owned(), time);
            writer.begin((THREADS, thread), format!("runs on CPU {}", event.cpu), time);
        }
        match event.kind {
            observe::SWITCHED => {
                let next = object as u32;
                let name = self.names.get(&next).map_or("?", String::as_str);
                writer.begin((CPUS, event.cpu), name.to_owned(), time);
                writer.begin((THREADS, next), format!("runs on CPU {}", event.cpu), time);
                match value {
                    0 => writer.begin((THREADS, thread), "waits for the CPU".to_owned(), time),
                    dead if dead & DEAD != 0 => writer.end((THREADS, thread), time),
                    state => {
                        let state = format!("sleeps ({})", state_name(state));
                        writer.begin((THREADS, thread), state, time);
                    }
                }
            }
            observe::WOKE if value != 0 => {
                writer.begin((THREADS, object as u32), "waits for the CPU".to_owned(), time);
                writer.lines.push(flow("s", number, thread, time));
                writer.lines.push(flow("f", number, object as u32, time));
            }
            NOTE_TAKES if is_lock(value) => {
                let kind = if value == NOTE_SPIN_LOCK { "spin lock" } else { "mutex" };
                let span = Span { name: format!("{kind} {object:#x}"), since: time };
                writer.held.push((thread, object, span));
            }
            NOTE_GIVES if is_lock(value) => writer.gives(thread, object, time),
            _ => {}
        }
        if let Some(what) = self.say(event) {
            writer.lines.push(instant(event, &what, time));
        }
    }
}

/// Whether a note that takes or gives is about a lock.
fn is_lock(value: usize) -> bool {
    value == NOTE_SPIN_LOCK || value == observe::MUTEX
}

impl Writer {
    /// A span begins on a track, where the one before ends.
    fn begin(&mut self, track: (u32, u32), name: String, time: f64) {
        self.end(track, time);
        self.open.insert(track, Span { name, since: time });
    }

    fn end(&mut self, track: (u32, u32), time: f64) {
        if let Some(span) = self.open.remove(&track) {
            self.lines.push(slice(track, &span, time));
        }
    }

    fn gives(&mut self, thread: u32, lock: usize, time: f64) {
        let is_it = |held: &(u32, usize, Span)| (held.0, held.1) == (thread, lock);
        let Some(place) = self.held.iter().rposition(is_it) else { return };
        let (_, _, span) = self.held.remove(place);
        self.lines.push(slice((LOCKS, thread), &span, time));
    }

    /// Ends all that has not ended.
    fn finish(&mut self, time: f64) {
        let mut open: Vec<_> = self.open.drain().collect();
        open.sort_by_key(|(track, _)| *track);
        let held = self.held.drain(..).map(|(thread, _, span)| ((LOCKS, thread), span));
        let all = open.into_iter().chain(held);
        self.lines.extend(all.map(|(track, span)| slice(track, &span, time)));
    }
}

fn slice((process, track): (u32, u32), span: &Span, to: f64) -> String {
    let Span { name, since } = span;
    format!(
        "{{\"ph\":\"X\",\"pid\":{process},\"tid\":{track},\"ts\":{since:.3},\"dur\":{:.3},\"name\":{}}}",
        to - since,
        quoted(name)
    )
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
        "{{\"ph\":\"{end}\",\"bp\":\"e\",\"id\":{id},\"pid\":{THREADS},\"tid\":{thread},\"ts\":{time:.3},\"name\":\"wake-up\",\"cat\":\"wake\"}}"
    )
}

fn instant(event: &Event, what: &str, time: f64) -> String {
    format!(
        "{{\"ph\":\"i\",\"s\":\"t\",\"pid\":{THREADS},\"tid\":{},\"ts\":{time:.3},\"name\":{}}}",
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
            c if u32::from(c) < 32 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use kthreads_base::Nanos;

    fn event(micros: u64, thread: u32, kind: u32, object: usize, value: usize) -> Event {
        let time = Nanos(micros * 1000);
        let is_interrupt = false;
        Event { time, cpu: 0, thread, places: [0; 3], kind, object, value, is_interrupt }
    }

    #[test]
    fn a_trace_has_states_locks_and_arrows() {
        let story = Story {
            events: vec![
                event(1, 7, NOTE_TAKES, 0x10, observe::MUTEX),
                event(2, 7, observe::SWITCHED, 8, 2),
                event(5, 8, observe::WOKE, 7, 1),
                event(6, 8, observe::SWITCHED, 7, 0),
                event(9, 7, NOTE_GIVES, 0x10, observe::MUTEX),
            ],
            names: [(7, "one/7".to_owned()), (8, "two/8".to_owned())].into(),
        };
        let trace: serde_json::Value = serde_json::from_str(&story.trace()).expect("it is JSON");
        let events = trace["traceEvents"].as_array().expect("a list");
        let spans = |process: u32, track: u32| -> Vec<(String, f64, f64)> {
            let is_here = |event: &&serde_json::Value| {
                event["ph"] == "X" && event["pid"] == process && event["tid"] == track
            };
            let span = |event: &serde_json::Value| {
                let number = |key: &str| event[key].as_f64().unwrap_or(-1.0);
                (event["name"].as_str().unwrap_or("").to_owned(), number("ts"), number("dur"))
            };
            events.iter().filter(is_here).map(span).collect()
        };
        let is = |name: &str, from, len| (name.to_owned(), from, len);
        let states = [
            is("runs on CPU 0", 1.0, 1.0),
            is("sleeps (uninterruptible)", 2.0, 3.0),
            is("waits for the CPU", 5.0, 1.0),
            is("runs on CPU 0", 6.0, 3.0),
        ];
        assert_eq!(spans(THREADS, 7), states);
        assert_eq!(spans(LOCKS, 7), [is("mutex 0x10", 1.0, 8.0)]);
        assert_eq!(
            spans(CPUS, 0),
            [is("one/7", 1.0, 1.0), is("two/8", 2.0, 4.0), is("one/7", 6.0, 3.0)]
        );
        let arrows = events.iter().filter(|event| event["cat"] == "wake").count();
        assert_eq!(arrows, 2);
    }
}
