//! Who may ask: Host and Origin on every request, the token of whoever is not the user who runs the daemon, and
//! the headers that keep the page from talking to anybody else.
//!
//! A page on any website can make the browser send requests to localhost, and can give its own name
//! the address 127.0.0.1. Host and Origin tell such requests apart from the page's own. Cookies would not: the
//! browser sends those of localhost to every port of it, other users' among them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use crate::error::ApiError;
use crate::peer::Peer;

/// What the page may load and talk to: itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; \
     base-uri 'none'; form-action 'none'";

/// The rules of one server.
#[derive(Debug, Clone)]
pub struct Access {
    hosts: Vec<String>,
    any_address: bool,
    port: u16,
    token: String,
    trusts_own: bool,
}

impl Access {
    /// Rules for a server bound to `address`, which is also reached by the names in `hosts`. The API needs the
    /// token; where `trusts_own`, not of programs of the user who runs this one.
    #[must_use]
    pub fn new(address: SocketAddr, hosts: &[String], token: String, trusts_own: bool) -> Self {
        let mut known = vec!["localhost".to_owned(), literal(address.ip())];
        if address.ip().is_loopback() || address.ip().is_unspecified() {
            known.extend(["127.0.0.1".to_owned(), "[::1]".to_owned()]);
        }
        known.extend(hosts.iter().map(|host| host.to_lowercase()));
        Self {
            hosts: known,
            any_address: address.ip().is_unspecified(),
            port: address.port(),
            token,
            trusts_own,
        }
    }

    fn check(&self, headers: &HeaderMap, uri: &Uri, peer: Peer) -> Result<(), ApiError> {
        // Every name that a request gives its host, in the line and in headers, has to be known.
        let named = headers
            .get_all(header::HOST)
            .iter()
            .map(|host| host.to_str().ok());
        let authority = uri.authority().map(|authority| Some(authority.as_str()));
        let hosts: Vec<Option<&str>> = named.chain(authority).collect();
        let known = |host: Option<&str>| host.is_some_and(|host| self.knows(host));
        if hosts.is_empty() || !hosts.iter().copied().all(known) {
            return Err(ApiError::forbidden(
                "this host name is not known here: add it to server.hosts",
            ));
        }
        if headers.contains_key(header::ORIGIN) {
            let origin = header(headers, header::ORIGIN.as_str());
            let host = origin.and_then(|origin| origin.strip_prefix("http://"));
            if !host.is_some_and(|host| self.knows(host)) {
                return Err(ApiError::forbidden("other websites may not ask here"));
            }
        }
        if !uri.path().starts_with("/api/") {
            return Ok(());
        }
        // Without an Origin: an image, a script, a link of another page. On localhost every port is one site.
        if matches!(
            header(headers, "sec-fetch-site"),
            Some("cross-site" | "same-site")
        ) {
            return Err(ApiError::forbidden("other websites may not ask here"));
        }
        if self.trusts_own && peer == Peer::Own {
            return Ok(());
        }
        self.check_token(headers, uri)
    }

    /// Whether `host`, with or without a port, names this server.
    fn knows(&self, host: &str) -> bool {
        let host = host.to_lowercase();
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            _ => (host.as_str(), Some(80)),
        };
        // A server on every address is reached by numbers it does not know. No name can be made to
        // stand for them: a request that names an address was meant for that address.
        let is_address = || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        port == Some(self.port)
            && (self.hosts.iter().any(|known| known == name) || self.any_address && is_address())
    }

    fn check_token(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), ApiError> {
        let bearer = header(headers, header::AUTHORIZATION.as_str())
            .and_then(|value| value.strip_prefix("Bearer "));
        let in_query = || {
            let mut pairs = uri.query().unwrap_or_default().split('&');
            pairs
                .find_map(|pair| pair.strip_prefix("token="))
                .filter(|_| uri.path().ends_with("/source"))
        };
        let given = bearer.or_else(in_query).unwrap_or_default();
        if bool::from(given.as_bytes().ct_eq(self.token.as_bytes())) {
            Ok(())
        } else {
            Err(ApiError::unauthorized())
        }
    }
}

