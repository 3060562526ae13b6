//! The plugin's folder: each file is written beside itself and renamed, the program before what calls it and the manifest last, so
//! that the hook is never missing while sessions run and a folder with a manifest is whole. It is taken away the other way round.
//!
//! A folder of that name that we did not make is never touched, and neither are files in ours that we did not write.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::NAME;
use super::contents::{Contents, FILES, MANIFEST, MARKETPLACE, RATE};
use crate::disk::replace_durably;
use crate::error::{At, Error};
use crate::setup::copy::{self, Renewed};
use crate::setup::record;
use crate::setup::user::Effect;

const PROGRAM: &str = "bin/prompt-hook";
const MARKETPLACE_FILE: &str = ".claude-plugin/marketplace.json";
/// Folders that we make, the inner ones first.
const FOLDERS: [&str; 6] = ["skills/search", "skills", "commands", "hooks", "bin", ".claude-plugin"];

/// Where the plugin lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Folder {
    /// In the skills directory of a configuration: this folder.
    Skill(PathBuf),
    /// In this marketplace, which has nothing else.
    Marketplace(PathBuf),
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It was so before.
    None,
    /// It was made.
    New,
    /// Some of it is new.
    Renewed,
}

impl Change {
    /// How a person is told of it.
    pub(super) fn told(self, effect: Effect) -> Option<&'static str> {
        match (self, effect) {
            (Self::None, _) => None,
            (Self::New, Effect::Change) => Some("set up"),
            (Self::Renewed, Effect::Change) => Some("renewed"),
            (Self::New, Effect::Tell) => Some("would set up"),
            (Self::Renewed, Effect::Tell) => Some("would renew"),
        }
    }
}

impl Folder {
    /// The one of this configuration.
    pub(super) fn skill(config: &Path) -> Self {
        Self::Skill(config.join("skills").join(NAME))
    }

    /// The one in this marketplace.
    pub(super) fn marketplace(root: &Path) -> Self {
        Self::Marketplace(root.to_owned())
    }

    /// One on record.
    pub(super) fn recorded(plugin: &record::Plugin) -> Self {
        let path = plugin.path.clone();
        if plugin.marketplace { Self::Marketplace(path) } else { Self::Skill(path) }
    }

    /// What is on record, and taken away.
    pub(super) fn root(&self) -> &Path {
        match self {
            Self::Skill(path) | Self::Marketplace(path) => path,
        }
    }

    pub(super) fn is_marketplace(&self) -> bool {
        matches!(self, Self::Marketplace(_))
    }

    /// The plugin itself.
    fn plugin(&self) -> PathBuf {
        match self {
            Self::Skill(path) => path.clone(),
            Self::Marketplace(path) => path.join(NAME),
        }
    }

    /// The configuration whose skills directory it lies in.
    pub(super) fn config(&self) -> Option<&Path> {
        match self {
            Self::Skill(path) => path.parent().and_then(Path::parent),
            Self::Marketplace(_) => None,
        }
    }

    /// Folders above it that are not there yet, the outer one first.
    pub(super) fn missing(&self) -> Vec<PathBuf> {
        let above = self.root().ancestors().skip(1).take_while(|folder| !folder.exists());
        let mut missing: Vec<_> = above.map(Path::to_owned).collect();
        missing.reverse();
        missing
    }

    /// Whether there is a plugin, ours or not.
    pub(super) fn is_there(&self) -> bool {
        self.plugin().join(MANIFEST).is_file()
    }

    /// Whether it has `/rate`.
    pub(super) fn has_rate(&self) -> bool {
        self.is_there() && self.plugin().join(RATE).is_file()
    }

    /// Whether what is there is a plugin as we make it: by its manifest and its program.
    pub(super) fn is_ours(&self) -> bool {
        let plugin = self.plugin();
        let Ok(text) = fs::read(plugin.join(MANIFEST)) else { return false };
        let name = serde_json::from_slice::<Value>(&text).ok().map(|manifest| manifest["name"].clone());
        !self.root().is_symlink() && name.is_some_and(|name| name == NAME) && plugin.join(PROGRAM).exists()
    }

