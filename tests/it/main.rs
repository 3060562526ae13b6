//! The end-to-end tests, in one binary: each module tells one side of the product through its real programs.
