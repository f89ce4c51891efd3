//! Hot restarts. During a hot restart, the parent process still serves its connections, but only the new process listens,
//! so a push never reaches the parent. The admin interface of the new process reports how long the parent may live.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use jiff::ToSpan;
use serde_json::Value;
use ureq::tls::TlsConfig;

use crate::envoys::addresses::{Endpoint, resolve};
use crate::envoys::client::Client;
use crate::envoys::error::EnvoyError;
use crate::envoys::failure::EnvoyFailure;
use crate::terminal::times;

/// A reserve for the parent's time to live, in seconds: it starts only when the new process serves.
const RESERVE: f64 = 5.0;
/// The longest wait for silent interfaces after everything else is done.
const SILENCE: Duration = Duration::from_secs(1);
const NOT_ADMIN: &str = "its /server_info cannot be read; is this Envoy's admin interface?";

/// A running query of the admin interfaces. It runs beside the change, so that no interface delays it.
#[derive(Debug)]
pub struct HotRestartQuery {
    urls: Vec<String>,
    answers: Receiver<Answer>,
    deadline: Instant,
}

/// The addresses of the URL with this index, or the result at one of them.
#[derive(Debug)]
enum Answer {
    Addresses(usize, Result<Vec<Endpoint>, EnvoyError>),
    Result(String, Result<(), EnvoyError>),
}

impl HotRestartQuery {
    /// Starts to query the interfaces at the URLs `admin`.
    pub fn start(admin: &[String], tls: Option<&TlsConfig>, deadline: Instant) -> HotRestartQuery {
        let (sender, answers) = mpsc::channel();
        for (index, url) in admin.iter().cloned().enumerate() {
            let (sender, tls) = (sender.clone(), tls.cloned());
            thread::spawn(move || {
                let endpoints = resolve(&url).map(|addresses| Endpoint::all(&url, &addresses));
                let found = endpoints.clone().unwrap_or_default();
                // After the deadline, the receiver no longer exists.
                let _ = sender.send(Answer::Addresses(index, endpoints));
                for endpoint in found {
                    let (sender, client) = (sender.clone(), Client::new(&endpoint, tls.as_ref()));
                    thread::spawn(move || {
                        let result = require_no_parent(&client, deadline);
                        let _ = sender.send(Answer::Result(endpoint.to_string(), result));
                    });
                }
            });
        }
        HotRestartQuery { urls: admin.to_vec(), answers, deadline }
    }

    /// The Envoys whose parent processes may still serve connections. Interfaces that cannot be read are included. Fewer
    /// interfaces than `envoys` are an error too.
    pub fn finish(self, envoys: usize) -> Vec<EnvoyFailure> {
        if self.urls.is_empty() {
            return Vec::new();
        }
        let mut unresolved: BTreeSet<usize> = (0..self.urls.len()).collect();
        let (mut waiting, mut unreached) = (BTreeSet::new(), Vec::new());
        let mut interfaces = 0;
        let until = self.deadline.min(Instant::now() + SILENCE);
        while !unresolved.is_empty() || !waiting.is_empty() {
            let Ok(answer) = self.answers.recv_timeout(until.saturating_duration_since(Instant::now())) else { break };
            match answer {
                Answer::Addresses(index, Ok(endpoints)) => {
                    unresolved.remove(&index);
                    interfaces += endpoints.len();
                    waiting.extend(endpoints.iter().map(Endpoint::to_string));
                }
                Answer::Addresses(index, Err(error)) => {
                    unresolved.remove(&index);
                    unreached.extend(self.urls.get(index).map(|url| EnvoyFailure::new(url, error)));
                }
                Answer::Result(endpoint, result) => {
                    waiting.remove(&endpoint);
                    unreached.extend(result.err().map(|error| EnvoyFailure::new(endpoint, error)));
                }
            }
        }
        let silent = waiting.iter().chain(unresolved.iter().filter_map(|index| self.urls.get(*index)));
        unreached.extend(silent.map(|name| EnvoyFailure::new(name, EnvoyError::timeout())));
        if interfaces < envoys && unreached.is_empty() {
            let text = format!("the target has {interfaces} admin interfaces for {envoys} Envoys");
            unreached.push(EnvoyFailure::new("admin", EnvoyError::Unexpected(text)));
        }
        unreached
    }
}

