//! Where connections come from: a port, a socket in the file system, or one that the supervisor opened for us.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream as Probe;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};

use rustix::fs::Mode;
use settings::Listen;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};

use crate::access::Place;

/// Connections that wait in the system's queue to be accepted.
const WAITING: u32 = 1024;

/// Listens, and is no more at its place once it is dropped.
pub(crate) enum Listener {
    Tcp(TcpListener, SocketAddr),
    Unix { listener: UnixListener, _file: Option<SocketFile> },
}

/// Why nothing listens. The text fits behind "failed to".
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("listen on {0}: it is taken; stop the program that has it, or choose another with --listen")]
    Taken(Listen),
    #[error("listen on {0}: there is something else than a socket; choose another path with --listen")]
    NoSocket(Listen),
    #[error("listen on {listen}: {source}")]
    Io { listen: Listen, source: io::Error },
    #[error("use the socket of the supervisor: {0}")]
    Inherited(io::Error),
}

/// The name of our socket, which goes when we do.
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: Option<(u64, u64)>,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another server may have taken the place since.
        if self.inode.is_some() && inode(&self.path) == self.inode {
            let _ = std::fs::remove_file(&self.path); // a socket that stays is replaced by the next server
        }
    }
}

impl Listener {
    /// The socket that a supervisor that speaks systemd's protocol opened, if there is one.
    pub(crate) fn inherited() -> Result<Option<Self>, Error> {
        let mut given = listenfd::ListenFd::from_env();
        if given.len() == 0 {
            return Ok(None);
        }
        // It says which kind it is only by refusing to be the other.
        if let Ok(Some(listener)) = given.take_tcp_listener(0) {
            let address = listener.local_addr().map_err(Error::Inherited)?;
            listener.set_nonblocking(true).map_err(Error::Inherited)?;
            return Ok(Some(Self::Tcp(TcpListener::from_std(listener).map_err(Error::Inherited)?, address)));
        }
        let listener = given.take_unix_listener(0).map_err(Error::Inherited)?;
        let listener = listener.ok_or_else(|| Error::Inherited(io::Error::other("it was taken")))?;
        listener.set_nonblocking(true).map_err(Error::Inherited)?;
        // Its name is the supervisor's.
        Ok(Some(Self::Unix { listener: UnixListener::from_std(listener).map_err(Error::Inherited)?, _file: None }))
    }

    /// Begins to listen there.
    pub(crate) async fn bind(listen: &Listen) -> Result<Self, Error> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => Error::Taken(listen.clone()),
            _ => Error::Io { listen: listen.clone(), source },
        };
        match listen {
            Listen::Tcp(address) => {
                let listener = listen_at(*address).map_err(failed)?;
                let real = listener.local_addr().map_err(failed)?;
                Ok(Self::Tcp(listener, real))
            }
            Listen::Unix(path) => {
                clear(listen, path)?;
                // Nothing else makes a file at this moment: the server has not begun.
                let former = rustix::process::umask(Mode::from_raw_mode(0o177));
                let bound = UnixListener::bind(path);
                rustix::process::umask(former);
                let listener = bound.map_err(failed)?;
                let file = SocketFile { path: path.clone(), inode: inode(path) };
                Ok(Self::Unix { listener, _file: Some(file) })
            }
        }
    }

    /// What the server is called there.
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Tcp(_, address) => Place::Tcp(*address),
            Self::Unix { .. } => Place::Unix,
        }
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener, _) => {
                let (stream, _) = listener.accept().await?;
                let _ = stream.set_nodelay(true); // an answer without it is only slower
                Ok(Stream::Tcp(stream))
            }
            Self::Unix { listener, .. } => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }
}

/// With a queue that a burst of connections does not fill: whoever finds it full tries again only after a second.
fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?; // of connections that are ending, not of another server
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// Makes room for a socket: one that nobody listens at is left of a server that was killed.
fn clear(listen: &Listen, path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Io { listen: listen.clone(), source };
    let found = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(failed)?,
    };
    if !found.file_type().is_socket() {
        return Err(Error::NoSocket(listen.clone()));
    }
    match Probe::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path).map_err(failed),
        Ok(_) => Err(Error::Taken(listen.clone())),
        Err(error) => Err(failed(error)),
    }
}

fn inode(path: &Path) -> Option<(u64, u64)> {
    std::fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// A connection, before it is known what it says.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// What a connection must be able to do.
pub(crate) trait Peer: AsyncRead + AsyncWrite + Unpin {
    /// Whether something came, or its end.
    fn poll_spoken(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Waits until something came, without taking it.
    async fn spoken(&self) -> io::Result<()> {
        poll_fn(|context| self.poll_spoken(context)).await
    }
}

impl Peer for TcpStream {
    fn poll_spoken(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(context)
    }
}

impl Peer for UnixStream {
    fn poll_spoken(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn a_socket_is_ours_alone_and_goes_with_us() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("api.sock");
        let listen = Listen::Unix(path.clone());
        let listener = Listener::bind(&listen).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(Listener::bind(&listen).await, Err(Error::Taken(_))), "somebody listens");
        drop(listener);
        assert!(!path.exists());

        // One that nobody listens at any more is replaced,
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let listener = Listener::bind(&listen).await.unwrap();
        // another file is not, neither at the beginning
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "precious").unwrap();
        assert!(matches!(Listener::bind(&listen).await, Err(Error::NoSocket(_))));
        // nor at the end.
        drop(listener);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    }
}
