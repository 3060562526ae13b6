//! Connections: accepted one by one, each with limits on time, headers and number, all ended in good order.
//!
//! Both the listener and the end are arguments, so a test takes a free port and ends the server when it likes. The
//! limits are against whoever holds connections open on this machine: a silent socket, a header that comes byte by
//! byte, an answer that is never read. Connections may be many, for a silent one costs a descriptor and a few KiB; what is
//! few is requests under way.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::app::App;
use super::listener::{Listener, Peer, Stream};
use crate::http::pace::Pace;

/// At the same time, most of which may be silent; the next one waits in the system's queue.
const CONNECTIONS: u64 = 1536;
/// Requests at the same time, until all of each answer is handed to its connection; the next ones wait.
const REQUESTS: usize = 64;
/// Descriptors that are not connections: the store, its readers, the log.
const OTHER_FILES: u64 = 128;
/// From a connection to its first byte, and from a request's first byte to the end of its header.
const HEADER_TIME: Duration = Duration::from_secs(5);
/// After this a connection takes no further request.
const CONNECTION_TIME: Duration = Duration::from_secs(120);
/// For the request that runs then.
const LAST_ANSWER_TIME: Duration = Duration::from_secs(20);
/// For all connections together, once the server is to end.
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// For changes, before they are taken back: all but the largest are made by then.
const CHANGE_TIME: Duration = Duration::from_secs(1);
/// When the system cannot accept for now, most likely for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);
/// Request line and headers together.
const HEADER_BYTES: usize = 16 * 1024;
const HEADERS: usize = 64;

/// Serves until `shutdown` is ready, then lets running answers end.
pub(crate) async fn run(listener: Listener, app: Arc<App>, shutdown: impl Future<Output = ()>) {
    let connections = connections();
    let permits = Arc::new(Semaphore::new(connections as usize));
    let requests = Arc::new(Semaphore::new(REQUESTS));
    let (ending, ended) = watch::channel(false);
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            // A permit first: a connection we cannot serve yet must not cost a descriptor.
            let permit = permits.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut shutdown => break,
        };
        match (permit, accepted) {
            (Ok(permit), Ok(stream)) => {
                let (app, requests, ended) = (app.clone(), requests.clone(), ended.clone());
                tokio::spawn(async move {
                    match stream {
                        Stream::Tcp(stream) => connection(stream, app, requests, ended).await,
                        Stream::Unix(stream) => connection(stream, app, requests, ended).await,
                    }
                    drop(permit);
                });
            }
            (_, Err(error)) => {
                tracing::warn!("failed to accept a connection: {error}");
                sleep(PAUSE).await;
            }
            (Err(_), _) => break, // the semaphore is never closed
        }
    }
    drop(listener);
    app.end();
    ending.send_replace(true);
    let mut drained = pin!(permits.acquire_many(connections));
    let in_time = timeout(CHANGE_TIME, drained.as_mut()).await.is_ok();
    app.end_changes();
    if !in_time && timeout(DRAIN_TIME, drained).await.is_err() {
        tracing::warn!("ended with answers under way");
    }
}

/// How many connections this process has descriptors for, once it has raised its limit as far as it needs.
fn connections() -> u32 {
    let wanted = CONNECTIONS + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    let raised = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let granted = match limit.current {
        Some(current) if current < raised => {
            match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum }) {
                Ok(()) => raised,
                Err(_) => current,
            }
        }
        _ => wanted,
    };
    u32::try_from(granted.saturating_sub(OTHER_FILES).clamp(REQUESTS as u64, CONNECTIONS)).unwrap_or(u32::MAX)
}

async fn connection(stream: impl Peer, app: Arc<App>, requests: Arc<Semaphore>, mut ended: watch::Receiver<bool>) {
    // hyper's own limit begins with the first byte.
    let spoke = tokio::select! {
        spoke = timeout(HEADER_TIME, stream.spoken()) => spoke,
        _ = ended.wait_for(|ended| *ended) => return,
    };
    if !matches!(spoke, Ok(Ok(()))) {
        return;
    }
    let (noted, paces) = watch::channel(None::<Pace>);
    let service = service_fn(move |request| {
        let (app, requests, noted) = (app.clone(), requests.clone(), noted.clone());
        async move {
            let permit = requests.acquire_owned().await.ok(); // the semaphore is never closed
            let answer = app.answer(request).await;
            let pace = answer.extensions().get::<Pace>().cloned();
            let permit = permit.filter(|_| !matches!(pace, Some(Pace::Endless)));
            noted.send_replace(pace);
            Ok::<_, Infallible>(answer.map(|body| Held { body, _permit: permit }))
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    let result = tokio::select! {
        result = served.as_mut() => result,
        () = async {
            tokio::select! {
                () = sleep(CONNECTION_TIME) => {}
                _ = ended.wait_for(|ended| *ended) => {}
            }
        } => {
            served.as_mut().graceful_shutdown();
            match timeout(LAST_ANSWER_TIME, served.as_mut()).await {
                Ok(result) => result,
                Err(_) => {
                    let pace = paces.borrow().clone();
                    tokio::select! {
                        result = served.as_mut() => result,
                        () = over(pace) => Ok(()),
                        () = async { drop(ended.wait_for(|ended| *ended).await) } => timeout(DRAIN_TIME, served.as_mut()).await.unwrap_or(Ok(())),
                    }
                }
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!("a connection ended early: {error}");
    }
}

/// Ready when nothing is made any more that a reader could wait for.
async fn over(pace: Option<Pace>) {
    match pace {
        None => {}
        Some(Pace::Long(made)) => {
            made.over().await;
            sleep(LAST_ANSWER_TIME).await; // for what is on its way
        }
        Some(Pace::Endless) => std::future::pending().await,
    }
}

/// An answer's body, which counts as a request under way until it is handed over or given up.
struct Held {
    body: Body,
    _permit: Option<OwnedSemaphorePermit>,
}

impl hyper::body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
