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
mod seal;
mod telemetry;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use cli::{Bench, BenchOptions, Cli, Command};
use compose::Setup;

// Every commit of the vector store takes and gives back tens of megabytes on many threads. glibc keeps them
// (lancedb#7242), and mimalloc keeps three times as much; jemalloc gives them back.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// jemalloc's settings: memory that is free for a second goes back, also when nothing else happens.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the name under which jemalloc looks for it")]
// SAFETY: a string that ends with a zero byte, as it wants it.
#[unsafe(export_name = "_rjem_malloc_conf")]
pub static ALLOCATOR_SETTINGS: &[u8; 60] =
    b"background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0\0";

/// How a command ended when nothing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It did what it was asked to.
    Done,
    /// It looked and found nothing.
    NothingFound,
}

/// After the last command, what still runs on other threads may take this long.
const LAST_MOMENT: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    telemetry::switch_off();
    let cli = Cli::parse();
    if matches!(cli.command, Command::ExtractChild) {
        vade_indexer::extract::child_main();
    }
    if matches!(cli.command, Command::TemplateChild) {
        vade_models::language::template_child_main();
    }
    output::start_logging(cli.common.verbose);
    let outcome = Setup::new(&cli.common).and_then(|setup| {
        limit_threads(&setup, &cli.command);
        keep_temporary_files(&setup, &cli.command);
        // What must be done before there are threads.
        let start = commands::start(setup, cli.command)?;
        let runtime = tokio::runtime::Runtime::new()?;
        let ended = runtime.block_on(start.run());
        runtime.shutdown_timeout(LAST_MOMENT);
        ended
    });
    match outcome {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::NothingFound) => ExitCode::from(3),
        Err(error) => {
            output::say(&format!("vade: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// candle and rayon read their number of threads from the environment, once.
#[expect(unsafe_code, reason = "no other thread runs yet")]
fn limit_threads(setup: &Setup, command: &Command) {
    let asked = match command {
        Command::Bench(BenchOptions {
            what: Some(Bench::Lm { threads, .. }),
        }) => *threads,
        _ => None,
    };
    let threads = asked.unwrap_or(setup.settings.model.threads);
    if threads > 0 {
        for variable in ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"] {
            // SAFETY: the environment is changed before any thread is started.
            unsafe { std::env::set_var(variable, threads.to_string()) };
        }
    }
}

/// What libraries put into temporary files may be text of documents: the daemon keeps them in its data directory.
#[expect(unsafe_code, reason = "no other thread runs yet")]
fn keep_temporary_files(setup: &Setup, command: &Command) {
    if matches!(command, Command::Up(_)) {
        // SAFETY: the environment is changed before any thread is started.
        unsafe { std::env::set_var("TMPDIR", setup.paths.temporary()) };
    }
}
