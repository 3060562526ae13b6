//! The prompts at the top of the list, told in full: those that a page is judged by.

use serde_json::{Value, json};

use super::{DAY_MS, HOUR_MS, Story, picture};

/// An invoicing service in Rust.
pub(crate) const LEDGER: &str = "/home/maria/code/ledgerline";
/// A page with tides and wind in TypeScript.
pub(crate) const TIDE: &str = "/home/maria/code/tidepool";
/// The machines that both run on.
pub(crate) const INFRA: &str = "/srv/infra";

/// The newest last.
pub(crate) fn all(now: u64) -> Vec<Story> {
    vec![
        migration(now - 3 * DAY_MS),
        outage(now - 2 * DAY_MS - 4 * HOUR_MS),
        chart(now - DAY_MS - 2 * HOUR_MS),
        nightly(now - 9 * HOUR_MS),
        rounding(now - 3 * HOUR_MS),
        search(now - HOUR_MS),
    ]
}

const ROUND_OLD: &str = "pub fn round(amount: Decimal) -> Cents {\n    // Commercial rounding.\n    let shifted = amount * HUNDRED;\n    let whole = shifted.trunc();\n    if shifted - whole >= HALF { whole + 1 } else { whole }\n}";
const ROUND_NEW: &str = "pub fn round(amount: Decimal) -> Cents {\n    // Halves go to the even neighbour: over many lines the rests cancel out.\n    let shifted = amount * HUNDRED;\n    let whole = shifted.trunc();\n    match (shifted - whole).cmp(&HALF) {\n        Ordering::Less => whole,\n        Ordering::Greater => whole + 1,\n        Ordering::Equal => whole + whole % 2,\n    }\n}";

fn rounding(at: u64) -> Story {
    let mut story = Story::begin(1, LEDGER, "fix/rounding", at);
    story.told.titled("Rounding to even");
    let set = json!({"rating": 5, "star": true, "tags": ["money", "debugging"],
        "notes": "Asking for the failing number first saved an hour. Use this form again."});
    let told = story.prompt(
        "An invoice of 40 lines is off by two cents against the bank. Show me the smallest invoice for which our sum and the sum of the rounded lines differ, before you touch any code.",
        set,
    );
    told.thinks("The total rounds once, the lines round each. With commercial rounding the rests add up in one direction. I should search for a small case instead of arguing.");
    told.says("I will look for it by brute force over small invoices.");
    told.reads("/home/maria/code/ledgerline/src/money/round.rs", ROUND_OLD);
    told.writes(
        "/home/maria/code/ledgerline/examples/smallest.rs",
        "//! Finds the smallest invoice whose lines and total disagree.\nuse ledgerline::money::round;\n\nfn main() {\n    for lines in 1..=3 {\n        for price in 1..10_000 {\n            let net = Decimal::new(price, 3);\n            let sum: Cents = (0..lines).map(|_| round(net)).sum();\n            if sum != round(net * lines) {\n                println!(\"{lines} lines of {net}: {sum} against {}\", round(net * lines));\n                return;\n            }\n        }\n    }\n}\n",
    );
    told.bash("cargo run --quiet --example smallest", "2 lines of 0.005: 2 against 1", false);
    told.answers(
        "Two lines are enough:\n\n| lines | each | rounded | sum of lines | rounded total |\n|---|---|---|---|---|\n| 2 | 0.005 | 0.01 | **0.02** | **0.01** |\n\nEvery half goes *up*, so the error grows with the number of lines; 40 lines gave your two cents. Nothing was changed yet.\n\nTwo ways out:\n\n1. Round halves to even. The rests cancel out, the bank does the same.\n2. Round only the total, and give the rest to the last line.\n\nI would take the first: `round` has one caller and it needs no new column.",
    );
    let told = story.prompt(
        "Take the first way. Keep the old rule for invoices before 2027.",
        json!({"rating": 4, "tags": ["money"]}),
    );
    told.edits("/home/maria/code/ledgerline/src/money/round.rs", ROUND_OLD, ROUND_NEW);
    told.bash(
        "cargo test --quiet money::",
        "running 14 tests\n.............F\nfailures:\n\n---- money::round::tests::halves_go_to_even stdout ----\nassertion `left == right` failed\n  left: 3\n right: 2\n\ntest result: FAILED. 13 passed; 1 failed",
        true,
    );
    told.says("The even neighbour of 2.5 is 2: `whole % 2` adds one to odd numbers only, but here `whole` is a `Decimal` with a scale. I compare integers instead.");
    told.edits(
        "/home/maria/code/ledgerline/src/money/round.rs",
        "        Ordering::Equal => whole + whole % 2,",
        "        Ordering::Equal => whole + whole.to_i64() % 2,",
    );
    told.bash("cargo test --quiet", "running 231 tests\n...............................................................\ntest result: ok. 231 passed; 0 failed; finished in 1.94s", false);
    told.answers("Halves go to the even neighbour from 2027-01-01 on; older invoices keep their cents.\n\n```rust\nmatch (shifted - whole).cmp(&HALF) {\n    Ordering::Less => whole,\n    Ordering::Greater => whole + 1,\n    Ordering::Equal => whole + whole.to_i64() % 2,\n}\n```\n\nAll 231 tests pass. The date is in `src/money/rules.rs`, so the next rule needs no code.");
    let told =
        story.prompt("Write the commit message. Why, not what.", json!({"rating": 5, "tags": ["git", "writing"]}));
    told.bash("git diff --stat", " src/money/round.rs | 11 +++++++----\n src/money/rules.rs |  6 ++++++\n 2 files changed, 13 insertions(+), 4 deletions(-)", false);
    told.answers("```\nRound halves to even from 2027 on\n\nAn invoice of 40 lines was two cents above its total, because every\nhalf went up. Banks round to even; so do we, for new invoices only,\nsince printed ones must not change.\n```");
    story
}

