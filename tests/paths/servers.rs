//! Models of the servers behind Envoy: the path that each one's routing sees.

pub mod frameworks;
pub mod nginx;
pub mod node;
pub mod steps;
pub mod tomcat;

/// What a server makes of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The host, where the server takes it from the path.
    pub host: Option<String>,
    /// The path that it routes by.
    pub path: Vec<u8>,
}

/// A server.
pub struct Server {
    /// Its name, which a failing search prints.
    pub name: String,
    read: Box<dyn Fn(&[u8]) -> Option<Seen>>,
}

impl Server {
    fn new(name: &str, read: impl Fn(&[u8]) -> Option<Vec<u8>> + 'static) -> Server {
        Server::with_host(name, move |path| read(path).map(|path| Seen { host: None, path }))
    }

    fn with_host(name: &str, read: impl Fn(&[u8]) -> Option<Seen> + 'static) -> Server {
        Server { name: name.to_owned(), read: Box::new(read) }
    }

    /// What it makes of a path; none where it rejects the request.
    pub fn read(&self, path: &[u8]) -> Option<Seen> {
        (self.read)(path)
    }

    /// The same server behind a proxy that changes paths.
    fn behind(self, proxy: &str, forward: fn(&[u8]) -> Option<Vec<u8>>) -> Server {
        let name = format!("{proxy}, then {}", self.name);
        Server { name, read: Box::new(move |path| (self.read)(&forward(path)?)) }
    }
}

/// Every server, directly behind Envoy and behind nginx.
pub fn all() -> Vec<Server> {
    let mut servers = applications();
    servers.push(Server::new("nginx", nginx::location));
    servers.extend(applications().into_iter().map(|server| server.behind("nginx with a URI", nginx::forward)));
    servers
}

fn applications() -> Vec<Server> {
    [frameworks::servers(), tomcat::servers(), node::servers()].into_iter().flatten().collect()
}