/// Fails while a parent process may serve connections.
fn require_no_parent(admin: &Client, deadline: Instant) -> Result<(), EnvoyError> {
    let get = |path| admin.get(path, deadline).map_err(not_admin);
    let info = get("/server_info")?;
    match ParentProcess::read(&info)? {
        ParentProcess::None => return Ok(()),
        ParentProcess::AliveFor(seconds) => return Err(alive_for(&info, seconds)),
        ParentProcess::Ended => {}
    }
    match connections(&get("/stats?filter=server.parent_connections&format=json")?) {
        0 => Ok(()),
        count => Err(EnvoyError::Unexpected(format!(
            "a hot restart: the parent process still has {count} connections, which no push reaches"
        ))),
    }
}

/// The parent process of an Envoy.
#[derive(Clone, Copy, Debug, PartialEq)]
enum ParentProcess {
    /// This is the first process.
    None,
    /// The parent may live for this many more seconds.
    AliveFor(f64),
    /// The time of the parent has passed.
    Ended,
}

impl ParentProcess {
    /// Reads the response of `/server_info`.
    fn read(info: &Value) -> Result<ParentProcess, EnvoyError> {
        let unexpected = || EnvoyError::Unexpected(NOT_ADMIN.to_owned());
        let options = info.get("command_line_options").ok_or_else(unexpected)?;
        // The first process has epoch 0, which protobuf JSON may omit.
        let epoch = options.get("restart_epoch").map_or(Some(0), Value::as_u64).ok_or_else(unexpected)?;
        let uptime = info.get("uptime_current_epoch").and_then(seconds).ok_or_else(unexpected)?;
        let allowed = options.get("parent_shutdown_time").and_then(seconds).ok_or_else(unexpected)?;
        let remaining = allowed + RESERVE - uptime;
        Ok(match epoch {
            0 => ParentProcess::None,
            _ if remaining > 0.0 => ParentProcess::AliveFor(remaining.ceil()),
            _ => ParentProcess::Ended,
        })
    }
}

/// The error of an address that is not an admin interface.
fn not_admin(error: EnvoyError) -> EnvoyError {
    match error {
        EnvoyError::Unreachable(text) => EnvoyError::Unreachable(text),
        _ => EnvoyError::Unexpected(NOT_ADMIN.to_owned()),
    }
}

fn alive_for(info: &Value, seconds: f64) -> EnvoyError {
    let node = info.pointer("/node/id").and_then(Value::as_str).filter(|node| !node.is_empty());
    let node = node.map(|node| format!(" of {node}")).unwrap_or_default();
    let remaining = Duration::try_from_secs_f64(seconds).ok().and_then(|left| i64::try_from(left.as_secs()).ok());
    let end = remaining.and_then(|seconds| times::now().checked_add(seconds.seconds()).ok());
    let end = end.map(|end| format!(", until {}", end.strftime("%H:%M:%S %Z"))).unwrap_or_default();
    EnvoyError::Unexpected(format!(
        "a hot restart{node}: for {seconds:.0} s more{end}, the parent process may serve its connections, which no push \
         reaches. Run the same command again then"
    ))
}

/// Reads a duration in Envoy's JSON form, such as `900s`.
fn seconds(value: &Value) -> Option<f64> {
    value.as_str()?.strip_suffix('s')?.parse().ok().filter(|seconds: &f64| seconds.is_finite())
}

/// The number of connections of the parent, as last reported to the new process.
fn connections(stats: &Value) -> u64 {
    let stats = stats.get("stats").and_then(Value::as_array).into_iter().flatten();
    let matching = stats.filter(|stat| stat.get("name").is_some_and(|name| name == "server.parent_connections"));
    matching.filter_map(|stat| stat.get("value")?.as_u64()).sum()
}

#[cfg(test)]
mod tests;
