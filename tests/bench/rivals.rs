//! What programs that others made cost for the same things, measured the same way on the same corpus, on this machine and without
//! a network.
//!
//! They are fetched by `ops/bench` and run with a home of their own, in a network namespace that holds nothing but loopback; so
//! are ours. The corpus has few words, as the figures that are published of such programs were made with few. What a program does
//! not do is a dash. One that cannot be fetched or run is told in a line, with its own words.

mod agentsview;
mod memory;
mod ours;
mod replay;
mod run;
mod sqlite;
mod stage;

use std::os::unix::process::CommandExt;
use std::process::Command;

use stage::Stage;

use crate::gather::programs;
use crate::machine;
use crate::table::{Side, Table, number};

/// Set where there is no network any more.
const INSIDE: &str = "PROMPT_MANAGER_BENCH_INSIDE";

/// What was measured of a program; what it does not do is not there.
#[derive(Debug, Default)]
struct Measures {
    /// The program and its version.
    program: String,
    /// Seconds, the first time and with nothing new.
    import: Option<[f64; 2]>,
    /// Bytes on disk after it.
    disk: Option<u64>,
    /// KiB that it and its children had at most meanwhile.
    peak: Option<u64>,
    /// Milliseconds, p50 and p95, from spawn to exit.
    hook: Option<[f64; 2]>,
    /// Milliseconds, p50 and p95: a page of 50; a word that is in one prompt; one that is nearly everywhere.
    list: Option<[f64; 2]>,
    rare: Option<[f64; 2]>,
    common: Option<[f64; 2]>,
    /// KiB of the server after all of these.
    serving: Option<u64>,
    /// Milliseconds, median, from a prompt to its being found.
    found: Option<f64>,
}

/// A program, by the name of its folder, and what measures it.
type Rival = (&'static str, fn(&Stage) -> Result<Measures, String>);

const RIVALS: &[Rival] = &[
    ("prompt-manager", ours::measured),
    ("agentsview", agentsview::measured),
    ("claude-code-to-sqlite", sqlite::measured),
    ("claude-replay", replay::measured),
    ("claude-mem", memory::measured),
];

/// Measures and prints the table; whether ours could be measured.
pub(crate) fn table(quick: bool, markdown: bool) -> bool {
    if std::env::var_os(INSIDE).is_none() {
        programs();
        return without_network();
    }
    let stage = Stage::new(if quick { 50 } else { 1_000 }, if quick { 20 } else { 100 });
    let mut table = heads();
    let mut failures = Vec::new();
    for (name, measured) in RIVALS {
        eprintln!("== {name}");
        match stage.fetched(name).and_then(|()| measured(&stage)) {
            Ok(measures) => table.row(measures.cells(stage.bytes)),
            Err(why) => failures.push(format!("{name}: {why}")),
        }
    }
    println!("{}", table.said(markdown));
    failures.iter().for_each(|why| println!("not measured: {why}"));
    println!(
        "The corpus: {} files, {} MB, 57 words. Pairs are p50 and p95; prompt to found is a median, ours by a hook, else by a line\n\
         of a transcript. {}, {}, only loopback",
        stage.files,
        number(stage.bytes as f64 / 1e6),
        machine::today(),
        machine::described()
    );
    !failures.iter().any(|why| why.starts_with(RIVALS[0].0))
}

/// Runs this program again where nothing but loopback is; gives whether that went well.
fn without_network() -> bool {
    let own = std::env::current_exe().expect("this program's own path");
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"));
    let mut unshare = Command::new("unshare");
    unshare.arg("-n").args((!root).then_some("-r"));
    unshare.args(["sh", "-c", r#"ip link set lo up && exec "$@""#, "sh"]).arg(own).args(std::env::args_os().skip(1));
    // It takes this one's place, and comes back only if it cannot.
    let error = unshare.env(INSIDE, "1").exec();
    eprintln!("bench: a namespace without a network cannot be made: {error}");
    false
}

fn heads() -> Table {
    use Side::{Left, Right};
    Table::new(&[
        ("", Left),
        ("import s", Right),
        ("MB/s", Right),
        ("again s", Right),
        ("disk, x corpus", Right),
        ("peak MiB", Right),
        ("hook ms", Right),
        ("list ms", Right),
        ("rare word ms", Right),
        ("common word ms", Right),
        ("server MiB", Right),
        ("prompt to found ms", Right),
    ])
}

impl Measures {
    fn cells(&self, corpus: u64) -> Vec<String> {
        let dash = || "-".to_owned();
        let one = |value: Option<f64>| value.map_or_else(dash, number);
        let pair = |value: Option<[f64; 2]>| value.map_or_else(dash, |[a, b]| format!("{} / {}", number(a), number(b)));
        let mib = |kib: Option<u64>| one(kib.map(|kib| kib as f64 / 1024.0));
        let corpus = corpus as f64;
        vec![
            self.program.clone(),
            one(self.import.map(|[first, _]| first)),
            one(self.import.map(|[first, _]| corpus / 1e6 / first)),
            one(self.import.map(|[_, again]| again)),
            self.disk.map_or_else(dash, |bytes| format!("{:.2}", bytes as f64 / corpus)),
            mib(self.peak),
            pair(self.hook),
            pair(self.list),
            pair(self.rare),
            pair(self.common),
            mib(self.serving),
            one(self.found),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_does_not_do_is_a_dash() {
        let measures = Measures {
            program: "it 1.0".to_owned(),
            import: Some([2.0, 0.5]),
            hook: Some([1.5, 20.0]),
            ..Measures::default()
        };
        let mut table = heads();
        table.row(measures.cells(200_000_000));
        let text = table.to_string();
        let row = text.lines().last().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(row, "it 1.0 2.00 100 0.500 - - 1.50 / 20.0 - - - - -");
    }
}
