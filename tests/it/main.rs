//! The end-to-end tests, in one binary: each module tells one side of the product through its real programs.

mod api; // the API over a real socket
mod hook; // what the hook stores, whatever happens
mod ops; // install, start, stop, and the one command
mod scenarios; // the main job, on captured runs of Claude Code
mod tidy; // the rules of the repository
