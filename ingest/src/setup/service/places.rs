//! What a service has to know, because it is started with another environment than the person who set it up.

use std::path::{Path, PathBuf};

use settings::Listen;

use super::account::Account;
use super::escape;
use crate::error::{At, Error};
use crate::setup::user::User;

/// Programs and places, each as text that can be written into the files of a manager.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// `ingest`.
    pub(super) ingest: String,
    /// `query-api`.
    pub(super) api: String,
    /// The folder of both.
    pub(super) programs: String,
    /// The data directory.
    pub(super) data: String,
    /// The hook's second place.
    pub(super) spill: Option<String>,
    /// The folders of transcripts.
    pub(super) projects: Vec<String>,
    /// `$XDG_CONFIG_HOME`, where it was set.
    pub(super) config_home: Option<String>,
    /// Where config.toml lies.
    pub(super) config: String,
    /// Where the API listens.
    pub(super) listen: Listen,
    /// The same for its command, where config.toml says something else.
    pub(super) listen_flag: Option<String>,
    /// Whose processes they are, where the manager is the system's.
    pub(super) account: Option<Account>,
}

impl Places {
    /// Of this user.
    ///
    /// # Errors
    /// [`Error::Refused`] for a path that cannot be written into such files, a program that is not there, and an API that
    /// other machines could reach.
    pub(super) fn of(user: &User<'_>, account: Option<Account>) -> Result<Self, Error> {
        let ingest = std::env::current_exe().at("find", Path::new("this program"))?;
        let ingest = ingest.canonicalize().at("find", &ingest)?;
        let api = ingest.with_file_name("query-api");
        if !api.is_file() {
            let problem = "there is no API beside this program; install it there".to_owned();
            return Err(Error::Refused { path: api, problem });
        }
        let settings = user.settings;
        let config_home = user.path("XDG_CONFIG_HOME");
        let config = config_home.clone().map_or_else(|| user.home().map(|home| home.join(".config")), Ok)?;
        Ok(Self {
            programs: text(ingest.parent().unwrap_or(&ingest))?,
            ingest: text(&ingest)?,
            api: text(&api)?,
            data: text(&absolute(settings.home.root())?)?,
            spill: settings.spill.as_deref().map(text).transpose()?,
            projects: settings.projects.iter().map(|root| text(root)).collect::<Result<_, _>>()?,
            config: text(&config.join("prompt-manager"))?,
            config_home: config_home.as_deref().map(text).transpose()?,
            listen: settings.listen.clone(),
            listen_flag: None,
            account,
        })
    }

    /// Has them read these.
    ///
    /// # Errors
    /// [`Error::Refused`] for a path that cannot be written into such files.
    pub(super) fn set_projects(&mut self, roots: &[PathBuf]) -> Result<(), Error> {
        self.projects = roots.iter().map(|root| text(root)).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Has the API listen there, or where it is usual.
    ///
    /// # Errors
    /// [`Error::Usage`] for an address that other machines could reach.
    pub(super) fn set_listen(&mut self, chosen: Option<Listen>, usual: Listen) -> Result<(), Error> {
        self.listen_flag = chosen.as_ref().map(Listen::to_string);
        self.listen = chosen.unwrap_or(usual);
        check_listen(&self.listen)
    }

    /// Has them read config.toml there.
    ///
    /// # Errors
    /// [`Error::Refused`] for a path that cannot be written into such files.
    pub(super) fn set_config_home(&mut self, path: &Path) -> Result<(), Error> {
        self.config_home = Some(text(path)?);
        self.config = text(&path.join("prompt-manager"))?;
        Ok(())
    }

    /// What they find in their environment.
    pub(super) fn environment(&self) -> Vec<(&'static str, &str)> {
        let config = self.config_home.iter().map(|path| ("XDG_CONFIG_HOME", path.as_str()));
        let spill = self.spill.iter().map(|path| ("PROMPT_MANAGER_SPILL", path.as_str()));
        config.chain(spill).collect()
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).at("find", path)
}

fn text(path: &Path) -> Result<String, Error> {
    let refused = |problem: &str| Error::Refused {
        path: path.to_owned(),
        problem: format!("{problem}, which the files of a service cannot hold; choose another place"),
    };
    let text = path.to_str().ok_or_else(|| refused("is not UTF-8"))?;
    escape::problem(text).map_or_else(|| Ok(text.to_owned()), |problem| Err(refused(problem)))
}

fn check_listen(listen: &Listen) -> Result<(), Error> {
    match listen {
        Listen::Tcp(address) if !address.ip().is_loopback() || address.port() == 0 => Err(Error::Usage(format!(
            "a service listens at a port of this machine alone, and `listen` is {address}: change it in config.toml"
        ))),
        Listen::Tcp(_) => Ok(()),
        Listen::Unix(path) => text(path).map(drop),
    }
}
