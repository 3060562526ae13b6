//! Tells those who listen when something was committed.
//!
//! One task looks once a second, and only while somebody listens; it ends when the last one is gone. So any number of commits
//! within a second are one message, and nobody pays when nobody listens.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::Frame;
use queue::DataDir;
use store::read::{Pulse, Reader};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::http::problem::Problem;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// Between two signs of life, without which a connection that died would never be noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Listeners at the same time; each keeps a connection.
const LISTENERS: usize = 16;
/// Who is so far behind is told the newest alone.
const BEHIND: usize = 4;

/// Something was committed.
#[derive(Clone, Copy, Debug)]
struct Committed {
    id: u64,
    newest: Option<i64>,
    marks: bool,
}

impl Committed {
    fn line(self) -> Bytes {
        let data = serde_json::json!({ "newest": self.newest, "marks": self.marks });
        format!("id: {}\nevent: committed\ndata: {data}\n\n", self.id).into()
    }
}

/// Everybody who listens, and the one who looks.
#[derive(Debug)]
pub(crate) struct Events {
    home: DataDir,
    said: broadcast::Sender<Committed>,
    places: Arc<Semaphore>,
    looking: Mutex<bool>,
    last: AtomicU64,
    looks: AtomicU64,
    ended: watch::Sender<bool>,
}

impl Events {
    /// Of the store of `home`. Nothing is opened yet.
    pub(crate) fn new(home: DataDir) -> Arc<Self> {
        Arc::new(Self {
            home,
            said: broadcast::Sender::new(BEHIND),
            places: Arc::new(Semaphore::new(LISTENERS)),
            looking: Mutex::new(false),
            last: AtomicU64::new(0),
            looks: AtomicU64::new(0),
            ended: watch::Sender::new(false),
        })
    }

    /// A body that goes on until its reader is gone or [`end`](Self::end) is called.
    pub(crate) fn listen(self: &Arc<Self>) -> Result<Body, Problem> {
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| Problem::unavailable("Too many programs listen already.", 15))?;
        let (sender, lines) = mpsc::channel(1);
        tokio::spawn(listener(sender, self.said.subscribe(), self.ended.subscribe()));
        let mut looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut *looking, true) {
            tokio::spawn(look(self.clone()));
        }
        Ok(Body::new(Lines { lines, _place: place }))
    }

    /// How many listen.
    pub(crate) fn listeners(&self) -> usize {
        self.said.receiver_count()
    }

    /// How often anybody looked at the store.
    pub(crate) fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    /// Ends every body.
    pub(crate) fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Whether the one who looks may stop: nobody listens any more, and whoever comes now starts another.
    fn is_over(&self) -> bool {
        let mut looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let over = self.said.receiver_count() == 0 || *self.ended.borrow();
        *looking = !over;
        over
    }
}

async fn look(events: Arc<Events>) {
    let mut eye = Eye { home: events.home.clone(), reader: None, seen: None, was_blind: false };
    while !events.is_over() {
        events.looks.fetch_add(1, Ordering::Relaxed);
        let looked = tokio::task::spawn_blocking(move || {
            let news = eye.news();
            (eye, news)
        });
        let Ok((back, news)) = looked.await else {
            tracing::warn!("failed to look for what was committed: it panicked");
            *events.looking.lock().unwrap_or_else(PoisonError::into_inner) = false;
            return;
        };
        eye = back;
        if let Some((newest, marks)) = news {
            let id = events.last.fetch_add(1, Ordering::Relaxed) + 1;
            let _ = events.said.send(Committed { id, newest, marks }); // nobody may be left
        }
        sleep(EVERY).await;
    }
}

/// What was seen last, through a reader of its own: another one would count from somewhere else.
struct Eye {
    home: DataDir,
    reader: Option<Reader>,
    seen: Option<Pulse>,
    /// Whether there was nothing to read so far.
    was_blind: bool,
}

impl Eye {
    /// What is new since the last look, if anything is; the first look only remembers. While the store cannot be read nothing is
    /// new, and once it can be, or can be again, everything may be.
    fn news(&mut self) -> Option<(Option<i64>, bool)> {
        let news = self.look();
        self.was_blind = self.seen.is_none();
        news
    }

