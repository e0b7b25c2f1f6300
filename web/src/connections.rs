//! Connections: how many there may be, how long a request may take to arrive, how they end.
//!
//! Nobody can lock a person out by holding connections: when there are too many, the one that has been silent for
//! longest makes way. Requests are read whole before a route sees them, within limits for each and for all.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::ApiError;
use crate::peer::{self, Peer};

/// Connections at a time: far more than browsers and programs of one person open, far fewer than files may be open.
const MOST: usize = 256;
/// Of these, of other users' programs.
const MOST_OF_OTHERS: usize = 64;

/// A request's head must have arrived within this, and its body too.
const ARRIVAL: Duration = Duration::from_secs(20);
/// Whoever reads nothing of an answer for so long may have to make way.
const STALLED: Duration = Duration::from_secs(30);
/// What a request's head may take (bytes).
const HEAD_BYTES: usize = 64 << 10;
/// What a request's body may take (bytes),
const BODY_BYTES: usize = 2 << 20;
/// and this part of it whatever others hold;
const SMALL_BODY: usize = 64 << 10;
/// beyond that, all bodies together (in units of [`SMALL_BODY`]).
const ALL_BODIES: usize = 512;

/// How long answers under way may take to end when the server stops.
const GRACE: Duration = Duration::from_millis(1500);
/// When no file can be opened, connections neither: how long until it is tried again.
const AGAIN: Duration = Duration::from_millis(50);

/// Serves until `stop` is cancelled and the answers under way are out, or their time is over.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let (server, tracker) = (Arc::new(Server::new()), TaskTracker::new());
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        if let Ok((stream, remote)) = accepted {
            let peer = stream.local_addr().map(|local| peer::of(remote, local));
            if let Some(connection) = server.admit(peer.unwrap_or(Peer::Other)) {
                tracker.spawn(connection.serve(stream, router.clone(), stop.clone()));
            }
        } else {
            // It was broken off, or no more files can be opened: the latter passes when another makes way.
            end_longest_idle(&mut lock(&server.open), None);
            tokio::time::sleep(AGAIN).await;
        }
    }
    drop(listener);
    tracker.close();
    let _ = tokio::time::timeout(GRACE, tracker.wait()).await;
    Ok(())
}

/// What connections share.
struct Server {
    open: Mutex<BTreeMap<u64, Arc<State>>>,
    next: AtomicU64,
    bodies: Arc<Semaphore>,
}

/// What is known of a connection.
struct State {
    peer: Peer,
    phase: Mutex<(Phase, Instant)>,
    end: CancellationToken,
}

/// What a connection is about, since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A request is awaited, or arrives.
    Reading,
    /// It is being answered.
    Working,
    /// The answer is being sent; since part of it was last taken.
    Writing,
}

impl State {
    fn is(&self, phase: Phase) {
        *lock(&self.phase) = (phase, Instant::now());
    }

    /// Since when it could make way for another.
    fn idle_since(&self) -> Option<Instant> {
        match *lock(&self.phase) {
            (Phase::Reading, since) => Some(since),
            (Phase::Writing, since) => (since.elapsed() > STALLED).then_some(since),
            (Phase::Working, _) => None,
        }
    }
}

impl Server {
    fn new() -> Self {
        Self {
            open: Mutex::default(),
            next: AtomicU64::new(0),
            bodies: Arc::new(Semaphore::new(ALL_BODIES)),
        }
    }

    /// Lets a connection in; where there are too many, one that is idle makes way, or else this one does.
    fn admit(self: &Arc<Self>, peer: Peer) -> Option<Connection> {
        let mut open = lock(&self.open);
        let others = open.values().filter(|one| one.peer == Peer::Other).count();
        let room = if peer == Peer::Other && others >= MOST_OF_OTHERS {
            end_longest_idle(&mut open, Some(Peer::Other))
        } else {
            open.len() < MOST
                || end_longest_idle(&mut open, Some(Peer::Other))
                || end_longest_idle(&mut open, None)
        };
        if !room {
            return None;
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let state = Arc::new(State {
            peer,
            phase: Mutex::new((Phase::Reading, Instant::now())),
            end: CancellationToken::new(),
        });
        open.insert(id, Arc::clone(&state));
        Some(Connection {
            server: Arc::clone(self),
            id,
            state,
        })
    }
}

/// Ends the connection that has been idle for longest, of all or of those of one kind; whether there was one.
fn end_longest_idle(open: &mut BTreeMap<u64, Arc<State>>, of: Option<Peer>) -> bool {
    let among = open
        .iter()
        .filter(|(_, one)| of.is_none_or(|peer| one.peer == peer));
    let idle = among.filter_map(|(id, one)| Some((one.idle_since()?, *id)));
    let Some((_, id)) = idle.min() else {
        return false;
    };
    if let Some(ended) = open.remove(&id) {
        ended.end.cancel();
    }
    true
}

/// A connection that was let in.
struct Connection {
    server: Arc<Server>,
    id: u64,
    state: Arc<State>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        lock(&self.server.open).remove(&self.id);
    }
}

