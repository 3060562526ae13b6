//! The rules one by one, on small sessions.
