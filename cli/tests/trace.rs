//! `--trace OUT.json`: what the viewers of Chrome and Perfetto ask of a trace.

mod tool;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tool::{kthreads, root};

/// A track: its process and its thread.
type Track = (u64, u64);

/// The trace of the first thing that is found in a module.
fn trace(name: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out.json").display().to_string();
    let path = root().join("modules/bugs/interleaving").join(name).display().to_string();
    let run = kthreads(&["explore", &path, "--no-lockdep", "--trace", &file]);
    assert_eq!(run.status, Some(1), "{}", run.describe());
    assert!(run.log().is_empty(), "{}", run.describe());
    let text = std::fs::read_to_string(file).expect("a trace");
    let trace: Value = serde_json::from_str(&text).expect("it is JSON");
    trace["traceEvents"].as_array().expect("a list of events").clone()
}

fn number(event: &Value, what: &str) -> f64 {
    event[what].as_f64().unwrap_or_else(|| panic!("no {what}: {event}"))
}

fn track(event: &Value) -> Track {
    (number(event, "pid") as u64, number(event, "tid") as u64)
}

fn of_kind<'e>(events: &'e [Value], kind: &str) -> impl Iterator<Item = &'e Value> {
    events.iter().filter(move |event| event["ph"] == kind)
}

/// Where slices begin and end, by track, in order.
fn slices(events: &[Value]) -> BTreeMap<Track, Vec<(f64, f64)>> {
    let mut slices: BTreeMap<Track, Vec<(f64, f64)>> = BTreeMap::new();
    for slice in of_kind(events, "X") {
        let (start, len) = (number(slice, "ts"), number(slice, "dur"));
        assert!(len >= 0.0 && slice["name"].is_string(), "{slice}");
        slices.entry(track(slice)).or_default().push((start, start + len));
    }
    for track in slices.values_mut() {
        track.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    }
    slices
}

/// Microseconds are written with three digits.
const NOTHING: f64 = 0.0015;

#[test]
fn each_track_has_a_name_and_slices_that_are_closed_and_do_not_cross() {
    for name in ["lost_stop.c", "deadlock.c"] {
        let events = trace(name);
        let known = ["M", "X", "i", "s", "f"];
        assert!(events.iter().all(|event| known.iter().any(|kind| event["ph"] == **kind)));
        let names = of_kind(&events, "M").filter(|event| event["name"] == "thread_name");
        let names: BTreeMap<Track, &str> =
            names.map(|name| (track(name), name["args"]["name"].as_str().unwrap_or(""))).collect();
        let slices = slices(&events);
        for (track, slices) in &slices {
            assert!(names.get(track).is_some_and(|name| !name.is_empty()), "{name}: {track:?}");
            // The kernel's locks nest or follow each other; other slices follow each other.
            let mut open: Vec<f64> = Vec::new();
            for (start, end) in slices {
                open.retain(|until| *until > start + NOTHING);
                let fits = open.iter().all(|until| *end <= until + NOTHING);
                assert!(fits, "{name}: {track:?}: {start} to {end} in {open:?}");
                open.push(*end);
            }
        }
        for wanted in ["CPU 0", "CPU 1", "sh/7"] {
            let is_it = |track: &Track| names.get(track) == Some(&wanted);
            assert!(slices.keys().any(is_it), "{name}: no track of {wanted}");
        }
    }
}

#[test]
fn each_arrow_has_both_ends_in_slices() {
    let events = trace("lost_stop.c");
    let slices = slices(&events);
    let ends = |kind: &str| -> BTreeMap<u64, &Value> {
        of_kind(&events, kind).map(|end| (number(end, "id") as u64, end)).collect()
    };
    let (starts, finishes) = (ends("s"), ends("f"));
    assert!(!starts.is_empty());
    assert_eq!(starts.len() + finishes.len(), events.iter().filter(|e| e["id"].is_u64()).count());
    let ids = |ends: &BTreeMap<u64, &Value>| ends.keys().copied().collect::<BTreeSet<_>>();
    assert_eq!(ids(&starts), ids(&finishes));
    for (id, start) in &starts {
        let finish = finishes[id];
        assert!(number(start, "ts") <= number(finish, "ts"), "{start} {finish}");
        for (one, other) in [("name", "name"), ("cat", "cat")] {
            assert_eq!(start[one], finish[other]);
        }
        for end in [start, finish] {
            let time = number(end, "ts");
            let is_within =
                |slice: &(f64, f64)| slice.0 - NOTHING <= time && time <= slice.1 + NOTHING;
            let has_slice = slices.get(&track(end)).is_some_and(|all| all.iter().any(is_within));
            assert!(has_slice, "{end} is in no slice");
        }
    }
}

#[test]
fn locks_that_are_held_are_slices() {
    let events = trace("deadlock.c");
    let is_mutex =
        |event: &&Value| event["name"].as_str().is_some_and(|name| name.starts_with("mutex "));
    let held: BTreeSet<Track> = of_kind(&events, "X").filter(is_mutex).map(track).collect();
    assert!(held.len() >= 2, "{held:?}");
}