    /// Leaves alone what somebody else has there.
    ///
    /// # Errors
    /// [`Error::Refused`], if it is there, is not on record and does not look like ours.
    pub(super) fn refuse_foreign(&self, is_recorded: bool) -> Result<(), Error> {
        let root = self.root();
        let is_link = root.is_symlink();
        let is_empty = fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_none());
        if !is_link && (is_recorded || is_empty || !root.exists() || self.is_ours()) {
            return Ok(());
        }
        let problem = "is there already and is none of ours; move it away, or write the plugin elsewhere with --out";
        Err(Error::Refused { path: root.to_owned(), problem: problem.to_owned() })
    }

    /// Makes it say what `contents` says, with a copy of `hook`, whose bytes are `program`.
    ///
    /// # Errors
    /// Those of [`copy::place`]; the operating system's.
    pub(super) fn write(
        &self,
        contents: &Contents,
        hook: &Path,
        program: &[u8],
        effect: Effect,
    ) -> Result<Change, Error> {
        let plugin = self.plugin();
        let was_there = self.is_there();
        let says = |path: &Path, bytes: &[u8]| fs::read(path).is_ok_and(|there| there == bytes);
        let mut files: Vec<_> = contents.files.iter().map(|(file, text)| (plugin.join(file), text.as_str())).collect();
        if self.is_marketplace() {
            files.push((self.root().join(MARKETPLACE_FILE), MARKETPLACE));
        }
        files.retain(|(path, text)| !says(path, text.as_bytes()));
        let stale = FILES.iter().filter(|file| contents.of(file).is_none()).map(|file| plugin.join(file));
        let stale: Vec<_> = stale.filter(|path| path.exists()).collect();
        let copy = plugin.join(PROGRAM);
        let mut is_changed = !files.is_empty() || !stale.is_empty() || !says(&copy, program);
        if effect == Effect::Change {
            is_changed |= copy::place(hook, &copy)? == Renewed::New;
            for (path, text) in &files {
                let folder = path.parent().unwrap_or(&plugin);
                DirBuilder::new().recursive(true).mode(0o700).create(folder).at("make", folder)?;
                replace_durably(path, text.as_bytes(), 0o600)?;
            }
            stale.iter().try_for_each(|path| remove_file(path))?;
        }
        Ok(match (is_changed, was_there) {
            (false, _) => Change::None,
            (true, false) => Change::New,
            (true, true) => Change::Renewed,
        })
    }

    /// Takes away what we wrote. Gives whether something is left, which is not ours.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn remove(&self) -> Result<bool, Error> {
        let (root, plugin) = (self.root(), self.plugin());
        if root.is_symlink() {
            return Ok(true);
        }
        let mut files = FILES.map(|file| plugin.join(file)).to_vec();
        if self.is_marketplace() {
            files.insert(0, root.join(MARKETPLACE_FILE));
        }
        for file in files {
            remove_file(&file)?;
            // What one left that died while it was written.
            remove_file(&file.with_added_extension("partial"))?;
        }
        copy::remove(&plugin.join(PROGRAM))?;
        // A folder that holds what is not ours stays.
        for folder in FOLDERS.map(|folder| plugin.join(folder)).iter().chain([&plugin]) {
            let _ = fs::remove_dir(folder);
        }
        if self.is_marketplace() {
            let _ = fs::remove_dir(root.join(".claude-plugin"));
        }
        let _ = fs::remove_dir(root);
        if let Some(config) = self.config() {
            // The client makes it for each plugin that it loads, and puts nothing there by itself.
            let _ = fs::remove_dir(config.join("plugins/data").join(format!("{NAME}-skills-dir")));
        }
        Ok(root.exists())
    }
}

fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Err(error).at("remove", path)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::call::{Call, Form, Program, Rate};
    use crate::setup::events;
    use std::os::unix::fs::PermissionsExt;

    struct Machine {
        dir: tempfile::TempDir,
    }

    impl Machine {
        fn new() -> Self {
            let machine = Self { dir: tempfile::tempdir().unwrap() };
            machine.build("exit 0");
            machine
        }

        fn build(&self, line: &str) {
            let path = self.dir.path().join("built");
            fs::write(&path, format!("#!/bin/sh\n{line}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }

        fn put(&self, folder: &Folder, rate: Rate, effect: Effect) -> Change {
            let hook = self.dir.path().join("built");
            let program = fs::read(&hook).unwrap();
            let call = Call { program: Program::OfPlugin, queue: "/q", spill: None, form: Form::Exec, rate };
            let contents = Contents::new(&call, &events::of(None), &program);
            folder.write(&contents, &hook, &program, effect).unwrap()
        }

        fn folders(&self) -> [Folder; 2] {
            [Folder::skill(&self.dir.path().join("claude")), Folder::marketplace(&self.dir.path().join("out"))]
        }
    }

    #[test]
    fn it_is_made_renewed_and_taken_away() {
        let machine = Machine::new();
        for folder in machine.folders() {
            machine.build("exit 0");
            folder.refuse_foreign(false).unwrap();
            assert_eq!(machine.put(&folder, Rate::Answered, Effect::Tell), Change::New);
            assert!(!folder.root().exists());
            assert_eq!(machine.put(&folder, Rate::Answered, Effect::Change), Change::New);
            assert!(folder.is_there() && folder.is_ours());
            assert_eq!(machine.put(&folder, Rate::Answered, Effect::Change), Change::None);
            let command = folder.plugin().join(super::super::contents::RATE);
            assert!(command.exists());
            assert_eq!(machine.put(&folder, Rate::Plain, Effect::Change), Change::Renewed);
            assert!(!command.exists());
            machine.build("exit 0 # later");
            assert_eq!(machine.put(&folder, Rate::Plain, Effect::Tell), Change::Renewed);
            assert_eq!(machine.put(&folder, Rate::Plain, Effect::Change), Change::Renewed);
            folder.refuse_foreign(false).unwrap();
            assert!(!folder.remove().unwrap() && !folder.root().exists());
            assert!(!folder.remove().unwrap());
        }
    }

    #[test]
    fn what_is_not_ours_is_left() {
        let machine = Machine::new();
        for folder in machine.folders() {
            machine.put(&folder, Rate::Plain, Effect::Change);
            let note = folder.plugin().join("hooks/my-note");
            fs::write(&note, "mine").unwrap();
            assert!(folder.remove().unwrap());
            assert_eq!(fs::read_to_string(&note).unwrap(), "mine");
            let error = folder.refuse_foreign(false).unwrap_err().to_string();
            assert!(error.contains("none of ours"), "{error}");
            folder.refuse_foreign(true).unwrap();
            fs::remove_dir_all(folder.root()).unwrap();
            // A link is a person's own arrangement.
            std::os::unix::fs::symlink(machine.dir.path(), folder.root()).unwrap();
            assert!(folder.refuse_foreign(true).is_err() && folder.remove().unwrap());
        }
    }
}
