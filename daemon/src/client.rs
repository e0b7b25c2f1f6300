//! A client of a running daemon: finds it through the data directory's lock file, speaks its API.

use anyhow::{Context, Result, bail};
use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use vade_config::Paths;
use vade_indexer::{holder, lasting_holder, read_small};

/// A daemon that runs for this data directory.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Client {
    /// The daemon of this data directory, if one runs and answers.
    ///
    /// # Errors
    /// Another vade holds the directory, but answers at no address (a one-shot `vade index`, say).
    pub(crate) fn find(paths: &Paths) -> Result<Option<Self>> {
        let holder = match holder(&paths.data) {
            // One that is starting, or a command that will be over soon.
            Some(holder) if holder.address.is_none() => lasting_holder(&paths.data),
            holder => holder,
        };
        let Some(holder) = holder else {
            return Ok(None);
        };
        let Some(address) = holder.address else {
            bail!(
                "{} is in use by another vade (process {}) that answers no questions: wait until it is done, or name another --data-dir",
                paths.data.display(),
                holder.process
            );
        };
        let token = read_small(&paths.data.join("token")).unwrap_or_default();
        Ok(Some(Self {
            http: reqwest::Client::builder().no_proxy().build()?,
            base: format!("http://{address}"),
            token: token.trim().to_owned(),
        }))
    }

    /// `GET path`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let response = self.send(self.request(Method::GET, path)).await?;
        response
            .json()
            .await
            .context("the daemon's answer is not understood")
    }

    /// `GET path` with a query.
    pub(crate) async fn get_with<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> Result<T> {
        let response = self
            .send(self.request(Method::GET, path).query(query))
            .await?;
        response
            .json()
            .await
            .context("the daemon's answer is not understood")
    }

    /// `POST` or `DELETE` with a body.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T> {
        let response = self.send(self.request(method, path).json(body)).await?;
        response
            .json()
            .await
            .context("the daemon's answer is not understood")
    }

    /// `POST path`, answered by server-sent events; `on_event` gets each one's name and data.
    pub(crate) async fn stream(
        &self,
        path: &str,
        body: &impl Serialize,
        mut on_event: impl FnMut(&str, Value),
    ) -> Result<()> {
        let mut response = self
            .send(self.request(Method::POST, path).json(body))
            .await?;
        let mut events = EventLines::default();
        while let Some(bytes) = response.chunk().await.context("the daemon went away")? {
            events.push(&bytes, &mut on_event);
        }
        Ok(())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request
            .send()
            .await
            .with_context(|| format!("the daemon at {} does not answer", self.base))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body: Value = response.json().await.unwrap_or_default();
        match body["error"]["message"].as_str() {
            Some(message) => bail!("{message}"),
            None => bail!("the daemon answered {status}"),
        }
    }
}

/// Server-sent events out of the bytes of a stream.
#[derive(Default)]
struct EventLines {
    bytes: Vec<u8>,
    name: String,
}

impl EventLines {
    fn push(&mut self, bytes: &[u8], on_event: &mut impl FnMut(&str, Value)) {
        self.bytes.extend_from_slice(bytes);
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end();
            if let Some(name) = line.strip_prefix("event:") {
                name.trim().clone_into(&mut self.name);
            } else if let Some(data) = line.strip_prefix("data:") {
                on_event(&self.name, serde_json::from_str(data).unwrap_or_default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_across_chunks() {
        let mut lines = EventLines::default();
        let mut seen = Vec::new();
        for part in [
            "event: tok",
            "en\ndata: {\"a\":",
            "1}\n\n: keep-alive\n\nevent: done\ndata: 2\n\n",
        ] {
            lines.push(part.as_bytes(), &mut |name, data| {
                seen.push(format!("{name} {data}"));
            });
        }
        assert_eq!(seen, ["token {\"a\":1}", "done 2"]);
    }
}
