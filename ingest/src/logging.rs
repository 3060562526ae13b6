//! Where the log goes: to stderr, and of commands that change something also into logs/processor.log. Never a word of a
//! payload.
//!
//! Flags are about stderr alone; what the file holds is the settings' business, so that a quiet call does not make it poorer.

mod rolling;

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use settings::{LogFormat, Settings};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::error::Error;
use rolling::{Limits, Log};

/// The target of what goes to the file alone, because the command itself says it on stdout or stderr.
pub(crate) const FILE_ONLY: &str = "ingest::file_only";

/// From which levels on a command logs.
#[derive(Clone, Copy, Debug)]
pub struct Levels {
    /// What flags demand of stderr.
    pub flags: Option<LevelFilter>,
    /// If neither they nor the settings say anything.
    pub usual: LevelFilter,
}

/// The log of this process, to be changed while it runs.
pub struct Logging {
    levels: Levels,
    stderr: reload::Handle<EnvFilter, Registry>,
    file: reload::Handle<EnvFilter, Registry>,
    log: Option<Arc<Mutex<Log>>>,
    format: LogFormat,
}

/// Starts it; `file` only for commands that may change the data directory.
///
/// # Errors
/// [`Error::LogFilter`].
pub fn start(settings: &Settings, levels: Levels, file: Option<&Path>) -> Result<Logging, Error> {
    let format = settings.log_format;
    let (stderr_filter, stderr) = reload::Layer::new(filter(settings, levels.flags, levels.usual)?);
    let (file_filter, file_handle) = reload::Layer::new(filter(settings, None, levels.usual)?);
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let log = file.map(|path| Arc::new(Mutex::new(Log::new(path.to_owned(), Limits::new(settings), format))));
    let to_file = log.clone().map(|log| layer(format, false, Lines(log)).with_filter(file_filter));
    let to_stderr = layer(format, colour, io::stderr)
        .with_filter(stderr_filter.and(filter_fn(|event| event.target() != FILE_ONLY)));
    // Both filters are of the bare registry: a layer that stands on another has another type.
    tracing_subscriber::registry().with(vec![Some(to_stderr.boxed()), to_file.map(Layer::boxed)]).init();
    Ok(Logging { levels, stderr, file: file_handle, log, format })
}

impl Logging {
    /// Goes on with other settings.
    ///
    /// # Errors
    /// [`Error::LogFilter`]; nothing is changed then.
    pub fn adopt(&self, settings: &Settings) -> Result<(), Error> {
        let stderr = filter(settings, self.levels.flags, self.levels.usual)?;
        let file = filter(settings, None, self.levels.usual)?;
        // They only fail when the log is gone, at the end of the process.
        let _ = self.stderr.reload(stderr);
        let _ = self.file.reload(file);
        if let Some(log) = &self.log {
            log.lock().unwrap_or_else(PoisonError::into_inner).limit(Limits::new(settings));
        }
        if settings.log_format != self.format {
            tracing::error!("`log_format` changes when this process is started anew");
        }
        Ok(())
    }
}

/// What flags say, else the settings, else what is usual.
fn filter(settings: &Settings, flags: Option<LevelFilter>, usual: LevelFilter) -> Result<EnvFilter, Error> {
    let builder = EnvFilter::builder().with_default_directive(flags.unwrap_or(usual).into());
    let text = settings.log.as_deref().filter(|_| flags.is_none()).unwrap_or_default();
    let wrong = |what: String| Error::LogFilter(format!("`{text}`: {what}; write info, or info,store=debug"));
    // The library takes a word that is no level for the name of a module, and then nothing else is logged.
    let is_level = |word: &str| word.contains(['=', '[']) || word.parse::<LevelFilter>().is_ok();
    if let Some(word) = text.split(',').map(str::trim).find(|word| !word.is_empty() && !is_level(word)) {
        return Err(wrong(format!("`{word}` is no level")));
    }
    builder.parse(text).map_err(|error| wrong(error.to_string()))
}

fn layer<W>(format: LogFormat, colour: bool, writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // Whoever read stderr may have gone: that is not to be said on stderr.
    let plain = fmt::layer().with_target(false).with_ansi(colour).with_writer(writer).log_internal_errors(false);
    match format {
        LogFormat::Text => plain.boxed(),
        // A line is an object: `timestamp`, `level`, `message` and the figures beside each other.
        LogFormat::Json => {
            plain.json().flatten_event(true).with_current_span(false).with_span_list(false).with_ansi(false).boxed()
        }
    }
}

/// The file, line by line.
struct Lines(Arc<Mutex<Log>>);

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Line<'w>;

    fn make_writer(&'w self) -> Line<'w> {
        Line(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One line of it.
struct Line<'w>(std::sync::MutexGuard<'w, Log>);

impl io::Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let flags = settings::Layer { home: Some("/a".into()), log: Some(text.into()), ..Default::default() };
            let settings = Settings::resolve(flags, &|_| None).unwrap();
            let found = filter(&settings, None, LevelFilter::WARN).map(|filter| filter.to_string());
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        };
        check("", Ok("warn"));
        check("debug", Ok("debug"));
        check("info,store=debug", Ok("store=debug,info"));
        check("infoo", Err("`infoo` is no level"));
        check("info,stor", Err("`stor` is no level"));
        check("store=loud", Err("store=loud"));
    }
}