fn search(at: u64) -> Story {
    let mut story = Story::begin(2, TIDE, "search", at);
    story.told.model = "claude-sonnet-5-5".to_owned();
    let set = json!({"rating": 4, "tags": ["accessibility"], "star": true});
    let told = story.prompt("The search field loses the focus after every letter. Find the cause, do not guess.", set);
    told.calls(
        "Grep",
        &json!({"pattern": "key=\\{", "path": "src/search"}),
        &"src/search/field.tsx:18\nsrc/search/list.tsx:7".into(),
        false,
        &json!({"numFiles": 2}),
    );
    told.reads("/home/maria/code/tidepool/src/search/field.tsx", "export function Field({ query, onQuery }: Props) {\n  return (\n    <label key={query}>\n      <span>Station</span>\n      <input value={query} onChange={(event) => onQuery(event.target.value)} />\n    </label>\n  );\n}");
    told.edits("/home/maria/code/tidepool/src/search/field.tsx", "    <label key={query}>", "    <label>");
    told.bash("npm test -- search", " ✓ keeps the focus (41 ms)\n ✓ finds without accents (3 ms)\n\n 2 passed", false);
    told.answers("The label had `key={query}`: with every letter React saw another element, threw the old one away and built a new input without focus.\n\n```tsx\n<label>\n  <span>Station</span>\n  <input value={query} onChange={(event) => onQuery(event.target.value)} />\n</label>\n```\n\nThe key is gone, and a test types three letters and looks where the focus is.");
    let told =
        story.prompt("Now the same for the arrow keys: down goes into the list, escape comes back.", Value::Null);
    told.agent(
        "Explore",
        "Find out how the list marks the chosen station",
        "`list.tsx` keeps an index in state and sets `aria-activedescendant`. The field does not know it.",
        |agent| {
            agent.bash(
                "grep -rn activedescendant src",
                "src/search/list.tsx:22:      aria-activedescendant={ids[chosen]}",
                false,
            );
            agent.reads("/home/maria/code/tidepool/src/search/list.tsx", "const [chosen, setChosen] = useState(-1);");
        },
    );
    told.edits("/home/maria/code/tidepool/src/search/field.tsx", "onChange={(event) => onQuery(event.target.value)} />", "onChange={(event) => onQuery(event.target.value)}\n        onKeyDown={(event) => event.key === \"ArrowDown\" && onDown()}\n        aria-controls=\"stations\"\n      />");
    told.bash(
        "npm test -- search",
        " ✓ keeps the focus (40 ms)\n ✓ down goes into the list (22 ms)\n ✓ escape comes back (19 ms)",
        false,
    );
    told.answers("Down moves into the list, escape returns to the field with the text as it was. The list keeps `aria-activedescendant`, so a screen reader says the station that is chosen.");
    story
}

