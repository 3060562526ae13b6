//! The rules: what of a conversation speaks for which tag, and why. Nothing here asks anybody or anything outside.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::human::{Tag, folded};
use crate::words_cjk::is_sign;

/// So many are offered at most.
const MOST: usize = 10;
/// And so many by one rule, that the others have their say.
const MOST_OF_A_RULE: usize = 4;

/// A tag that a conversation might get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// In the spelling that is in use, if it is.
    pub tag: String,
    /// What speaks for it, a clause for people.
    pub reason: String,
}

/// What the rules look at.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Texts by what they are, the most telling first.
    pub(super) texts: Vec<(&'static str, String)>,
    /// The command that the prompt is, as `/review` or `git`.
    pub(super) command: Option<String>,
    /// The tags around it, with how many conversations have each: in its session, in its project.
    pub(super) session: Vec<(String, i64)>,
    pub(super) project: Vec<(String, i64)>,
    /// The names of the tools, a call each.
    pub(super) tools: Vec<String>,
    /// What they were given.
    pub(super) inputs: Vec<Value>,
    /// The tags that are in use, by what they are compared by.
    pub(super) spellings: BTreeMap<String, String>,
    /// What was decided already, either way, as it is compared.
    pub(super) decided: BTreeSet<String>,
}

/// What the rules say, the most telling first.
pub(super) fn suggested(facts: &Facts) -> Vec<Suggestion> {
    let mut found: Vec<Suggestion> = Vec::new();
    let mut taken = facts.decided.clone();
    let rules = [
        used_words(facts),
        near(&facts.session, "in this session"),
        by_command(facts),
        near(&facts.project, "in this project at about that time"),
        by_files(facts),
        by_programs(facts),
        by_tools(facts),
    ];
    for rule in rules {
        let of_rule = rule.into_iter().filter_map(|(tag, reason)| {
            let tag = Tag::parse(&tag).ok()?;
            let key = folded(tag.as_str());
            let spelling = facts.spellings.get(&key).cloned().unwrap_or_else(|| tag.as_str().to_owned());
            taken.insert(key).then_some(Suggestion { tag: spelling, reason })
        });
        found.extend(of_rule.take(MOST_OF_A_RULE));
    }
    found.truncate(MOST);
    found
}

/// A rule's tags with their reasons, the most telling first.
type Found = Vec<(String, String)>;

/// Tags in use whose words stand in a text, one after the other.
fn used_words(facts: &Facts) -> Found {
    let mut by_first: HashMap<String, Vec<(Vec<String>, &String)>> = HashMap::new();
    for (key, tag) in &facts.spellings {
        let words = words(key);
        if let Some(first) = words.first() {
            by_first.entry(first.clone()).or_default().push((words, tag));
        }
    }
    let (mut found, mut times): (Vec<(&String, &str)>, HashMap<&String, usize>) = (Vec::new(), HashMap::new());
    for (place, text) in &facts.texts {
        let text = words(&folded(text));
        for (at, word) in text.iter().enumerate() {
            for (words, tag) in by_first.get(word).into_iter().flatten() {
                if text[at..].starts_with(words) {
                    let times = times.entry(tag).or_default();
                    *times += 1;
                    if *times == 1 {
                        found.push((tag, place));
                    }
                }
            }
        }
    }
    // More words say more than one, and what is said again more than what is said once.
    let weight = |tag: &String| (words(tag).len(), times.get(tag).copied().unwrap_or(0));
    found.sort_by_key(|(tag, _)| std::cmp::Reverse(weight(tag)));
    found.into_iter().map(|(tag, place)| (tag.clone(), format!("the {place} has it"))).collect()
}

/// Letters and digits in a row, with what makes another language of one (`c++`, `c#`); a sign of a script without blanks alone.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for c in text.chars() {
        let goes_on = c.is_alphanumeric() || (is_open && matches!(c, '+' | '#'));
        match words.last_mut() {
            Some(word) if is_open && goes_on && !is_sign(c) => word.push(c),
            _ if c.is_alphanumeric() => words.push(c.to_string()),
            _ => {}
        }
        is_open = goes_on && !is_sign(c);
    }
    words
}

