//! What anyone may ask of the store, through a read-only connection.
