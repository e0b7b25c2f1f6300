//! Files from Hugging Face over HTTPS, continued where an earlier transfer broke off.
//!
//! Respects `HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME` and `HF_HUB_OFFLINE` as Hugging Face's own
//! programs do. The token goes to that one host: reqwest drops it on a redirect to another. Uses
//! reqwest's blocking client, which must not be called from an async task.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};
use reqwest::header::{AUTHORIZATION, CONTENT_RANGE, RANGE};

use super::{FetchError, Job, Partial, PullEvent};
use crate::catalog::{HuggingFaceSource, ModelFile};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For the answer to begin, and then for each piece of it.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Where Hugging Face is, and who we are there.
#[derive(Clone)]
pub(crate) struct Hub {
    /// Address without a slash at its end.
    pub(crate) endpoint: String,
    /// Access token, for repositories whose licence has to be accepted.
    pub(crate) token: Option<String>,
    /// The user has asked for no connections.
    pub(crate) offline: bool,
}

impl std::fmt::Debug for Hub {
    /// Leaves the token out.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Hub")
            .field("endpoint", &self.endpoint)
            .field("offline", &self.offline)
            .finish_non_exhaustive()
    }
}

impl Hub {
    /// As the user has set it up.
    pub(crate) fn from_environment() -> Self {
        let set = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
        let endpoint = set("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
        let token = set("HF_TOKEN").or_else(|| fs::read_to_string(token_file()?).ok());
        let is_on =
            |value: String| !matches!(value.to_lowercase().as_str(), "0" | "false" | "no" | "off");
        Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: token
                .map(|token| token.trim().to_owned())
                .filter(|token| !token.is_empty()),
            offline: set("HF_HUB_OFFLINE").is_some_and(is_on),
        }
    }

    fn address(&self, source: &HuggingFaceSource, path: &str) -> String {
        format!(
            "{}/{}/resolve/{}/{path}",
            self.endpoint, source.repository, source.revision
        )
    }

    /// The token, unless it would travel in the clear.
    fn bearer(&self) -> Option<String> {
        let is_private = self.endpoint.starts_with("https://") || self.is_loopback();
        self.token
            .as_ref()
            .filter(|_| is_private)
            .map(|token| format!("Bearer {token}"))
    }

    fn is_loopback(&self) -> bool {
        ["http://127.0.0.1", "http://localhost", "http://[::1]"]
            .iter()
            .filter_map(|start| self.endpoint.strip_prefix(start))
            .any(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    }

    fn client(&self) -> Result<Client, FetchError> {
        let builder = Client::builder()
            .user_agent(concat!("vade/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(READ_TIMEOUT);
        let builder = if self.is_loopback() {
            builder.no_proxy()
        } else {
            builder
        };
        builder
            .build()
            .map_err(|error| FetchError::Failed(chain(&error)))
    }
}

/// Where `hf auth login` leaves the token.
fn token_file() -> Option<PathBuf> {
    let folder = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let home = folder("HF_HOME")
        .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("huggingface")))
        .or_else(|| {
            let user = folder("HOME").or_else(|| folder("USERPROFILE"))?;
            Some(user.join(".cache").join("huggingface"))
        })?;
    Some(home.join("token"))
}

/// Fetches the job's files that the repository has.
pub(super) fn fetch(
    job: &mut Job<'_>,
    source: &HuggingFaceSource,
    hub: &Hub,
) -> Result<(), FetchError> {
    if hub.offline {
        return Err(FetchError::Failed("HF_HUB_OFFLINE is set".to_owned()));
    }
    let client = hub.client()?;
    for file in job.files.clone() {
        if let Some(path) = source.files.get(&file.name) {
            let download = Download {
                client: &client,
                hub,
                source,
                address: hub.address(source, path),
                file,
            };
            download.run(job)?;
        }
    }
    Ok(())
}

/// One file of one repository.
struct Download<'s, 'a> {
    client: &'s Client,
    hub: &'s Hub,
    source: &'s HuggingFaceSource,
    address: String,
    file: &'a ModelFile,
}

impl<'a> Download<'_, 'a> {
    /// Goes on for as long as each attempt brings the file further; a file that was continued and
    /// turns out wrong is fetched once more from its beginning, which may have been wrong before.
    fn run(&self, job: &mut Job<'a>) -> Result<(), FetchError> {
        let dir = job.dir;
        let mut partial = Partial::resume(dir, self.file)?;
        let mut may_begin_again = partial.written() > 0;
        job.tell(PullEvent::File {
            name: self.file.name.clone(),
            bytes: self.file.bytes,
            already: partial.written(),
        });
        loop {
            let before = partial.written();
            if before < self.file.bytes {
                partial = match self.attempt(job, partial)? {
                    Attempt::Complete(partial) => partial,
                    Attempt::BrokeOff(partial, _) if partial.written() > before => partial,
                    Attempt::BrokeOff(_, reason) => return Err(FetchError::Failed(reason)),
                };
            }
            if partial.written() < self.file.bytes {
                continue;
            }
            match job.finish(partial) {
                Err(FetchError::Wrong(_)) if may_begin_again => {
                    may_begin_again = false;
                    partial = Partial::create(dir, self.file)?;
                }
                result => return result,
            }
        }
    }