/// What others around it have, the most frequent first.
fn near(tags: &[(String, i64)], place: &str) -> Found {
    let mut tags: Vec<_> = tags.iter().collect();
    tags.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let reason = |count: i64| match count {
        1 => format!("1 conversation {place} has it"),
        count => format!("{count} conversations {place} have it"),
    };
    tags.into_iter().map(|(tag, count)| (tag.clone(), reason(*count))).collect()
}

/// Programs whose names say nothing about a conversation.
const PLAIN_PROGRAMS: [&str; 16] = [
    "cat", "cd", "cp", "echo", "find", "grep", "head", "ls", "mkdir", "mv", "pwd", "rm", "sed", "sudo", "tail", "which",
];

/// The command that the prompt is.
fn by_command(facts: &Facts) -> Found {
    let Some(command) = &facts.command else { return Vec::new() };
    let name = command.trim_start_matches('/');
    if PLAIN_PROGRAMS.contains(&name) {
        return Vec::new();
    }
    let mut found = vec![(name.to_owned(), format!("the prompt runs `{command}`"))];
    // Of a plugin's command the plugin says something too.
    if let Some((plugin, own)) = name.split_once(':') {
        let reason = format!("the prompt runs `{command}`");
        found = vec![(own.to_owned(), reason.clone()), (plugin.to_owned(), reason)];
    }
    found
}

/// Languages by the ends of file names.
const LANGUAGES: [(&str, &[&str]); 36] = [
    ("ansible", &["j2"]),
    ("c", &["c", "h"]),
    ("c#", &["cs", "csproj"]),
    ("c++", &["cc", "cpp", "cxx", "hh", "hpp"]),
    ("clojure", &["clj", "cljs", "edn"]),
    ("css", &["css", "less", "scss"]),
    ("csv", &["csv", "tsv"]),
    ("dart", &["dart"]),
    ("elixir", &["ex", "exs"]),
    ("erlang", &["erl"]),
    ("go", &["go"]),
    ("haskell", &["hs"]),
    ("html", &["htm", "html"]),
    ("java", &["java"]),
    ("javascript", &["cjs", "js", "jsx", "mjs"]),
    ("julia", &["jl"]),
    ("jupyter", &["ipynb"]),
    ("kotlin", &["kt", "kts"]),
    ("latex", &["bib", "tex"]),
    ("lua", &["lua"]),
    ("make", &["mk"]),
    ("nix", &["nix"]),
    ("ocaml", &["ml", "mli"]),
    ("perl", &["pl", "pm"]),
    ("php", &["php"]),
    ("powershell", &["ps1"]),
    ("protobuf", &["proto"]),
    ("python", &["py", "pyi"]),
    ("ruby", &["gemspec", "rb"]),
    ("rust", &["rs"]),
    ("scala", &["sbt", "scala"]),
    ("shell", &["bash", "sh", "zsh"]),
    ("sql", &["sql"]),
    ("swift", &["swift"]),
    ("terraform", &["tf", "tfvars"]),
    ("typescript", &["cts", "mts", "ts", "tsx"]),
];

/// And by whole names, where there is no dot.
const NAMES: [(&str, &str); 2] = [("dockerfile", "docker"), ("makefile", "make")];

/// The language of a file, or what stands for one.
fn language(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    match name.rsplit_once('.') {
        Some((_, end)) => LANGUAGES.iter().find(|(_, ends)| ends.contains(&end)).map(|(language, _)| *language),
        None => NAMES.iter().find(|(known, _)| *known == name).map(|(_, language)| *language),
    }
}

/// The fields of tools' inputs that name a file.
const FILE_FIELDS: [&str; 4] = ["file_path", "notebook_path", "path", "glob"];

/// The languages of the files that tools were given, most files first.
fn by_files(facts: &Facts) -> Found {
    let mut files: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for input in &facts.inputs {
        for path in FILE_FIELDS.iter().filter_map(|field| input.get(field)?.as_str()) {
            let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
            if let Some(language) = language(name) {
                files.entry(language).or_default().insert(path);
            }
        }
    }
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_by_key(|(_, files)| std::cmp::Reverse(files.len()));
    let reason = |files: &BTreeSet<&str>| {
        let name = files.first().and_then(|path| path.rsplit(['/', '\\']).next()).unwrap_or_default();
        let name: String = name.chars().take(60).collect();
        match files.len() {
            1 => format!("a tool was given `{name}`"),
            many => format!("tools were given {many} such files, as `{name}`"),
        }
    };
    files.into_iter().map(|(language, files)| (language.to_owned(), reason(&files))).collect()
}

