//! Tokens, as they are written and read.

/// Tokens of one message and request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Usage {
    /// The API's message id.
    pub message_id: String,
    /// The API's request id, not always there.
    pub request_id: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// Read, outside the cache.
    pub input_tokens: i64,
    /// Written.
    pub output_tokens: i64,
    /// Put into the cache.
    pub cache_creation_tokens: i64,
    /// Of these, what the cache keeps for an hour instead of five minutes, at a higher price.
    pub cache_creation_1h_tokens: i64,
    /// Read from the cache.
    pub cache_read_tokens: i64,
    /// List price in picodollars, by the table and at the time of the turn; `None` where the table has no price.
    pub cost: Option<i64>,
}