impl Connection {
    /// Answers what is asked, until the other end goes away, another connection needs the room, or the server stops.
    async fn serve(self, stream: TcpStream, router: Router, stop: CancellationToken) {
        // What is sent goes out at once; where the system refuses, later.
        let _ = stream.set_nodelay(true);
        let router = TowerToHyperService::new(router);
        let service = service_fn(|request| self.answer(request, &router));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(ARRIVAL)
            .max_buf_size(HEAD_BYTES)
            .auto_date_header(false)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            () = self.state.end.cancelled() => return,
            () = stop.cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(GRACE, connection).await;
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        router: &TowerToHyperService<Router>,
    ) -> Result<Response, Infallible> {
        let (head, body) = request.into_parts();
        let arrived = tokio::time::timeout(ARRIVAL, self.collect(body)).await;
        let (body, _held) = match arrived.unwrap_or_else(|_| Err(ApiError::too_slow())) {
            Ok(body) => body,
            Err(error) => {
                let close = [(header::CONNECTION, "close")];
                return Ok((close, error).into_response());
            }
        };
        self.state.is(Phase::Working);
        let mut request = Request::from_parts(head, Body::from(body));
        request.extensions_mut().insert(self.state.peer);
        let response = router.call(request).await?;
        self.state.is(Phase::Writing);
        let state = Arc::clone(&self.state);
        Ok(response.map(|body| Body::new(Sending { body, state })))
    }

    /// A request's body, and its part of what all bodies may take.
    async fn collect(
        &self,
        mut body: Incoming,
    ) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), ApiError> {
        if body.size_hint().lower() > BODY_BYTES as u64 {
            return Err(ApiError::too_large(BODY_BYTES));
        }
        let mut bytes: Vec<u8> = Vec::new();
        let mut held: Option<OwnedSemaphorePermit> = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| ApiError::bad_request("the body broke off"))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let length = bytes.len() + data.len();
            if length > BODY_BYTES {
                return Err(ApiError::too_large(BODY_BYTES));
            }
            let units = length.saturating_sub(SMALL_BODY).div_ceil(SMALL_BODY);
            let more = units - held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            if more > 0 {
                let more = u32::try_from(more).unwrap_or(u32::MAX);
                let more = Arc::clone(&self.server.bodies).try_acquire_many_owned(more);
                let more = more.map_err(|_| ApiError::busy())?;
                match &mut held {
                    Some(held) => held.merge(more),
                    None => held = Some(more),
                }
            }
            bytes.extend_from_slice(&data);
        }
        Ok((bytes, held))
    }
}

/// An answer's body; its connection is idle again when it is out.
struct Sending {
    body: Body,
    state: Arc<State>,
}

impl hyper::body::Body for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_ready() {
            self.state.is(Phase::Writing);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.state.is(Phase::Reading);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(server: &Arc<Server>, peer: Peer, count: usize) -> Vec<Connection> {
        let admitted = std::iter::repeat_with(|| server.admit(peer));
        admitted.take(count).flatten().collect()
    }

    #[test]
    fn the_connection_that_is_silent_for_longest_makes_way() {
        let server = Arc::new(Server::new());
        let held = admit(&server, Peer::Own, MOST);
        assert_eq!(held.len(), MOST);
        held[0].state.is(Phase::Working);
        let late = server.admit(Peer::Own).expect("there is room");
        let ended: Vec<usize> = (0..MOST)
            .filter(|index| held[*index].state.end.is_cancelled())
            .collect();
        assert_eq!(ended, [1]);
        assert!(!late.state.end.is_cancelled());
        assert_eq!(lock(&server.open).len(), MOST);
        drop((held, late));
        assert_eq!(lock(&server.open).len(), 0);
    }

    #[test]
    fn where_all_are_at_work_nobody_else_comes_in() {
        let server = Arc::new(Server::new());
        let held = admit(&server, Peer::Own, MOST);
        for connection in &held {
            connection.state.is(Phase::Working);
        }
        assert!(server.admit(Peer::Own).is_none());
        held[7].state.is(Phase::Writing);
        assert!(
            server.admit(Peer::Own).is_none(),
            "it still takes its answer"
        );
        held[7].state.is(Phase::Reading);
        assert!(server.admit(Peer::Own).is_some());
    }

    #[test]
    fn other_users_cannot_take_a_persons_room() {
        let server = Arc::new(Server::new());
        let others = admit(&server, Peer::Other, MOST);
        let open = others.iter().filter(|one| !one.state.end.is_cancelled());
        assert_eq!(open.count(), MOST_OF_OTHERS);
        let own = admit(&server, Peer::Own, MOST);
        assert!(own.iter().all(|one| !one.state.end.is_cancelled()));
        assert!(others.iter().all(|one| one.state.end.is_cancelled()));
    }
}