/// Programs that say what a conversation is about, and what that is called.
const PROGRAMS: [(&str, &str); 20] = [
    ("ansible-playbook", "ansible"),
    ("aws", "aws"),
    ("az", "azure"),
    ("cargo", "rust"),
    ("docker", "docker"),
    ("docker-compose", "docker"),
    ("ffmpeg", "ffmpeg"),
    ("gcloud", "google-cloud"),
    ("gh", "github"),
    ("glab", "gitlab"),
    ("go", "go"),
    ("helm", "kubernetes"),
    ("kubectl", "kubernetes"),
    ("mysql", "mysql"),
    ("nix", "nix"),
    ("podman", "podman"),
    ("psql", "postgresql"),
    ("pytest", "python"),
    ("sqlite3", "sqlite"),
    ("terraform", "terraform"),
];

/// What shell commands of tools run, the most frequent first.
fn by_programs(facts: &Facts) -> Found {
    let mut runs: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for line in facts.inputs.iter().filter_map(|input| input.get("command")?.as_str()) {
        let commands = line.split(['\n', ';', '|', '&', '(']);
        for program in commands.filter_map(|command| command.split_whitespace().next()) {
            if let Some((program, tag)) = PROGRAMS.iter().find(|(known, _)| *known == program) {
                runs.entry(tag).or_insert((0, program)).0 += 1;
            }
        }
    }
    let mut runs: Vec<_> = runs.into_iter().collect();
    runs.sort_by_key(|(_, (times, _))| std::cmp::Reverse(*times));
    runs.into_iter().map(|(tag, (_, program))| (tag.to_owned(), format!("a tool ran `{program}`"))).collect()
}

/// Tools that not every conversation uses, and what it is then about.
const TELLING: [(&str, &str); 6] = [
    ("EnterPlanMode", "planning"),
    ("ExitPlanMode", "planning"),
    ("NotebookEdit", "jupyter"),
    ("WebFetch", "web"),
    ("WebSearch", "web"),
    ("EnterWorktree", "worktree"),
];

