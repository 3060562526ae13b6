//! The end-to-end tests, in one binary: each module tells one side of the product through its real programs.

mod annotate; // what a person says and how sessions are cut, through the API
mod api; // the API over a real socket
mod archive; // what becomes of files that are taken in
mod backup; // copies of the database, asked for and unasked
mod browser; // a person before the pages, in a real browser
mod bulk; // changes of many at once, and their end
mod client; // the published Claude Code client, with our hooks and with our plugin
mod confined; // the suite with programs confined as units confine them
mod count; // a second count of prompts, calls and tokens
mod crash; // death at every step and every system call
mod cron; // Debian's cron runs our lines
mod described; // every answer against /openapi.json
mod docs; // every command, output and link of docs/ and README.md
mod doctor; // every fault that doctor names, planted one at a time
mod export; // what went in comes out again
mod export_http; // the same over HTTP
mod faults; // disks and databases that fail us for a while
mod find; // finding conversations: words, filters, orders, pages
mod forget; // what was forgotten is nowhere, and stays out
mod hook; // what the hook stores, whatever happens
mod ignore; // what is never captured
mod import; // taking in what lies elsewhere
mod load; // readers, raters and an ingester at once
mod logged; // what our hook captured, and another logger too
mod logs; // what is logged, and what never is
mod merge; // two machines become one store
mod moved; // what was said travels to an empty store
mod notify; // who is told how it goes
mod one_store; // everything at once: orders, growth, rebuilding
mod ops; // install, start, stop, and the one command
mod package; // what people install who do not build
mod pages; // the pages over HTTP, as they are without a script
mod people; // the words that people type
mod queue; // bad input, several ingesters, the loop
mod rate; // ratings that are given from within a session
mod raw; // what a conversation was made from
mod recover; // a damaged database, made anew
mod redact; // secrets, hidden wherever something is shown or leaves
mod report; // figures of a span, to read or to mail
mod restore; // a backup in the place of the database
mod retry; // what kills its reader, what failed, and its way back
mod scenarios; // the main job, on captured runs of Claude Code
mod security; // what other sites, programs and texts may do to the API: nothing
mod server; // the API server: logins, sockets, names, its end
mod service; // `run` as a supervisor and a person's signals see it
mod sessions; // titles, projects, and how sessions hang together
mod setup; // what makes it run by itself, put in and taken out
mod status; // how it is going, in each state
mod terminal; // help, colour, tables, and readers that go away
mod tidy; // the rules of the repository
mod trouble; // each trouble of an operator, made for real
mod units; // what setup writes for systemd, launchd and cron
mod upgrade; // a database of the schema before