    fn look(&mut self) -> Option<(Option<i64>, bool)> {
        let current = self.reader.take().filter(Reader::is_current);
        let same = current.is_some();
        let mut reader = current.or_else(|| Reader::open(&self.home).ok())?;
        let version = self.seen.filter(|_| same).map(|seen| seen.version);
        let pulse = reader.pulse(version).ok()?;
        self.reader = Some(reader);
        let pulse = pulse?;
        let marks = match self.seen.replace(pulse) {
            Some(former) => !same || pulse.said != former.said,
            None if self.was_blind => pulse.said > 0,
            None => return None,
        };
        Some((pulse.newest.map(|id| id.0), marks))
    }
}

/// Passes on what is said to one listener, with signs of life between.
async fn listener(to: mpsc::Sender<Bytes>, mut said: broadcast::Receiver<Committed>, mut ended: watch::Receiver<bool>) {
    let mut heartbeat = interval(HEARTBEAT); // its first tick is at once: the listener sees that it is heard
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let line = tokio::select! {
            committed = said.recv() => match committed {
                Ok(committed) => committed.line(),
                Err(broadcast::error::RecvError::Lagged(_)) => continue,
                Err(broadcast::error::RecvError::Closed) => return,
            },
            _ = heartbeat.tick() => Bytes::from_static(b": listening\n\n"),
            _ = ended.wait_for(|ended| *ended) => return,
            () = to.closed() => return,
        };
        let sent = tokio::select! {
            sent = to.send(line) => sent.is_ok(),
            _ = ended.wait_for(|ended| *ended) => false,
        };
        if !sent {
            return;
        }
    }
}

/// The body of a listener.
struct Lines {
    lines: mpsc::Receiver<Bytes>,
    _place: OwnedSemaphorePermit,
}

impl hyper::body::Body for Lines {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.lines.poll_recv(context).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use store::write::Writer;

    async fn next(body: &mut Body) -> String {
        let frame = body.frame().await.unwrap().unwrap();
        String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn nobody_looks_while_nobody_listens() {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        drop(Writer::open(&dir).unwrap());
        let events = Events::new(dir.clone());
        sleep(EVERY * 2).await;
        assert_eq!(events.looks(), 0);
        let (mut one, mut two) = (events.listen().unwrap(), events.listen().unwrap());
        for body in [&mut one, &mut two] {
            assert_eq!(next(body).await, ": listening\n\n");
        }
        while events.looks() == 0 {
            sleep(Duration::from_millis(10)).await;
        }
        sleep(EVERY / 4).await; // the first look is over
        let mut writer = Writer::open(&dir).unwrap();
        writer.batch().unwrap().commit().unwrap();
        drop(writer);
        let looks = events.looks();
        crate::serve::app::tests::fill(&dir, vec![crate::serve::app::tests::turn(1, "a")]);
        for body in [&mut one, &mut two] {
            assert_eq!(next(body).await, "id: 1\nevent: committed\ndata: {\"marks\":false,\"newest\":1}\n\n");
        }
        assert!(events.looks() > looks, "one task looks for both");
        drop((one, two));
        sleep(EVERY * 2).await;
        let over = events.looks();
        sleep(EVERY * 2).await;
        assert_eq!(events.looks(), over, "the last one is gone");
        // Who comes then is heard again; at the end all are let go.
        let mut late = events.listen().unwrap();
        assert_eq!(next(&mut late).await, ": listening\n\n");
        sleep(EVERY / 4).await;
        assert!(events.looks() > over);
        events.end();
        assert!(late.frame().await.is_none());
    }

    /// Who listens before there is a store hears of the first thing in it.
    #[tokio::test]
    async fn a_store_that_comes_is_news() {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        let events = Events::new(dir.clone());
        let mut body = events.listen().unwrap();
        assert_eq!(next(&mut body).await, ": listening\n\n");
        while events.looks() == 0 {
            sleep(Duration::from_millis(10)).await;
        }
        sleep(EVERY / 4).await; // the first look is over
        crate::serve::app::tests::fill(&dir, vec![crate::serve::app::tests::turn(1, "a")]);
        let mut heard = String::new();
        // The store may be seen before what is in it: then there are two.
        while !heard.contains("\"newest\":1}") {
            heard = tokio::time::timeout(EVERY * 5, next(&mut body)).await.expect("an event");
        }
    }

    #[tokio::test]
    async fn there_is_room_for_so_many() {
        let events = Events::new(DataDir::new("/nowhere"));
        let bodies: Vec<_> = (0..LISTENERS).map(|_| events.listen().unwrap()).collect();
        assert_eq!(events.listen().err().unwrap().status, 503);
        drop(bodies);
        assert!(events.listen().is_ok());
    }
}
