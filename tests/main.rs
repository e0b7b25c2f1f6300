//! End-to-end tests: the real binary, over its command line and HTTP, with real weights.

mod access;
mod asking;
mod browser;
mod cli;
mod explaining;
mod failures;
mod harness;
mod images;
mod indexing;
mod kills;
mod limits;
mod models;
mod moving;
mod restart;
mod watching;
mod webdriver;