    fn attempt(
        &self,
        job: &mut Job<'a>,
        mut partial: Partial<'a>,
    ) -> Result<Attempt<'a>, FetchError> {
        job.check_cancelled()?;
        let mut response = match self.ask(partial.written()) {
            Ok(response) => response,
            Err(error) => return Ok(Attempt::BrokeOff(partial, chain(&error.without_url()))),
        };
        if let Some(refusal) = self.refusal(&response) {
            return Err(FetchError::Failed(refusal));
        }
        if !continues_at(&response, partial.written()) {
            partial.restart()?;
        }
        match job.fill(&mut partial, &mut response, true) {
            Ok(()) if partial.written() < self.file.bytes => {
                let reason = format!("{} broke off", self.address);
                Ok(Attempt::BrokeOff(partial, reason))
            }
            Ok(()) => Ok(Attempt::Complete(partial)),
            Err(FetchError::Failed(reason)) if partial.is_usable() => {
                Ok(Attempt::BrokeOff(partial, reason))
            }
            Err(error) => Err(error),
        }
    }

    /// Asks for the rest of the file, or for all of it where the server has no such rest.
    fn ask(&self, offset: u64) -> reqwest::Result<Response> {
        let response = self.ask_from(offset)?;
        if offset > 0 && response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            self.ask_from(0)
        } else {
            Ok(response)
        }
    }

    fn ask_from(&self, offset: u64) -> reqwest::Result<Response> {
        let mut request = self.client.get(&self.address);
        if let Some(bearer) = self.hub.bearer() {
            request = request.header(AUTHORIZATION, bearer);
        }
        if offset > 0 {
            request = request.header(RANGE, format!("bytes={offset}-"));
        }
        request.send()
    }

    fn refusal(&self, response: &Response) -> Option<String> {
        let status = response.status();
        let HuggingFaceSource {
            repository,
            revision,
            ..
        } = self.source;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(format!(
                "access refused ({}): accept the licence at {}/{repository} and set HF_TOKEN \
                 to a token of that account",
                status.as_u16(),
                self.hub.endpoint
            )),
            StatusCode::NOT_FOUND => Some(format!(
                "{} is not in {repository} at {revision}",
                self.file.name
            )),
            _ if status.is_success() => None,
            _ => Some(format!("{} answered {status}", self.address)),
        }
    }
}

enum Attempt<'a> {
    Complete(Partial<'a>),
    BrokeOff(Partial<'a>, String),
}

/// Whether the answer is the rest of the file from `offset` on, and not the whole of it.
fn continues_at(response: &Response, offset: u64) -> bool {
    let expected = format!("bytes {offset}-");
    offset == 0
        || response.status() == StatusCode::PARTIAL_CONTENT
            && response
                .headers()
                .get(CONTENT_RANGE)
                .and_then(|value| value.to_str().ok())
                .is_some_and(|value| value.starts_with(&expected))
}

/// An error with its causes: reqwest's own message leaves out why a connection failed.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
