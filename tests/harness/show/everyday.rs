//! The many small prompts of ten weeks: what people ask every day, of the parts of three projects.

use serde_json::{Value, json};

use super::stories::{INFRA, LEDGER, TIDE};
use super::{DAYS, Story, morning};
use crate::{Seed, Told};

/// A part of a project: what it is called, its file, and a test of it.
type Part = (&'static str, &'static str, &'static str);

const LEDGER_PARTS: [Part; 10] = [
    ("invoice numbering", "src/invoice/number.rs", "numbers_have_no_gap"),
    ("the VAT table", "src/tax/vat.rs", "rates_by_country"),
    ("rounding", "src/money/round.rs", "halves_go_to_even"),
    ("the PDF export", "src/export/pdf.rs", "umlauts_are_embedded"),
    ("payment matching", "src/bank/matching.rs", "two_invoices_one_transfer"),
    ("dunning letters", "src/letters/dunning.rs", "third_letter_after_42_days"),
    ("the customer search", "src/customers/search.rs", "finds_without_accents"),
    ("credit notes", "src/invoice/credit.rs", "never_more_than_was_billed"),
    ("the CSV import", "src/import/csv.rs", "semicolons_and_quotes"),
    ("session cookies", "src/http/session.rs", "expires_after_a_day"),
];
const TIDE_PARTS: [Part; 8] = [
    ("the station map", "src/map/stations.ts", "clusters at low zoom"),
    ("the wind arrow", "src/chart/wind.ts", "points where the wind goes"),
    ("the tide curve", "src/chart/tide.ts", "is smooth across midnight"),
    ("offline mode", "src/offline/worker.ts", "serves the last forecast"),
    ("the unit switch", "src/units/convert.ts", "knots to metres per second"),
    ("the forecast cache", "src/api/cache.ts", "drops entries after an hour"),
    ("the search field", "src/search/field.tsx", "keeps the focus"),
    ("the dark theme", "src/theme/dark.css", "contrast is enough"),
];
const INFRA_PARTS: [Part; 5] = [
    ("the backup job", "roles/backup/tasks/main.yml", "restores on an empty host"),
    ("the mail relay", "roles/mail/templates/main.cf.j2", "queue drains after an outage"),
    ("certificate renewal", "roles/tls/tasks/renew.yml", "renews a week before the end"),
    ("the log rotation", "roles/logs/files/rotate.conf", "keeps fourteen days"),
    ("the firewall", "roles/net/templates/nftables.conf.j2", "drops what nobody asked for"),
];
const MODELS: [&str; 5] =
    ["claude-opus-5-5", "claude-opus-5-5", "claude-sonnet-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"];

/// Sessions of one to six prompts on most working days.
pub(crate) fn stories(now: u64) -> Vec<Story> {
    let mut seed = Seed::new(7);
    let mut stories = Vec::new();
    for days_ago in (1..DAYS).rev() {
        // 1970-01-01 was a Thursday.
        let weekend = [0, 6].contains(&((now / super::DAY_MS - days_ago + 4) % 7));
        let sessions = if weekend { seed.below(4) / 3 } else { 1 + seed.below(3) };
        for _ in 0..sessions {
            let nth = stories.len() as u64;
            stories.push(session(&mut seed, now, days_ago, nth));
        }
    }
    stories
}

fn session(seed: &mut Seed, now: u64, days_ago: u64, nth: u64) -> Story {
    let (cwd, parts): (_, &[Part]) = match seed.below(10) {
        0..5 => (LEDGER, &LEDGER_PARTS),
        5..8 => (TIDE, &TIDE_PARTS),
        _ => (INFRA, &INFRA_PARTS),
    };
    let branch = ["main", "main", "next", "fix/rounding", "search"][seed.below(5)];
    let at = morning(now, days_ago, seed);
    let mut story = Story::begin(1_000 + nth, cwd, branch, at);
    MODELS[seed.below(MODELS.len())].clone_into(&mut story.told.model);
    let nightly = nth % 13 == 6;
    if nightly {
        story.told.common.insert("entrypoint".to_owned(), "sdk-cli".into());
        story.prompt("Summarise what was merged since yesterday in three lines for the team.", Value::Null);
        story.told.bash(
            "git log --since=yesterday --format=%s main",
            "Round halves to even\nShow the third letter",
            false,
        );
        story.told.answers(
            "- Rounding follows the new rule.\n- The third letter is shown before it is sent.\n- No migration.",
        );
        return story;
    }
    for _ in 0..1 + seed.below(6) {
        turn(&mut story, parts[seed.below(parts.len())], seed);
    }
    story
}

/// What a person says afterwards, of one in three.
fn said(seed: &mut Seed, tags: &[&str], stars: usize) -> Value {
    if seed.below(3) > 0 {
        return Value::Null;
    }
    let mut set = json!({"rating": (stars + seed.below(3)).clamp(2, 6) - 1, "tags": tags});
    if seed.below(6) == 0 {
        set["star"] = true.into();
    }
    set
}

fn turn(story: &mut Story, (part, file, test): Part, seed: &mut Seed) {
    let path = format!("{}/{file}", story.told.common["cwd"].as_str().unwrap_or_default());
    let n = 2 + seed.below(60);
    match seed.below(17) / 2 {
        0 => {
            let set = said(seed, &["tests", "debugging"], 4);
            let told = story.prompt(
                &format!("`{test}` is red on {n} of 100 runs. Find out why before you change anything in {part}."),
                set,
            );
            told.bash(
                &format!("for i in $(seq 100); do ./test '{test}' || echo red; done | sort | uniq -c"),
                &format!("     {n} red"),
                false,
            );
            told.reads(&path, "// the clock is read twice\nlet begin = now();\nlet end = begin.max(now());");
            told.answers(&format!("It depends on the clock: `{file}` reads it **twice**, and when a second ends in between, the two differ.\n\nI changed nothing yet. Taking the time once at the top would be enough."));
        }
        1 => {
            let set = said(seed, &["refactor"], 3);
            let told = story.prompt(
                &format!("Split {part} into two files: what decides, and what writes. No change in behaviour."),
                set,
            );
            told.reads(&path, "pub fn run() {\n    let plan = decide();\n    write(plan);\n}");
            told.writes(&path.replace('.', "/plan."), "pub fn decide() -> Plan {\n    Plan::default()\n}\n");
            told.edits(&path, "    let plan = decide();\n    write(plan);", "    write(plan::decide());");
            told.bash("./test", &format!("{} passed, 0 failed", 200 + n), false);
            told.answers(&format!("Done: `plan` decides and knows no disk, `{file}` writes. The public names are the same, all {} tests pass.", 200 + n));
        }
        2 => {
            let set = said(seed, &["performance"], 4);
            let told = story.prompt(
                &format!("{part} takes {n} s for 40,000 rows. Measure first, then make it take less than one."),
                set,
            );
            told.bash("./bench", &format!("rows 40000  {n}.21 s\n  94 % in lookup()"), false);
            told.edits(
                &path,
                "for row in rows {\n    table.find(row.key)\n}",
                "let index = table.index();\nfor row in rows {\n    index.get(row.key)\n}",
            );
            told.bash("./bench", "rows 40000  0.38 s", false);
            told.answers(&format!("It looked every row up by reading the whole table.\n\n| | before | after |\n|---|---|---|\n| 40,000 rows | {n}.21 s | 0.38 s |\n\nAn index is built once; nothing else changed."));
        }
        3 => {
            let set = said(seed, &["explain"], 3);
            let told =
                story.prompt(&format!("Explain {part} to somebody who starts tomorrow. Ten lines at most. ({n})"), set);
            told.reads(&path, "/// See the handbook.\npub struct Rule {\n    since: Date,\n    rate: Rate,\n}");
            told.answers(&format!("`{file}` holds a list of rules, each with the day it begins on.\n\n1. The newest rule that began before the day counts.\n2. A day before the first rule is an error, not a guess.\n3. Rules are never changed, only added.\n\nThe test `{test}` shows all three."));
        }
        4 => {
            let set = said(seed, &["review"], 5);
            let told = story.prompt(
                &format!("Review the diff of {part} as somebody who has to answer the phone at night. Number {n}."),
                set,
            );
            told.bash("git diff main...HEAD --stat", &format!(" {file} | {n} ++++----"), false);
            told.agent(
                "Explore",
                &format!("Who calls {file}?"),
                "Three callers, all of them with a timeout.",
                |agent| {
                    agent.bash(&format!("grep -rn '{test}' ."), &format!("{file}:12: // {test}"), false);
                },
            );
            told.answers("Two things would wake me up:\n\n- The retry has **no limit**. If the other side is down for an hour, we send 3,600 requests.\n- The error says *failed* and not *what* failed.\n\nThe rest reads well.");
        }
        5 => {
            let set = said(seed, &["tests"], 3);
            let told = story.prompt(
                &format!(
                    "Write a test for {part} with an empty list, one with a single entry, and one with {n} entries."
                ),
                set,
            );
            told.edits(
                &path,
                "mod tests {",
                &format!(
                    "mod tests {{\n    #[test]\n    fn {}() {{\n        assert!(run(&[]).is_empty());\n    }}\n",
                    test.replace(' ', "_")
                ),
            );
            told.bash("./test", "1 failed: empty list", true);
            told.edits(&path, "rows[0]", "rows.first()?");
            told.bash("./test", "3 passed, 0 failed", false);
            told.answers("The test with the empty list failed at once: the first row was taken without asking whether there is one. That is mended, and all three pass.");
        }
        6 => {
            let told = story.prompt(
                &format!("What would break if we dropped {part}? Only list it. ({n})"),
                said(seed, &["explain"], 3),
            );
            told.calls(
                "Grep",
                &json!({"pattern": file, "path": "."}),
                &format!("{file}\ndocs/handbook.txt").into(),
                false,
                &json!({"numFiles": 2}),
            );
            told.answers("Two places use it:\n\n- the handbook links to it\n- the nightly report reads its table\n\nNothing else does, as far as text can tell.");
        }
        7 => {
            let told =
                story.prompt(&format!("Try the new parser on {part}, all {n} samples."), said(seed, &["parser"], 1));
            told.bash(
                &format!("./samples --parser new '{test}'"),
                &format!("sample {n}: expected ';' at 4:17, found end of file"),
                true,
            );
            if seed.below(2) == 0 {
                told.interrupted();
            } else {
                told.fails("API Error: 529 overloaded. Try again in a moment.");
            }
        }
        _ => {
            let told: &mut Told = story.prompt(
                &format!("Commit {part} with a message that says why, not what. (round {n})"),
                said(seed, &["git"], 3),
            );
            told.bash("git add -A && git commit -q -F -", "", false);
            told.answers(&format!("Committed:\n\n```\nSay what failed in {part}\n\nAn error without its object cost an hour last week.\n```"));
        }
    }
}
