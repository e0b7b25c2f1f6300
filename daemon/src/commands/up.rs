//! `vade up`: the daemon. Fetches what is missing, opens the index, watches, serves; stops in order.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vade_indexer::{Index, lasting_holder, read_small};
use vade_retriever::Question;
use vade_web::Access;

use crate::Ended;
use crate::cli::Up;
use crate::compose::Setup;
use crate::output::say;
use crate::progress;
use crate::telemetry;

/// How long the tasks may take to end after a signal. Whatever they leave half done, the next start makes good.
const GRACE: Duration = Duration::from_secs(1);
/// The server ends by itself; this is for one that does not.
const SERVER_GRACE: Duration = Duration::from_secs(2);

/// A daemon that listens, has its models, and is sealed; it has no threads yet.
pub(crate) struct Ready {
    setup: Setup,
    options: Up,
    folders: Vec<PathBuf>,
    listener: TcpListener,
}

/// Everything that needs the network or must be done before there are threads.
pub(crate) fn start(mut setup: Setup, options: Up) -> Result<Ready> {
    if let Some(port) = options.port {
        setup.settings.server.port = port;
    }
    if let Some(address) = options.address {
        setup.settings.server.address = address;
    }
    let folders = options
        .folders
        .iter()
        .map(|folder| super::absolute(folder).or_else(|none| away(&setup, folder).ok_or(none)))
        .collect::<Result<Vec<_>>>()?;
    check_free(&setup)?;
    // Found out before anything long begins.
    let listener = bind(&setup)?;
    setup.fetch_needed()?;
    if let Some(kept) = telemetry::remove_kept(setup.paths.cache.as_deref()) {
        say(&format!(
            "removed {}: what ONNX Runtime kept about earlier versions of vade",
            kept.display()
        ));
    }
    setup.seal()?;
    Ok(Ready {
        setup,
        options,
        folders,
        listener,
    })
}

pub(crate) async fn run(ready: Ready) -> Result<Ended> {
    let Ready {
        setup,
        options,
        folders,
        listener,
    } = ready;
    let (tracker, token) = (TaskTracker::new(), CancellationToken::new());
    tracker.spawn(stop_on_signal(Signals::listen()?, token.clone()));
    let services = tokio::select! {
        services = setup.services(token.clone()) => services?,
        () = token.cancelled() => return Ok(Ended::Done),
    };
    setup.make_temporary()?;
    let egress = services.egress.clone();
    let index = services.retriever.index().clone();
    let retriever = services.retriever.clone();
    let address = listener.local_addr()?;
    let (access, page) = access(&setup, address)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    index.stop_looking(&tracker, &token);
    index.start(&tracker, &token);
    let server = tokio::spawn(vade_web::serve(listener, services, access));
    index.announce(&address.to_string())?;

    say(&format!("vade {} serves {page}", env!("CARGO_PKG_VERSION")));
    if let Some(notice) = &egress.notice {
        say(&format!("not sealed: {notice}"));
    }
    let opened = tokio::select! {
        opened = open_folders(&index, &folders, &tracker, &token) => opened,
        () = token.cancelled() => Ok(()),
    };
    if opened.is_ok() && !token.is_cancelled() {
        follow(&index, &token, options.ask.is_some()).await;
        if let Some(question) = options.ask
            && !token.is_cancelled()
        {
            ask(&retriever, question, setup.json).await?;
        }
        say(&format!("ready: {page} (Ctrl-C stops)"));
    } else {
        token.cancel();
    }

    let served = wait(server, &token).await;
    token.cancel();
    tracker.close();
    let _ = tokio::time::timeout(GRACE, tracker.wait()).await;
    opened?;
    served?;
    Ok(Ended::Done)
}

/// The index is locked too; but this is known before models are fetched.
fn check_free(setup: &Setup) -> Result<()> {
    let data = &setup.paths.data;
    if let Some(holder) = lasting_holder(data) {
        let place = match holder.address {
            Some(address) => format!(" and serves http://{address}"),
            None => String::new(),
        };
        bail!(
            "a vade (process {}) runs for {} already{place}: use that one, or name another --data-dir",
            holder.process,
            data.display()
        );
    }
    Ok(())
}

