//! The `vade` program: command line, composition, lifecycle.
//!
//! `main` prints what went wrong and gives the exit status; the commands do the work. No business
//! rules live here: what is decided is decided in the library crates.

mod cli;
mod client;
mod commands;
mod compose;
mod measure;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

// glibc's arenas grow by megabytes with every commit of the vector store (lancedb#7242).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How a command ended when nothing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It did what it was asked to.
    Done,
    /// It looked and found nothing.
    NothingFound,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if matches!(cli.command, Command::ExtractChild) {
        vade_indexer::extract::child_main();
    }
    output::start_logging(cli.common.verbose);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("vade: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::NothingFound) => ExitCode::from(3),
        Err(error) => {
            eprintln!("vade: {error:#}");
            ExitCode::FAILURE
        }
    }
}
