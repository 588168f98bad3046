//! Mutates kept inputs and feeds them to a target, for so many seconds:
//! `mutate TARGET SECONDS SEED FOLDER...`
//!
//! It knows nothing of coverage, and needs nothing but a stable compiler. What a target dies of is
//! in `fuzz/artifacts/TARGET` before it dies.

mod mutate;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mutate::Mutator;

/// An input that takes longer than this is a finding.
const LONGEST: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("mutate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<String, String> {
    let [name, seconds, seed, folders @ ..] = arguments else {
        return Err("usage: mutate TARGET SECONDS SEED FOLDER...".to_owned());
    };
    let target = kthreads_fuzz::TARGETS.iter().find(|(known, _)| known == name);
    let (name, target) = *target.ok_or_else(|| format!("there is no target {name}"))?;
    let number = |text: &String| text.parse::<u64>().map_err(|error| format!("{text}: {error}"));
    let (seconds, seed) = (number(seconds)?, number(seed)?);
    let corpus = read(folders)?;
    let last = Last::new(name)?;
    for input in &corpus {
        last.keep(input)?;
        target(input);
    }
    let (begin, mut count) = (Instant::now(), 0u64);
    let mut mutator = Mutator::new(seed, corpus);
    while begin.elapsed() < Duration::from_secs(seconds) {
        let input = mutator.next();
        last.keep(&input)?;
        if let Some(time) = takes_long(target, &input) {
            return Err(format!("{name}: an input takes {time:?}: see {}", last.path()));
        }
        count += 1;
    }
    last.forget();
    Ok(format!("{name}: {count} inputs in {seconds} seconds, seed {seed}: nothing found"))
}

/// Takes an input; how long that lasts, if it is too long. The clock tells that something may be
/// wrong; then it is the processor's time that counts, as the host may have other things to do.
fn takes_long(target: fn(&[u8]), input: &[u8]) -> Option<Duration> {
    let start = Instant::now();
    target(input);
    if start.elapsed() <= LONGEST {
        return None;
    }
    let start = processor_time()?;
    target(input);
    let time = processor_time()?.saturating_sub(start);
    (time > LONGEST).then_some(time)
}

/// For how long this thread has run.
fn processor_time() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn read(folders: &[String]) -> Result<Vec<Vec<u8>>, String> {
    let mut corpus = Vec::new();
    for folder in folders {
        let entries = fs::read_dir(folder).map_err(|error| format!("{folder}: {error}"))?;
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.is_file()) {
            corpus.push(fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?);
        }
    }
    match corpus.is_empty() {
        true => Err("there are no inputs to begin with".to_owned()),
        false => Ok(corpus),
    }
}

/// The last input, in a file: it is there when the target dies.
struct Last {
    file: File,
    path: PathBuf,
}

impl Last {
    fn new(target: &str) -> Result<Last, String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts").join(target);
        let path = folder.join(format!("last-{}", std::process::id()));
        let open = || {
            fs::create_dir_all(&folder)?;
            File::create(&path)
        };
        let file = open().map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Last { file, path })
    }

    fn keep(&self, input: &[u8]) -> Result<(), String> {
        let kept = self.file.write_all_at(input, 0);
        let kept = kept.and_then(|()| self.file.set_len(input.len() as u64));
        kept.map_err(|error| format!("{}: {error}", self.path.display()))
    }

    fn path(&self) -> String {
        self.path.display().to_string()
    }

    fn forget(self) {
        // It is only clutter if it cannot be removed.
        let _ = fs::remove_file(self.path);
    }
}
