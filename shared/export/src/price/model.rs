//! A model's name, without what does not change its price: provider, region, date, version and variant.

/// What is left of `claude-opus-4-5-20251101`, `us.anthropic.claude-sonnet-4-20250514-v1:0`, `claude-sonnet-4@20250514` or
/// `claude-sonnet-4-5[1m]`. A name that is not Claude's stays as it is.
pub(super) fn plain(id: &str) -> String {
    let id = id.trim().to_ascii_lowercase();
    let Some(at) = id.find("claude-") else { return id };
    let provider = &id[..at];
    if !provider.is_empty() && !["anthropic.", "anthropic/", "models/"].iter().any(|end| provider.ends_with(end)) {
        return id;
    }
    let mut name = &id[at..];
    name = name.split(['[', '@', ':']).next().unwrap_or(name);
    if let Some((front, version)) = name.rsplit_once("-v")
        && !version.is_empty()
        && version.bytes().all(|byte| byte.is_ascii_digit())
    {
        name = front;
    }
    name = name.strip_suffix("-latest").unwrap_or(name);
    if let Some((front, date)) = name.rsplit_once('-')
        && date.len() == 8
        && date.bytes().all(|byte| byte.is_ascii_digit())
    {
        name = front;
    }
    // Some gateways write claude-sonnet-4.5.
    name.replace('.', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        let check = |id: &str, expected: &str| assert_eq!(plain(id), expected, "{id}");
        check("claude-opus-4-5-20251101", "claude-opus-4-5");
        check("claude-opus-4-5", "claude-opus-4-5");
        check("claude-3-5-haiku-20241022", "claude-3-5-haiku");
        check("claude-3-7-sonnet-latest", "claude-3-7-sonnet");
        check("claude-sonnet-4-5[1m]", "claude-sonnet-4-5");
        check("claude-sonnet-4-5-20250929[1m]", "claude-sonnet-4-5");
        check("us.anthropic.claude-sonnet-4-20250514-v1:0", "claude-sonnet-4");
        check("anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3-5-sonnet");
        check("eu.anthropic.claude-opus-4-6-v1", "claude-opus-4-6");
        check(
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-20250514-v1:0",
            "claude-opus-4",
        );
        check("claude-sonnet-4@20250514", "claude-sonnet-4");
        check("claude-3-5-sonnet-v2@20241022", "claude-3-5-sonnet");
        check("publishers/anthropic/models/claude-opus-4-1@20250805", "claude-opus-4-1");
        check("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5");
        check("Claude-Opus-4-1", "claude-opus-4-1");
        check("my-claude-opus-4-1", "my-claude-opus-4-1");
        check("gpt-6", "gpt-6");
        check("haiku", "haiku");
        check("", "");
    }
}
