//! End-to-end tests: the real binary, over its command line and HTTP, with real weights.

mod access;
mod asking;
mod browser;
mod cli;
mod evaluating;
mod explaining;
mod failures;
mod finding;
mod forgetting;
mod harness;
mod hostile;
mod images;
mod indexing;
mod kills;
mod limits;
mod models;
mod moving;
mod restart;
mod sealing;
mod unmounted;
mod watching;
mod webdriver;
