//! Hot restarts. The parent process serves the connections that it has until it ends, and no push reaches it: only a new
//! process listens. The admin interface of that one tells how long its parent may live.

use std::thread;
use std::time::{Duration, Instant};

use jiff::ToSpan;
use serde_json::Value;
use ureq::tls::TlsConfig;

use crate::envoys::addresses::endpoints;
use crate::envoys::client::Endpoint;
use crate::envoys::error::{EnvoyError, joined};
use crate::envoys::failure::EnvoyFailure;
use crate::terminal::times;

/// How long the parent may outlive the time that it is given, in seconds: that begins only when the new process serves.
const MARGIN: f64 = 5.0;
const NO_ADMIN: &str = "its /server_info cannot be read; is this Envoy's admin interface?";

/// Asks the admin interfaces that the target names. What it returns keeps a push from reaching every connection.
pub fn unreached(admin: &[String], tls: Option<&TlsConfig>, envoys: usize, deadline: Instant) -> Vec<EnvoyFailure> {
    if admin.is_empty() {
        return Vec::new();
    }
    let (interfaces, mut unreached) = endpoints(admin, tls, deadline);
    let answers: Vec<Result<(), EnvoyError>> = thread::scope(|scope| {
        let running: Vec<_> =
            interfaces.iter().map(|admin| scope.spawn(move || has_no_parent(admin, deadline))).collect();
        running.into_iter().map(|thread| joined(thread.join())).collect()
    });
    let troubles = interfaces.iter().zip(answers).filter_map(|(admin, answer)| Some((admin, answer.err()?)));
    unreached.extend(troubles.map(|(admin, trouble)| EnvoyFailure::new(admin, trouble)));
    if interfaces.len() < envoys && unreached.is_empty() {
        let text = format!("{} admin interfaces are named for {envoys} Envoys", interfaces.len());
        unreached.push(EnvoyFailure::new("admin", EnvoyError::Unexpected(text)));
    }
    unreached
}

/// An error while a parent may serve connections.
fn has_no_parent(admin: &Endpoint, deadline: Instant) -> Result<(), EnvoyError> {
    let get = |path| admin.get(path, deadline).map_err(no_admin);
    let info = get("/server_info")?;
    let stats = match Parent::read(&info)? {
        Parent::None => return Ok(()),
        Parent::Until(seconds) => return Err(parent(&info, seconds)),
        Parent::Over => get("/stats?filter=server.parent_connections&format=json")?,
    };
    match connections(&stats) {
        0 => Ok(()),
        count => Err(EnvoyError::Unexpected(format!(
            "a hot restart: the parent process still has {count} connections, which no push reaches"
        ))),
    }
}

/// What is known of the parent process of an Envoy.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Parent {
    /// There was none.
    None,
    /// It lives for at most so many seconds.
    Until(f64),
    /// Its time is over.
    Over,
}

impl Parent {
    /// Reads the answer to `/server_info`.
    fn read(info: &Value) -> Result<Parent, EnvoyError> {
        let strange = || EnvoyError::Unexpected(NO_ADMIN.to_owned());
        let options = info.get("command_line_options").ok_or_else(strange)?;
        // 0, which JSON of protobuf may leave out, is the first process.
        let epoch = options.get("restart_epoch").map_or(Some(0), Value::as_u64).ok_or_else(strange)?;
        let up = info.get("uptime_current_epoch").and_then(seconds).ok_or_else(strange)?;
        let allowed = options.get("parent_shutdown_time").and_then(seconds).ok_or_else(strange)?;
        let left = allowed + MARGIN - up;
        Ok(match epoch {
            0 => Parent::None,
            _ if left > 0.0 => Parent::Until(left.ceil()),
            _ => Parent::Over,
        })
    }
}

/// What an address says that is no admin interface.
fn no_admin(trouble: EnvoyError) -> EnvoyError {
    match trouble {
        EnvoyError::Unreachable(text) => EnvoyError::Unreachable(text),
        _ => EnvoyError::Unexpected(NO_ADMIN.to_owned()),
    }
}

fn parent(info: &Value, seconds: f64) -> EnvoyError {
    let node = info.pointer("/node/id").and_then(Value::as_str).filter(|node| !node.is_empty());
    let node = node.map(|node| format!(" of {node}")).unwrap_or_default();
    let end = Duration::try_from_secs_f64(seconds).ok().and_then(|left| i64::try_from(left.as_secs()).ok());
    let end = end.and_then(|left| times::now().checked_add(left.seconds()).ok());
    let end = end.map(|end| format!(", until {}", end.strftime("%H:%M:%S %Z"))).unwrap_or_default();
    EnvoyError::Unexpected(format!(
        "a hot restart{node}: for {seconds:.0} s more{end}, the parent process may serve the connections that it has, and no \
         push reaches it. Run the same command again then"
    ))
}

/// A duration as Envoy writes it in JSON, such as `900s`.
fn seconds(value: &Value) -> Option<f64> {
    value.as_str()?.strip_suffix('s')?.parse().ok().filter(|seconds: &f64| seconds.is_finite())
}

/// The connections of the parent, as the new process last heard of them.
fn connections(stats: &Value) -> u64 {
    let stats = stats.get("stats").and_then(Value::as_array).into_iter().flatten();
    let named = |stat: &&Value| stat.get("name").is_some_and(|name| name == "server.parent_connections");
    stats.filter(named).filter_map(|stat| stat.get("value")?.as_u64()).sum()
}

#[cfg(test)]
mod tests;