fn chart(at: u64) -> Story {
    let mut story = Story::begin(3, TIDE, "main", at);
    story.said.push(super::Said {
        prompt: "Why does this chart jump on Thursday? The data of the station looks smooth to me.".to_owned(),
        set: json!({"rating": 3, "tags": ["charts"]}),
    });
    let told = &mut story.told;
    told.prompt_with_image(
        "Why does this chart jump on Thursday? The data of the station looks smooth to me.",
        &picture::bars(&[42, 48, 55, 96, 61, 52, 44, 40]),
    );
    told.bash(
        "node tools/dump.js cuxhaven | head -4",
        "2026-11-18T23:50Z 1.42\n2026-11-19T00:00Z 2.86\n2026-11-19T00:10Z 1.44\n2026-11-19T00:20Z 1.47",
        false,
    );
    told.answers("At midnight UTC the station sends **one** value in feet instead of metres: 2.86 is 1.43 × 2, not a tide.\n\n> Their status page names a restart at 00:00.\n\nA value that is more than 0.5 m away from both neighbours could be drawn as a gap. Shall I?");
    let told = story.prompt("Yes, as a gap, and count them.", json!({"rating": 4, "tags": ["charts", "tests"]}));
    told.edits(
        "/home/maria/code/tidepool/src/chart/tide.ts",
        "const points = values;",
        "const points = values.map((value, at) => (isSpike(values, at) ? null : value));",
    );
    told.bash("npm test -- tide", " ✓ is smooth across midnight (12 ms)\n ✓ a spike is a gap (4 ms)", false);
    told.answers("Spikes are gaps now. The header shows how many there were; on Thursday it was one.");
    story
}

fn outage(at: u64) -> Story {
    let mut story = Story::begin(4, INFRA, "main", at);
    let set = json!({"rating": 2, "tags": ["operations"], "notes": "It restarted the relay before it had looked at the queue. Say next time: look only."});
    let told = story.prompt("Mail has been stuck for an hour. What is going on?", set);
    told.bash(
        "systemctl status postfix --no-pager | head -5",
        "● postfix.service - Postfix Mail Transport Agent\n     Active: active (exited) since Tue 06:12:44 UTC; 9h ago",
        false,
    );
    told.bash("postqueue -p | tail -1", "-- 4821 Kbytes in 312 Requests.", false);
    told.bash("systemctl restart postfix", "Failed to restart postfix.service: Access denied", true);
    told.answers("The queue holds 312 messages, all for one domain. Their server answers `451 4.7.1 greylisted`, so ours waits, as it should. Nothing is lost; the next try is in 12 minutes.");
    let told = story.prompt(
        "Look only, change nothing: which of them are older than a day?",
        json!({"rating": 5, "tags": ["operations"]}),
    );
    told.bash("postqueue -j | jq -r 'select(.arrival_time < (now - 86400)) | .queue_id'", "", false);
    told.answers("None. The oldest is from 14:02 today.");
    let told = story.prompt(
        "Write down for the next time how to see this in one minute.",
        json!({"rating": 4, "tags": ["operations", "writing"]}),
    );
    told.writes("/srv/infra/docs/mail.txt", "# Mail is stuck\n\n1. `postqueue -p | tail -1`: how many wait?\n2. `postqueue -j | jq -r .recipients[].delay_reason | sort | uniq -c`: why?\n3. A 4xx answer means: wait. A 5xx answer means: read it.\n");
    told.fails("API Error: 529 overloaded. Try again in a moment.");
    story
}

fn nightly(at: u64) -> Story {
    let mut story = Story::begin(5, INFRA, "main", at);
    story.told.common.insert("entrypoint".to_owned(), "sdk-cli".into());
    story.told.model = "claude-haiku-5-5".to_owned();
    let told =
        story.prompt("Read the backup log of last night. Answer OK or say in one line what is wrong.", Value::Null);
    told.bash(
        "journalctl -u backup --since yesterday --no-pager | tail -3",
        "backup[811]: 41 GB in 12 min\nbackup[811]: verify: ok\nbackup[811]: done",
        false,
    );
    told.answers("OK");
    story
}

