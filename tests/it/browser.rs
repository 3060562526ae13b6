//! A person before the pages, in a real browser.

mod sight; // that the harness sees what it is there to see
