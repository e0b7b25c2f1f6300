//! The commands. Each talks to the daemon of its data directory where one runs, else works in this
//! process; either way it prints the same.

mod ask;
mod bench;
mod doctor;
mod eval;
mod folders;
mod forget;
mod index;
mod models;
mod search;
mod status;
mod transfer;
mod up;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;
use vade_indexer::{Whose, holder, path_text};
use vade_web::api::ScopeRequest;

use crate::Ended;
use crate::cli::{Command, Scope};
use crate::compose::Setup;

/// A command that can run now.
pub(crate) enum Start {
    /// The daemon: it listens, has its models, and is sealed.
    Up(Box<up::Ready>),
    /// Any other, and the data directory that is made up for it, where one is.
    Other(Box<(Setup, Command, Option<TempDir>)>),
}

/// Does what a command needs done before there are threads.
pub(crate) fn start(setup: Setup, command: Command) -> Result<Start> {
    let (setup, elsewhere) = placed(setup, &command)?;
    Ok(match command {
        Command::Up(options) => Start::Up(Box::new(up::start(setup, options)?)),
        other => Start::Other(Box::new((setup, other, elsewhere))),
    })
}

impl Start {
    pub(crate) async fn run(self) -> Result<Ended> {
        match self {
            Self::Up(ready) => up::run(*ready).await,
            Self::Other(other) => run(&other.0, other.1).await,
        }
    }
}

async fn run(setup: &Setup, command: Command) -> Result<Ended> {
    match command {
        Command::Index(folders) => index::run(setup, &folders.folders).await,
        Command::Ask(options) => ask::run(setup, options).await,
        Command::Search(options) => search::run(setup, options).await,
        Command::Status(options) => status::run(setup, options).await,
        Command::Forget(options) => forget::run(setup, options).await,
        Command::Export(options) => transfer::export(setup, &options),
        Command::Import(options) => transfer::import(setup, &options).await,
        Command::Add(folders) => folders::add(setup, &folders.folders).await,
        Command::Remove(folders) => folders::remove(setup, &folders.folders).await,
        Command::Models(command) => models::run(setup, command),
        Command::Bench(options) => bench::run(setup, options.what).await,
        Command::Eval(options) => eval::run(setup, options).await,
        Command::Doctor => doctor::run(setup).await,
        Command::Up(_) | Command::ExtractChild | Command::TemplateChild => Ok(Ended::Done),
    }
}

/// Refuses a data directory that is somebody's, before anything else. Where there is none, commands that only
/// read make none: they see an empty one elsewhere, which is gone when they are done.
fn placed(setup: Setup, command: &Command) -> Result<(Setup, Option<TempDir>)> {
    if matches!(command, Command::Models(_) | Command::Doctor) {
        return Ok((setup, None));
    }
    let whose = vade_indexer::whose(&setup.paths.data)?;
    let only_reads = matches!(
        command,
        Command::Search(_)
            | Command::Status(_)
            | Command::Remove(_)
            | Command::Bench(_)
            | Command::Eval(_)
    );
    if whose == Whose::Ours || !only_reads || holder(&setup.paths.data).is_some() {
        return Ok((setup, None));
    }
    let elsewhere = tempfile::tempdir()?;
    let setup = bench::elsewhere(&setup, &elsewhere.path().join("data"));
    Ok((setup, Some(elsewhere)))
}

/// A path as the daemon needs it, wherever it was started.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::fs::canonicalize(path).with_context(|| format!("there is no folder {}", path.display()))
}

/// A path that may not be there, as the daemon needs it: links in its last name stay.
fn named(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path).with_context(|| format!("{}", path.display()))?;
    Ok(match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => match std::fs::canonicalize(parent) {
            Ok(parent) => parent.join(name),
            Err(_) => path,
        },
        _ => path,
    })
}

/// What the flags say about where to look.
fn scope(scope: &Scope) -> Result<ScopeRequest> {
    let folder = scope.folder.as_deref().map(absolute).transpose()?;
    Ok(ScopeRequest {
        folder: folder.map(|folder| path_text(&folder).into_owned()),
        tag: scope.tag.clone(),
        after: scope.after.clone(),
        before: scope.before.clone(),
    })
}