fn migration(at: u64) -> Story {
    let mut story = Story::begin(6, LEDGER, "next", at);
    story.told.titled("Customers get a second address");
    let told = story.prompt(
        "Plan the migration that gives customers a second address. 2.1 million rows, no downtime, and we must be able to go back for a week. Give me the steps, the SQL of each, and how I see that it worked. No code yet.",
        json!({"rating": 5, "star": true, "tags": ["database", "planning"], "notes": "Steps, SQL, and how to see it: ask for these three every time."}),
    );
    told.thinks(
        "Expand, copy, switch, contract. The copy has to be in batches with a pause, since the replica is slow.",
    );
    told.reads("/home/maria/code/ledgerline/migrations/0031_customers.sql", "CREATE TABLE customers (\n  id     bigint PRIMARY KEY,\n  name   text NOT NULL,\n  street text,\n  city   text\n);");
    told.answers("Four steps, each of which can be taken back.\n\n### 1. Expand\n\n```sql\nCREATE TABLE addresses (\n  customer bigint NOT NULL REFERENCES customers,\n  kind     text   NOT NULL CHECK (kind IN ('billing', 'shipping')),\n  street   text,\n  city     text,\n  PRIMARY KEY (customer, kind)\n);\n```\n\n*Seen by:* the table is empty, nobody reads it.\n\n### 2. Write to both\n\nA trigger copies every change of `customers` into `addresses`.\n\n### 3. Copy what is there\n\n```sql\nINSERT INTO addresses\nSELECT id, 'billing', street, city FROM customers\nWHERE id BETWEEN $1 AND $1 + 9999\nON CONFLICT DO NOTHING;\n```\n\n210 batches, a pause of 200 ms after each: about **three minutes**.\n\n*Seen by:* `SELECT count(*)` of both agree.\n\n### 4. Read from the new one\n\nBehind a switch. Going back is the switch; the old columns stay for a week.\n\n- [x] no lock longer than 50 ms\n- [x] the replica keeps up\n- [ ] drop the columns, on the 8th day");
    let told = story.prompt("Write step one and the trigger.", json!({"rating": 4, "tags": ["database"]}));
    told.writes("/home/maria/code/ledgerline/migrations/0032_addresses.sql", "-- A customer has more than one address: billing and shipping.\nCREATE TABLE addresses (\n  customer bigint NOT NULL REFERENCES customers,\n  kind     text   NOT NULL CHECK (kind IN ('billing', 'shipping')),\n  street   text,\n  city     text,\n  PRIMARY KEY (customer, kind)\n);\n\nCREATE TRIGGER copy_address AFTER INSERT OR UPDATE ON customers\nFOR EACH ROW EXECUTE FUNCTION copy_address();\n");
    told.bash("make migrate-test", "0032_addresses.sql ... ok (18 ms)\n0032_addresses.sql down ... ok (6 ms)", false);
    told.answers("`0032_addresses.sql` goes up in 18 ms and down in 6 ms on the copy of last night.");
    let told = story.prompt("And a check that I can run every hour until the week is over.", Value::Null);
    told.writes("/home/maria/code/ledgerline/ops/check-addresses.py", "\"\"\"Says whether both tables agree. Exit code 1 if not.\"\"\"\nimport sys\n\nimport psycopg\n\nQUERY = \"\"\"\n    SELECT count(*) FROM customers c\n    LEFT JOIN addresses a ON a.customer = c.id AND a.kind = 'billing'\n    WHERE a.street IS DISTINCT FROM c.street\n\"\"\"\n\nwith psycopg.connect() as db:\n    different = db.execute(QUERY).fetchone()[0]\nprint(f\"{different} customers differ\")\nsys.exit(different > 0)\n");
    told.bash("python3 ops/check-addresses.py", "0 customers differ", false);
    told.answers("`ops/check-addresses.py` prints one line and ends with 1 if anything differs. A line for cron:\n\n```\n7 * * * * cd /srv/ledgerline && python3 ops/check-addresses.py || mail -s 'addresses differ' maria\n```");
    story
}
