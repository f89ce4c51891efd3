//! Clients: reqwest over HTTP/1.1 and HTTP/2, and curl. What they would never send is for [`super::raw`].

use std::ffi::OsStr;
use std::net::SocketAddr;

use super::tls::Tls;

/// An HTTP/1.1 client. Its connections are its own, so a new client is a new connection.
pub fn h1() -> reqwest::Client {
    plain().http1_only().build().unwrap()
}

/// A client of HTTP/2 without TLS and without an upgrade.
pub fn h2() -> reqwest::Client {
    plain().http2_prior_knowledge().build().unwrap()
}

/// The same for one host, wherever that is: over HTTP/2 a `host` header does not stand for `:authority`.
pub fn h2_of(host: &str, at: SocketAddr) -> reqwest::Client {
    plain().http2_prior_knowledge().resolve(host, at).build().unwrap()
}

/// A client that trusts this authority, and shows this certificate where there is one (see [`Tls::client`]).
pub fn tls(authority: &Tls, identity: Option<&str>) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(authority.ca().as_bytes()).unwrap();
    let mut builder = reqwest::Client::builder().no_proxy().tls_certs_only([root]);
    if let Some(pem) = identity {
        builder = builder.identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap());
    }
    builder.build().unwrap()
}

// It never speaks TLS: that it accepts any certificate only spares it the reading of the machine's.
fn plain() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .tls_danger_accept_invalid_certs(true)
        .redirect(reqwest::redirect::Policy::none())
}

/// What a command has said.
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

/// Runs a command to its end.
pub async fn run(program: impl AsRef<OsStr>, arguments: &[impl AsRef<OsStr>]) -> Output {
    let program = program.as_ref();
    let output =
        tokio::process::Command::new(program).args(arguments).stdin(std::process::Stdio::null()).output().await;
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    output.into()
}

/// Runs curl, silent but for errors, and with what proxies the machine names left aside.
pub async fn curl(arguments: &[&str]) -> Output {
    let own = ["--silent", "--show-error", "--noproxy", "*", "--max-time", "20"];
    run("curl", &[&own, arguments].concat()).await
}
