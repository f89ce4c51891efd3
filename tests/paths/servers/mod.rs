//! Models of the servers behind Envoy: the path by which each of them routes.

pub mod frameworks;
pub mod nginx;
pub mod node;
pub mod steps;
pub mod tomcat;

/// The interpretation of a path by a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPath {
    /// The host, if the server takes it from the path.
    pub host: Option<String>,
    /// The path by which the server routes.
    pub path: Vec<u8>,
}

/// The model of a server.
pub struct Server {
    /// The name in reports.
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

    /// Interprets a path; `None` if the server rejects the request.
    pub fn read(&self, path: &[u8]) -> Option<SeenPath> {
        match self.read {
            Routing::ByPath(read) => read(path).map(|path| SeenPath { host: None, path }),
            Routing::ByHostAndPath(read) => read(path),
        }
    }
}

/// The interpretation of a path by a server, directly behind Envoy or behind nginx.
pub struct Read {
    /// The name of the server.
    pub server: &'static str,
    /// True if nginx is between Envoy and the server.
    pub is_behind_nginx: bool,
    /// The interpretation.
    pub seen: SeenPath,
}

/// The interpretations of all servers that accept the path, directly behind Envoy and behind nginx with a `proxy_pass`
/// with a URI.
pub fn read(path: &[u8]) -> impl Iterator<Item = Read> {
    read_by(path, |_| true)
}

/// The interpretations of those servers that may take a host from the path.
#[allow(dead_code, reason = "only the search uses it, not the tests with real servers")]
pub fn read_hosts(path: &[u8]) -> impl Iterator<Item = Read> {
    read_by(path, |server| matches!(server.read, Routing::ByHostAndPath(_)))
}

fn read_by(path: &[u8], is_asked: fn(&&Server) -> bool) -> impl Iterator<Item = Read> {
    let read = |server: &'static Server, path: &[u8], is_behind_nginx| {
        Some(Read { server: server.name, is_behind_nginx, seen: server.read(path)? })
    };
    // A path that nginx does not change needs no second interpretation.
    let forwarded = nginx::forward(path).filter(|forwarded| forwarded != path);
    let behind = move |server| read(server, forwarded.as_deref()?, true);
    let all = move || all().filter(is_asked);
    all().filter_map(move |server| read(server, path, false)).chain(all().filter_map(behind))
}

fn all() -> impl Iterator<Item = &'static Server> {
    [frameworks::SERVERS, nginx::SERVERS, tomcat::SERVERS, node::SERVERS].into_iter().flatten()
}
