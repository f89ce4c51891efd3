//! Models of the servers behind Envoy: the path that each one's routing sees.

pub mod frameworks;
pub mod nginx;
pub mod node;
pub mod steps;
pub mod tomcat;

/// What a server makes of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPath {
    /// The host, where the server takes it from the path.
    pub host: Option<String>,
    /// The path that it routes by.
    pub path: Vec<u8>,
}

/// A server.
pub struct Server {
    /// Its name, which a failing search prints.
    pub name: &'static str,
    read: Routing,
}

enum Routing {
    ByPath(fn(&[u8]) -> Option<Vec<u8>>),
    ByHostAndPath(fn(&[u8]) -> Option<SeenPath>),
}

impl Server {
    const fn new(name: &'static str, read: fn(&[u8]) -> Option<Vec<u8>>) -> Server {
        Server { name, read: Routing::ByPath(read) }
    }

    const fn with_host(name: &'static str, read: fn(&[u8]) -> Option<SeenPath>) -> Server {
        Server { name, read: Routing::ByHostAndPath(read) }
    }

    /// What it makes of a path; none where it rejects the request.
    pub fn read(&self, path: &[u8]) -> Option<SeenPath> {
        match self.read {
            Routing::ByPath(read) => read(path).map(|path| SeenPath { host: None, path }),
            Routing::ByHostAndPath(read) => read(path),
        }
    }
}

/// What one server makes of a path, directly behind Envoy or behind nginx.
pub struct Read {
    /// Its name.
    pub server: &'static str,
    /// Whether nginx is before it.
    pub is_behind_nginx: bool,
    /// What it makes of the path.
    pub seen: SeenPath,
}

/// What each server that takes a path makes of it, directly behind Envoy and behind a `proxy_pass` with a URI of nginx.
pub fn read(path: &[u8]) -> impl Iterator<Item = Read> {
    read_by(path, |_| true)
}

/// The same of those servers alone that may take a host from the path.
#[allow(dead_code, reason = "the sample with real servers asks for all of them")]
pub fn read_hosts(path: &[u8]) -> impl Iterator<Item = Read> {
    read_by(path, |server| matches!(server.read, Routing::ByHostAndPath(_)))
}

fn read_by(path: &[u8], is_asked: fn(&&Server) -> bool) -> impl Iterator<Item = Read> {
    let read = |server: &'static Server, path: &[u8], is_behind_nginx| {
        Some(Read { server: server.name, is_behind_nginx, seen: server.read(path)? })
    };
    // A path that nginx does not change is read as it is without nginx.
    let forwarded = nginx::forward(path).filter(|forwarded| forwarded != path);
    let behind = move |server| read(server, forwarded.as_deref()?, true);
    let all = move || all().filter(is_asked);
    all().filter_map(move |server| read(server, path, false)).chain(all().filter_map(behind))
}

fn all() -> impl Iterator<Item = &'static Server> {
    [frameworks::SERVERS, nginx::SERVERS, tomcat::SERVERS, node::SERVERS].into_iter().flatten()
}
