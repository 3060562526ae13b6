//! A text in an editor: in a file that only you can read, which goes when the text is stored and stays when it is not.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Command;

use terminal::text::visible;

use super::{At, Error};

/// The file.
pub(super) struct Draft {
    path: PathBuf,
    shown: String,
    before: String,
}

impl Draft {
    /// A file with this text.
    pub(super) fn of(text: &str) -> Result<Self, Error> {
        let mut name = [0; 8];
        getrandom::fill(&mut name)
            .map_err(|error| std::io::Error::other(error.to_string()))
            .at("name a file for the editor")?;
        let path = std::env::temp_dir().join(format!("prompt-manager-note-{:016x}.md", u64::from_ne_bytes(name)));
        let shown = visible(&path.display().to_string());
        let file = std::fs::File::options().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).at(format!("write {shown}"))?;
        Ok(Self { path, shown, before: text.to_owned() })
    }

    /// What your editor makes of it, and what `store` makes of that.
    pub(super) fn edit<T>(self, store: impl FnOnce(String) -> Result<T, Error>) -> Result<T, Error> {
        match self.edited().and_then(store) {
            Err(error) if !matches!(error, Error::Untold { .. }) && self.is_changed() => {
                Err(Error::Unsaved { error: Box::new(error), file: self.shown })
            }
            done => {
                let _ = std::fs::remove_file(&self.path);
                done
            }
        }
    }

    fn edited(&self) -> Result<String, Error> {
        let editor = ["VISUAL", "EDITOR"].iter().filter_map(std::env::var_os).find(|editor| !editor.is_empty());
        let editor = editor.unwrap_or_else(|| "vi".into());
        // As git does: the variable may hold arguments.
        let status = Command::new("sh").arg("-c").arg("exec $0 \"$1\"").arg(&editor).arg(&self.path).status();
        let editor = visible(&editor.to_string_lossy());
        if !status.at(format!("start the editor {editor}"))?.success() {
            return Err(Error::Usage(format!("{editor} ended with an error: the note stays as it was")));
        }
        let text = std::fs::read_to_string(&self.path).at(format!("read {}", self.shown))?;
        Ok(text.trim_end().to_owned())
    }

    /// Whether there is something in it that would be lost with it.
    fn is_changed(&self) -> bool {
        match std::fs::read(&self.path) {
            Ok(bytes) => {
                !bytes.trim_ascii().is_empty() && bytes.trim_ascii_end() != self.before.as_bytes().trim_ascii_end()
            }
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        }
    }
}
