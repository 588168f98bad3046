//! The page a story is written on: lines that say nothing new are left out or joined.

use std::fmt::Write;

use kthreads_base::Nanos;

/// Of a long story the first lines and the last are told: it is the end that matters.
const FIRST: usize = 30;
const LAST: usize = 120;

/// What a line tells of, as far as others depend on it. Threads are slot indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The thread makes this one.
    Creates(u32),
    /// It wakes this one, or would.
    Wakes(u32),
    /// An interrupt wakes this one.
    Interrupt(u32),
    /// It falls asleep, in this state.
    Sleeps(&'static str),
    /// Anything else.
    Other,
}

impl Step {
    /// The thread that it is done to.
    fn object(self) -> Option<u32> {
        match self {
            Step::Creates(thread) | Step::Wakes(thread) | Step::Interrupt(thread) => Some(thread),
            Step::Sleeps(_) | Step::Other => None,
        }
    }
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) time: Nanos,
    pub(crate) cpu: u32,
    pub(crate) thread: u32,
    pub(crate) name: String,
    pub(crate) step: Step,
    pub(crate) what: String,
    pub(crate) place: String,
}

/// The lines so far.
#[derive(Default)]
pub(crate) struct Page {
    lines: Vec<Line>,
    /// What it all comes to, and when.
    ends: Vec<(Nanos, String)>,
}

impl Page {
    /// Writes a line, unless it says nothing new.
    pub(crate) fn write(&mut self, line: Line) {
        if self.woke_for_nothing(&line) || self.is_said(&line) {
            return;
        }
        match self.lines.last_mut() {
            Some(last) if starts(last, &line) => {
                last.what = last.what.replacen("creates", "starts", 1);
                last.step = line.step;
            }
            _ => self.lines.push(line),
        }
    }

    /// Writes what it all comes to.
    pub(crate) fn ends(&mut self, time: Nanos, what: &str) {
        self.ends.push((time, what.to_owned()));
    }

    /// Whether the line repeats the last one, or wakes again a thread that was just woken there.
    fn is_said(&self, line: &Line) -> bool {
        let Some(last) = self.lines.last() else { return false };
        let same_place = (last.thread, &last.place) == (line.thread, &line.place);
        let wakes_again = matches!(line.step, Step::Wakes(_)) && last.step == line.step;
        same_place && (last.what == line.what || wakes_again)
    }

    /// Whether a thread falls asleep where it slept before, and has done nothing since an interrupt
    /// woke it; then it has not even been woken.
    fn woke_for_nothing(&mut self, line: &Line) -> bool {
        let Step::Sleeps(state) = line.step else { return false };
        let concerns =
            |old: &Line| old.thread == line.thread || old.step.object() == Some(line.thread);
        let mut before = (0..self.lines.len()).rev().filter(|at| concerns(&self.lines[*at]));
        let (Some(woken), Some(slept)) = (before.next(), before.next()) else { return false };
        let old = &self.lines[slept];
        let same = self.lines[woken].step == Step::Interrupt(line.thread)
            && (old.thread, old.step, &old.place)
                == (line.thread, Step::Sleeps(state), &line.place);
        if same {
            self.lines.remove(woken);
        }
        same
    }

    /// The text.
    pub(crate) fn text(&self) -> String {
        let lines = &self.lines;
        let wide = lines.iter().map(|line| line.name.len()).max().unwrap_or(0);
        let mut out = String::new();
        let left_out = lines.len().saturating_sub(FIRST + LAST);
        for (number, line) in lines.iter().enumerate() {
            if left_out > 1 && (FIRST..FIRST + left_out).contains(&number) {
                if number == FIRST {
                    let _ = writeln!(out, "             ... {left_out} lines ...");
                }
                continue;
            }
            let Line { time, cpu, name, what, place, .. } = line;
            let seconds = time.0 as f64 / 1e9;
            let _ = writeln!(out, "{seconds:>12.6} cpu{cpu} {name:<wide$}  {what}{place}");
        }
        for (time, what) in &self.ends {
            let _ = writeln!(out, "{:>12.6} {what}", time.0 as f64 / 1e9);
        }
        out
    }
}

/// Whether a thread wakes the one that it has just made, there: that is one call, kthread_run.
fn starts(made: &Line, woken: &Line) -> bool {
    let Step::Wakes(thread) = woken.step else { return false };
    made.step == Step::Creates(thread) && (made.thread, &made.place) == (woken.thread, &woken.place)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: u32 = 7;
    const OTHER: u32 = 8;

    fn line(thread: u32, step: Step, what: &str) -> Line {
        let name = format!("t/{thread}");
        let (what, place) = (what.to_owned(), "  [f x.c:1]".to_owned());
        Line { time: Nanos::ZERO, cpu: 0, thread, name, step, what, place }
    }

    fn written(lines: &[Line]) -> Vec<String> {
        let mut page = Page::default();
        lines.iter().for_each(|line| page.write(line.clone()));
        page.lines.into_iter().map(|line| line.what).collect()
    }

    #[test]
    fn who_wakes_for_nothing_was_not_woken() {
        let sleeps = line(ME, Step::Sleeps("idle"), "sleeps");
        let woken = line(0, Step::Interrupt(ME), "interrupt");
        let round = [woken.clone(), sleeps.clone()];
        assert_eq!(
            written(&[std::slice::from_ref(&sleeps), &round[..], &round[..]].concat()),
            ["sleeps"]
        );
        let works = line(ME, Step::Other, "works");
        let all = [sleeps.clone(), woken.clone(), works, sleeps.clone()];
        assert_eq!(written(&all), ["sleeps", "interrupt", "works", "sleeps"]);
        let missed = line(OTHER, Step::Wakes(ME), "would wake");
        let all = [sleeps.clone(), woken, missed, sleeps];
        assert_eq!(written(&all), ["sleeps", "interrupt", "would wake", "sleeps"]);
    }

    #[test]
    fn who_is_created_and_woken_is_started() {
        let creates = line(ME, Step::Creates(OTHER), "creates t/8");
        let wakes = line(ME, Step::Wakes(OTHER), "wakes t/8");
        let again = line(ME, Step::Wakes(OTHER), "would wake t/8, which is awake");
        assert_eq!(written(&[creates.clone(), wakes.clone(), again]), ["starts t/8"]);
        let elsewhere = Line { place: "  [g x.c:2]".to_owned(), ..wakes };
        assert_eq!(written(&[creates, elsewhere]), ["creates t/8", "wakes t/8"]);
    }

    #[test]
    fn the_middle_of_a_long_story_is_left_out() {
        let mut page = Page::default();
        for number in 0..FIRST + LAST + 10 {
            page.write(line(ME, Step::Other, &format!("step {number}")));
        }
        let text = page.text();
        assert!(text.contains("... 10 lines ...") && text.contains("step 0 "), "{text}");
        assert_eq!(text.lines().count(), FIRST + LAST + 1);
    }
}
