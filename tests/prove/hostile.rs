//! What others make: bytes for every reader of ours, damaged queue files, things that are no files in the queue's folders, and a
//! database with its log of which a disk has made something else. Nothing ends a program, nothing is taken in that is not whole,
//! what is good beside it is, and damage is told or harms nothing.

mod content;
mod damage;
mod database;
mod entries;
mod files;
mod kind;
mod projects;
mod readers;

use harness::Seed;

use crate::figures::Figures;
use crate::part::Run;

pub(crate) fn run(run: &Run) -> Figures {
    let (mut figures, mut seed) = (Figures::default(), Seed::new(run.seed));
    let mut add = |what: &str, found: Figures| {
        println!("{what}: {found}");
        figures.add(&found);
    };
    add("readers", readers::run(run, &mut seed));
    add("queue files", files::run(run, &mut seed));
    add("folders of the queue", entries::run(run, &mut seed));
    add("folders of transcripts", projects::run(run, &mut seed));
    add("databases", database::run(run, &mut seed));
    figures
}