/// Checks a request, and sets the headers of every answer.
pub(crate) async fn guard(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get().copied().unwrap_or(Peer::Other);
    let mut response = match access.check(request.headers(), request.uri(), peer) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    let headers = response.headers_mut();
    let fixed = [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(POLICY));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn literal(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(trusts_own: bool) -> Access {
        let address = "127.0.0.1:4747".parse().expect("an address");
        let hosts = ["Laptop.local".to_owned()];
        Access::new(address, &hosts, "secret".to_owned(), trusts_own)
    }

    #[track_caller]
    fn check(access: &Access, path: &str, headers: &[(&str, &str)], allowed: bool) {
        check_from(access, path, headers, Peer::Own, allowed);
    }

    #[track_caller]
    fn check_from(
        access: &Access,
        path: &str,
        headers: &[(&str, &str)],
        peer: Peer,
        allowed: bool,
    ) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a name");
            map.append(name, value.parse().expect("a value"));
        }
        let uri = path.parse().expect("a path");
        assert_eq!(
            access.check(&map, &uri, peer).is_ok(),
            allowed,
            "{path} {headers:?} {peer:?}"
        );
    }

    #[test]
    fn only_known_hosts_and_origins_are_answered() {
        let access = access(true);
        let ours = ("host", "localhost:4747");
        check(&access, "/", &[ours], true);
        check(&access, "/", &[("host", "127.0.0.1:4747")], true);
        check(&access, "/", &[("host", "[::1]:4747")], true);
        check(&access, "/", &[("host", "laptop.LOCAL:4747")], true);
        check(&access, "/", &[], false);
        check(&access, "/", &[("host", "localhost")], false);
        check(&access, "/", &[("host", "localhost:80")], false);
        check(&access, "/", &[("host", "evil.example:4747")], false);
        check(
            &access,
            "/",
            &[("host", "127.0.0.1.evil.example:4747")],
            false,
        );
        check(
            &access,
            "/api/status",
            &[ours, ("origin", "http://localhost:4747")],
            true,
        );
        check(
            &access,
            "/api/status",
            &[ours, ("origin", "http://localhost:3000")],
            false,
        );
        check(
            &access,
            "/api/status",
            &[ours, ("origin", "https://evil.example")],
            false,
        );
        check(&access, "/api/status", &[ours, ("origin", "null")], false);
    }

    #[test]
    fn a_server_on_every_address_is_reached_by_numbers_but_not_by_names() {
        let address = "0.0.0.0:4747".parse().expect("an address");
        let access = Access::new(address, &[], "secret".to_owned(), false);
        check(&access, "/", &[("host", "127.0.0.1:4747")], true);
        check(&access, "/", &[("host", "192.168.1.7:4747")], true);
        check(&access, "/", &[("host", "[fd00::1]:4747")], true);
        check(&access, "/", &[("host", "evil.example:4747")], false);
    }

    #[test]
    fn other_websites_get_nothing_without_an_origin_either() {
        let access = access(true);
        let ours = ("host", "localhost:4747");
        for (site, allowed) in [
            ("cross-site", false),
            ("same-site", false),
            ("same-origin", true),
            ("none", true),
        ] {
            let headers = [ours, ("sec-fetch-site", site)];
            check(&access, "/api/documents/1/source", &headers, allowed);
            check(&access, "/", &headers, true);
        }
        check(&access, "/", &[ours, ("host", "evil.example")], false);
        check(&access, "http://evil.example/api/status", &[ours], false);
        check(&access, "http://localhost:4747/api/status", &[ours], true);
        check(
            &access,
            "http://localhost:4747/",
            &[("host", "evil.example")],
            false,
        );
        check(
            &access,
            "http://localhost:4747/",
            &[("host", "\u{e9}")],
            false,
        );
    }

    #[test]
    fn other_users_need_the_token() {
        let access = access(true);
        let ours = ("host", "localhost:4747");
        let bearer = ("authorization", "Bearer secret");
        check_from(&access, "/api/status", &[ours], Peer::Own, true);
        check_from(&access, "/api/status", &[ours], Peer::Other, false);
        check_from(&access, "/api/status", &[ours, bearer], Peer::Other, true);
        check_from(&access, "/", &[ours], Peer::Other, true);
    }

    #[test]
    fn the_token_is_needed_of_everybody_where_it_is_set_so() {
        let access = access(false);
        let ours = ("host", "localhost:4747");
        check(&access, "/index.html", &[ours], true);
        check(&access, "/api/status", &[ours], false);
        check(
            &access,
            "/api/status",
            &[ours, ("authorization", "Bearer wrong")],
            false,
        );
        check(
            &access,
            "/api/status",
            &[ours, ("authorization", "Bearer secret")],
            true,
        );
        check(&access, "/api/status?token=secret", &[ours], false);
        check(
            &access,
            "/api/documents/1/source?token=secret",
            &[ours],
            true,
        );
    }
}
