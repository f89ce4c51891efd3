//! Clients: reqwest over HTTP/1.1 and HTTP/2, and curl. [`super::raw`] sends requests that these clients cannot send.

use std::ffi::OsStr;
use std::net::SocketAddr;

use super::tls::Tls;

/// An HTTP/1.1 client. A new client opens a new connection.
pub fn h1() -> reqwest::Client {
    plain().http1_only().build().unwrap()
}

/// An HTTP/2 client without TLS and without an upgrade.
pub fn h2() -> reqwest::Client {
    plain().http2_prior_knowledge().build().unwrap()
}

/// An HTTP/2 client that resolves `host` to this address, so that `:authority` is `host`.
pub fn h2_of(host: &str, at: SocketAddr) -> reqwest::Client {
    plain().http2_prior_knowledge().resolve(host, at).build().unwrap()
}

/// A client that trusts this authority and sends this client certificate, if any (see [`Tls::client`]).
pub fn tls(authority: &Tls, identity: Option<&str>) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(authority.ca().as_bytes()).unwrap();
    let mut builder = reqwest::Client::builder().no_proxy().tls_certs_only([root]);
    if let Some(pem) = identity {
        builder = builder.identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap());
    }
    builder.build().unwrap()
}

// These clients do not use TLS. Accepting any certificate saves them from loading the system's.
fn plain() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .tls_danger_accept_invalid_certs(true)
        .redirect(reqwest::redirect::Policy::none())
}

/// The exit code and the output of a command.
#[derive(Debug)]
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<std::process::Output> for Output {
    fn from(output: std::process::Output) -> Output {
        Output {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs a command until it exits.
pub async fn run(program: impl AsRef<OsStr>, arguments: &[impl AsRef<OsStr>]) -> Output {
    let program = program.as_ref();
    let output =
        tokio::process::Command::new(program).args(arguments).stdin(std::process::Stdio::null()).output().await;
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    output.into()
}

/// Runs curl without a progress meter and without proxies.
pub async fn curl(arguments: &[&str]) -> Output {
    let own = ["--silent", "--show-error", "--noproxy", "*", "--max-time", "20"];
    run("curl", &[&own, arguments].concat()).await
}