fn bind(setup: &Setup) -> Result<TcpListener> {
    let server = &setup.settings.server;
    let address = SocketAddr::new(server.address, server.port);
    let listener = TcpListener::bind(address).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AddrInUse {
            anyhow!(
                "port {} is taken by another program: choose one with --port (0 takes a free one)",
                server.port
            )
        } else {
            anyhow!("cannot listen on {address}: {error}")
        }
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Who may ask, and where to find the page: with the token where the browser needs it, which the page keeps to itself.
fn access(setup: &Setup, address: SocketAddr) -> Result<(Access, String)> {
    let server = &setup.settings.server;
    let trusts_own = address.ip().is_loopback() && !server.token && vade_web::peer::can_tell();
    let token = token(setup)?;
    let shown = if address.ip().is_unspecified() {
        SocketAddr::new(std::net::Ipv4Addr::LOCALHOST.into(), address.port())
    } else {
        address
    };
    let page = if trusts_own {
        format!("http://{shown}")
    } else {
        format!("http://{shown}/#token={token}")
    };
    Ok((Access::new(address, &server.hosts, token, trusts_own), page))
}

/// The access token; it is in the data directory, readable by its owner.
fn token(setup: &Setup) -> Result<String> {
    let path = setup.paths.data.join("token");
    if let Some(token) = read_small(&path)
        && token.trim().len() >= 32
    {
        return Ok(token.trim().to_owned());
    }
    let in_the_way = || std::fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file());
    // An empty folder holds nothing of anybody.
    if in_the_way() && std::fs::remove_dir(&path).is_err() {
        bail!(
            "{} is no file, and the access token belongs there: move it away",
            path.display()
        );
    }
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random numbers: {error}"))?;
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    write_private(&path, &token).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(token)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::File::options();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)?.write_all(text.as_bytes())
}

/// Where a folder was that is not there now, as those on drives may be: one that is indexed is waited for. None where
/// nothing was ever indexed.
fn away(setup: &Setup, folder: &Path) -> Option<PathBuf> {
    let folder = super::named(folder).ok()?;
    let target = std::fs::read_link(&folder).ok();
    let target = target.and_then(|target| super::named(&folder.parent()?.join(target)).ok());
    let has_index = setup.paths.data.join("ledger.sqlite3").exists();
    has_index.then(|| target.unwrap_or(folder))
}

/// Adds the named folders, looks through all, begins to watch.
async fn open_folders(
    index: &Index,
    folders: &[PathBuf],
    tracker: &TaskTracker,
    token: &CancellationToken,
) -> Result<()> {
    for folder in folders {
        if !folder.is_dir() && index.ledger().folders()?.contains(folder) {
            say(&format!("{}: it is not there now", folder.display()));
            continue;
        }
        let report = index.add_folder(folder).await?;
        if let Some(away) = index.away(folder).filter(|_| report.away) {
            say(&format!("{}: {away}", folder.display()));
        }
    }
    if let Some(loss) = index.ledger().loss()? {
        say(&format!("notice: {loss}"));
    }
    // Watching begins with a look through every folder.
    index.watch(tracker, token);
    if index.ledger().folders()?.is_empty() {
        say("no folders yet: add one in the library, or with `vade add FOLDER`");
    }
    Ok(())
}

/// Shows progress until everything is indexed, or, unless `to_end`, until words are searchable.
async fn follow(index: &Index, token: &CancellationToken, to_end: bool) {
    let bar = progress::Indexing::new();
    let mut progress = index.progress();
    let settled = index.settle();
    tokio::pin!(settled);
    loop {
        tokio::select! {
            () = token.cancelled() => break,
            outcome = &mut settled => {
                if let Err(trouble) = outcome {
                    bar.finish();
                    say(&format!("indexing is held up: {trouble}"));
                }
                break;
            }
            _ = progress.changed() => {
                let state = progress.borrow_and_update().clone();
                bar.show(&state);
                if !to_end && state.active && state.waiting == 0 && state.to_embed > 2000 {
                    break;
                }
            }
        }
    }
    bar.finish();
}

async fn ask(retriever: &vade_retriever::Retriever, text: String, json: bool) -> Result<()> {
    if !json {
        crate::output::line(&format!("\n> {text}\n"));
    }
    let question = Question {
        text,
        ..Question::default()
    };
    super::ask::print(retriever, question, json).await?;
    Ok(())
}

/// Waits for the server to end: after a signal within the grace time, otherwise it is an error.
async fn wait(
    server: tokio::task::JoinHandle<std::io::Result<()>>,
    token: &CancellationToken,
) -> Result<()> {
    let ended = async {
        token.cancelled().await;
        tokio::time::sleep(SERVER_GRACE).await;
    };
    tokio::select! {
        outcome = server => Ok(outcome??),
        () = ended => Ok(()),
    }
}

/// The first signal stops in order; a second one at once.
async fn stop_on_signal(mut signals: Signals, token: CancellationToken) {
    tokio::select! {
        () = signals.next() => {}
        () = token.cancelled() => return,
    }
    token.cancel();
    say("stopping");
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(130);
    });
}

/// What asks the daemon to stop, listened for from the start: one that comes before anybody waits for it is
/// not lost, and does not end the process.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
