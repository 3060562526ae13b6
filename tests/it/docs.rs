//! Every page is true: whoever follows README.md and docs/ line by line, as a new user would, meets no command that fails, no
//! output that is another now, no key or column that there is not, and no link that leads nowhere.

mod links; // every link leads somewhere, and every page is reached
mod model; // the columns that docs/data-model.md names
mod page; // a page as fences and comments
mod printed; // what pages show as output
mod reader; // a reader with a shell
mod words; // the words and flags that are named in passing

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use page::{Fence, Page};
use reader::{Ran, Reader, Stage};

/// Pages that are still to be written in this form.
const UNCONVERTED: &[&str] = &[];

/// Pages that begin before anything is installed.
const FROM_NOTHING: [&str; 3] = ["README.md", "docs/README.md", "docs/install.md"];

/// What a fence may be. `console` and `text` are shown and not run; of `yaml` the scripts must stand in a `sh` fence too.
const LANGUAGES: [&str; 8] = ["sh", "http", "sql", "toml", "json", "text", "console", "yaml"];

/// At most this part of all commands is left out, in percent.
const LEFT_OUT: usize = 15;

fn pages() -> Vec<Page> {
    page::all().into_iter().filter(|page| !UNCONVERTED.contains(&page.name.as_str())).collect()
}

/// How many commands ran, and how many were left out by reason.
#[derive(Default)]
struct Count {
    ran: usize,
    left_out: BTreeMap<String, usize>,
}

impl Count {
    fn leave_out(&mut self, why: &str, commands: usize) {
        *self.left_out.entry(why.to_owned()).or_default() += commands;
    }
}

/// The fences of a page that are run; what of the others is counted as left out.
fn runnable<'a>(page: &'a Page, count: &mut Count) -> Vec<&'a Fence> {
    let is_run = |fence: &&Fence| fence.not_run.is_none() && !fence.commands().is_empty();
    for fence in page.fences.iter().filter(|fence| !is_run(fence)) {
        let shown = fence.lines.iter().filter(|line| line.starts_with("$ ")).count();
        match &fence.not_run {
            Some(why) => count.leave_out(why, fence.commands().len().max(shown)),
            None if fence.language == "console" => count.leave_out("shown only", shown),
            None => {}
        }
    }
    page.fences.iter().filter(is_run).collect()
}

/// Runs a page from top to bottom, and holds what it shows against what is printed.
fn follow(page: &Page) -> Count {
    let mut count = Count::default();
    let run = runnable(page, &mut count);
    if run.is_empty() {
        return count;
    }
    let stage = if FROM_NOTHING.contains(&page.name.as_str()) { Stage::Empty } else { Stage::Used };
    let reader = Reader::new(stage);
    let ran = reader.types(page, &run);
    count.ran = ran.iter().map(Vec::len).sum();
    let home = reader.world().home().display().to_string();
    for (fence, ran) in run.iter().zip(&ran) {
        let shown = page.fences.iter().skip_while(|other| other.line <= fence.line).take(1);
        for shown in shown.filter(|shown| shown.follows && shown.language == "text" && !shown.not_as_printed) {
            let printed: String = ran.iter().map(|ran| ran.printed.as_str()).collect();
            let missing = printed::missing(&shown.lines, &printed, &home);
            assert!(missing.is_none(), "{}:{}: nothing prints {missing:?}; there is\n{printed}", page.name, shown.line);
        }
        let is_idle = |ran: &&Ran| finds_nothing(&ran.printed) || fence.language == "sql" && ran.printed.is_empty();
        let idle = ran.iter().find(is_idle).filter(|_| stage == Stage::Used).map(|ran| ran.command.line);
        assert_eq!(idle, None, "{}: an example that finds nothing shows nothing", page.name);
    }
    count
}

/// What shows a reader nothing: a search without a hit, a list without an item.
fn finds_nothing(printed: &str) -> bool {
    let answer: serde_json::Value = serde_json::from_str(printed).unwrap_or_default();
    printed == "nothing found\n" || answer["items"].as_array().is_some_and(Vec::is_empty)
}

#[test]
fn every_command_of_every_page_runs() {
    let only = std::env::var("PROMPT_MANAGER_TEST_PAGE").unwrap_or_default();
    let (mut total, mut failed) = (Count::default(), Vec::new());
    for page in pages().iter().filter(|page| page.name.contains(&only)) {
        match catch_unwind(AssertUnwindSafe(|| follow(page))) {
            Ok(count) => {
                let left: usize = count.left_out.values().sum();
                println!("{:>4} ran {left:>3} left out  {}", count.ran, page.name);
                total.ran += count.ran;
                count.left_out.iter().for_each(|(why, commands)| total.leave_out(why, *commands));
            }
            Err(_) => failed.push(page.name.clone()),
        }
    }
    let left: usize = total.left_out.values().sum();
    println!("{:>4} ran {left:>3} left out: {:#?}", total.ran, total.left_out);
    assert!(failed.is_empty(), "pages that do not hold: {failed:?}");
    assert!(left * 100 <= LEFT_OUT * (total.ran + left), "{left} of {} commands are left out", total.ran + left);
    assert!(!only.is_empty() || total.ran > 150, "only {} commands ran", total.ran);
}

/// One home that is empty at the beginning, and all pages in the order of docs/README.md, each in a new shell. This reader has no
/// history to bring, and makes no command of requests to the API.
#[test]
fn whoever_reads_it_all_meets_no_command_that_fails() {
    let reader = Reader::new(Stage::Empty);
    let mut ran = 0;
    for name in links::path_of_a_reader() {
        let page = Page::read(&name);
        let mut run = runnable(&page, &mut Count::default());
        run.retain(|fence| fence.language != "http" && (name != "README.md" || fence.first.is_empty()));
        ran += reader.types(&page, &run).iter().map(Vec::len).sum::<usize>();
    }
    println!("{ran} commands, one after the other");
    assert!(ran > 150, "only {ran} commands");
}

#[test]
fn every_fence_says_what_it_is() {
    let mut wrong = Vec::new();
    for page in pages() {
        for fence in &page.fences {
            let mut complain = |what: &str| wrong.push(format!("{}:{}: {what}", page.name, fence.line));
            if !LANGUAGES.contains(&fence.language.as_str()) {
                complain(&format!("{:?} is no language of ours", fence.language));
            }
            if fence.language != "console" && fence.lines.iter().any(|line| line.starts_with("$ ")) {
                complain("a command that can be run stands in a sh fence, without a prompt");
            }
            if fence.language == "json" && !is_json(&fence.lines.join("\n")) {
                complain("this is no JSON");
            }
            if fence.language == "yaml" {
                let shell = |fence: &&Fence| fence.language == "sh" && fence.not_run.is_none();
                let run: Vec<&str> =
                    page.fences.iter().filter(shell).flat_map(|fence| &fence.lines).map(|line| line.trim()).collect();
                let elsewhere = fence.scripts().into_iter().find(|line| !run.contains(line));
                elsewhere.into_iter().for_each(|line| complain(&format!("no sh fence of this page runs {line:?}")));
            }
            if fence.not_run.as_deref().is_some_and(|why| why.len() < 8) {
                complain("why is it not run?");
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Documents, or the fields of one.
fn is_json(text: &str) -> bool {
    let is_read = |text: &str| {
        serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>().all(|value| value.is_ok())
    };
    is_read(text) || is_read(&format!("{{{text}}}"))
}