/// The telling ones of its tools: those above, and the servers of others, in the order of their first use.
fn by_tools(facts: &Facts) -> Found {
    let about = |tool: &String| {
        let server =
            tool.strip_prefix("mcp__").and_then(|rest| rest.split("__").next()).filter(|name| !name.is_empty());
        let telling = || TELLING.iter().find(|(name, _)| name == tool).map(|(_, tag)| *tag);
        let tag = server.or_else(telling)?.to_owned();
        Some((tag, format!("it used the tool {tool}")))
    };
    facts.tools.iter().filter_map(about).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(facts: &Facts) -> String {
        suggested(facts).into_iter().map(|it| format!("{} ({})", it.tag, it.reason)).collect::<Vec<_>>().join(", ")
    }

    fn spellings(tags: &[&str]) -> BTreeMap<String, String> {
        tags.iter().map(|tag| (folded(tag), (*tag).to_owned())).collect()
    }

    #[test]
    fn tags_whose_words_are_said() {
        let check = |tags: &[&str], prompt: &str, expected: &str| {
            let texts = vec![("prompt", prompt.to_owned())];
            let found = suggested(&Facts { texts, spellings: spellings(tags), ..Facts::default() });
            let found: Vec<_> = found.into_iter().map(|it| it.tag).collect();
            assert_eq!(found.join(" | "), expected, "{prompt}");
        };
        check(&["Rust"], "Port this to RUST.", "Rust");
        check(&["rust"], "rusty, trust", "");
        check(&["rust"], "`rust_parser`, rust-analyzer", "rust");
        check(&["load config"], "fix load_config", "load config");
        check(&["load config"], "config, load", "");
        check(&["config", "load config"], "fix load-config", "load config | config");
        check(&["a", "b"], "b a b", "b | a");
        check(&["c", "c++", "c#"], "in C++ please", "c++");
        check(&["c", "c++", "c#"], "in C please, #1", "c");
        check(&["日本語", "本"], "日本語のテスト", "日本語 | 本");
        check(&["ZÜRICH"], "zu\u{308}rich", "ZÜRICH");
        check(&["🔥", "--"], "🔥 --", "");
        check(&["a", "b", "c", "d", "e"], "a b c d e", "a | b | c | d");
    }

    #[test]
    fn commands() {
        let check = |command: &str, expected: &str| {
            assert_eq!(list(&Facts { command: Some(command.into()), ..Facts::default() }), expected);
        };
        check("/review", "review (the prompt runs `/review`)");
        check("/pdf:fill", "fill (the prompt runs `/pdf:fill`), pdf (the prompt runs `/pdf:fill`)");
        check("git", "git (the prompt runs `git`)");
        check("ls", "");
        check("/", "");
    }

    #[test]
    fn files_and_programs() {
        let check = |inputs: &[Value], expected: &str| {
            assert_eq!(list(&Facts { inputs: inputs.to_vec(), ..Facts::default() }), expected, "{inputs:?}");
        };
        let file = |path: &str| serde_json::json!({"file_path": path, "content": "x.py"});
        check(&[file("/a/main.rs")], "rust (a tool was given `main.rs`)");
        check(
            &[file("/a/x.py"), file("/a/b.RS"), file("/a/a.rs"), file("/a/a.rs")],
            "rust (tools were given 2 such files, as `a.rs`), python (a tool was given `x.py`)",
        );
        check(&[file("C:\\src\\Dockerfile")], "docker (a tool was given `Dockerfile`)");
        check(&[file("/a.rs/README"), file("/src/go"), file("/rs/"), file(""), file("x.json")], "");
        check(&[serde_json::json!({"pattern": "x", "glob": "**/*.tsx"})], "typescript (a tool was given `*.tsx`)");
        check(&[serde_json::json!([1]), serde_json::json!({"file_path": 5, "command": null}), Value::Null], "");
        let run = |command: &str| serde_json::json!({ "command": command });
        check(&[run("cd x && kubectl get pods | grep y")], "kubernetes (a tool ran `kubectl`)");
        check(&[run("echo docker")], "");
    }

    #[test]
    fn telling_tools() {
        let check = |tools: &[&str], expected: &str| {
            let tools = tools.iter().map(|tool| (*tool).to_owned()).collect();
            assert_eq!(list(&Facts { tools, ..Facts::default() }), expected);
        };
        check(&["Read", "Bash", "Edit", "Task"], "");
        check(&["WebFetch", "WebSearch"], "web (it used the tool WebFetch)");
        check(&["mcp__github__get_issue", "mcp__github__x"], "github (it used the tool mcp__github__get_issue)");
        check(&["mcp__", "mcp__ __x"], "");
    }

    #[test]
    fn what_is_around_and_what_is_decided() {
        let tags =
            |tags: &[(&str, i64)]| tags.iter().map(|(tag, count)| ((*tag).to_owned(), *count)).collect::<Vec<_>>();
        let mut facts = Facts {
            session: tags(&[("parser", 1), ("bug", 3)]),
            project: tags(&[("Bug", 9), ("acme", 2)]),
            spellings: spellings(&["Bug"]),
            ..Facts::default()
        };
        assert_eq!(
            list(&facts),
            "Bug (3 conversations in this session have it), parser (1 conversation in this session has it), \
             acme (2 conversations in this project at about that time have it)"
        );
        facts.decided = ["bug", "acme"].map(str::to_owned).into();
        assert_eq!(list(&facts), "parser (1 conversation in this session has it)");
        let many: Vec<_> = (0..9).map(|n| (format!("s{n}"), 1)).collect();
        facts.session.clone_from(&many);
        facts.project = (0..9).map(|n| (format!("p{n}"), 1)).collect();
        facts.tools = (0..9).map(|n| format!("mcp__t{n}__x")).collect();
        let found: Vec<_> = suggested(&facts).into_iter().map(|it| it.tag).collect();
        assert_eq!(found.join(" "), "s0 s1 s2 s3 p0 p1 p2 p3 t0 t1");
    }
}
