//! The log on stderr, at the level that the settings say, in their form.

use std::io::IsTerminal;

use settings::LogFormat;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

/// A filter that says nothing, or not what was meant.
#[derive(Debug, thiserror::Error)]
#[error("`{text}`: {what}; write info, or info,query_api=debug")]
pub(crate) struct Wrong {
    text: String,
    what: String,
}

/// Logs from now on: what `said` filters, else from `usual` on.
pub(crate) fn start(usual: LevelFilter, said: Option<&str>, format: LogFormat) -> Result<(), Wrong> {
    let filter = filter(usual, said.unwrap_or_default())?;
    let colour = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter).log_internal_errors(false);
    match format {
        LogFormat::Text => log.with_ansi(colour).with_target(false).init(),
        LogFormat::Json => {
            log.json().flatten_event(true).with_current_span(false).with_span_list(false).with_ansi(false).init();
        }
    }
    Ok(())
}

fn filter(usual: LevelFilter, text: &str) -> Result<EnvFilter, Wrong> {
    let wrong = |what| Wrong { text: text.to_owned(), what };
    // The library takes a word that is no level for the name of a module, and then nothing else is logged.
    let is_level = |word: &str| word.contains(['=', '[']) || word.parse::<LevelFilter>().is_ok();
    if let Some(word) = text.split(',').map(str::trim).find(|word| !word.is_empty() && !is_level(word)) {
        return Err(wrong(format!("`{word}` is no level")));
    }
    let builder = EnvFilter::builder().with_default_directive(usual.into());
    builder.parse(text).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        let check = |text: &str, expected: &str| {
            let found =
                filter(LevelFilter::INFO, text).map_or_else(|wrong| wrong.to_string(), |filter| filter.to_string());
            assert!(found.contains(expected), "{text}: {found}");
        };
        check("", "info");
        check("debug", "debug");
        check("info,query_api=trace", "query_api=trace");
        check("dbug", "`dbug` is no level");
        check("info,verbose", "`verbose` is no level");
    }
}
