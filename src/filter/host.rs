//! Every hostcall of the crate. Results are the crate's own types; a failed call is a [`HostError`].

use std::ops::Range;

use super::sdk::calls;
use crate::reply::{LocalReply, ReplyHeaders};
use crate::request::HeaderMap;
use crate::time::Time;

/// The host accepted the call.
const OK: u32 = 0;
/// The key, property or buffer does not exist.
const NOT_FOUND: u32 = 1;
/// The property has no encoding.
const SERIALIZATION_FAILURE: u32 = 3;
/// Another thread has written the shared value since.
pub const CAS_MISMATCH: u32 = 8;

const REQUEST_HEADERS: u32 = 0;
const VM_CONFIGURATION: u32 = 6;
const PLUGIN_CONFIGURATION: u32 = 7;

/// A hostcall that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The host returned a status other than 0.
    #[error("hostcall {call} failed with status {status}")]
    Status { call: &'static str, status: u32 },
    /// The host returned bytes in a form that the ABI does not define.
    #[error("hostcall {call} returned malformed data")]
    Malformed { call: &'static str },
}

impl HostError {
    /// True if the property exists, but the ABI has no encoding for its value.
    pub fn is_unencodable(&self) -> bool {
        matches!(self, HostError::Status { status: SERIALIZATION_FAILURE, .. })
    }
}

fn check(call: &'static str, status: u32) -> Result<(), HostError> {
    if status == OK { Ok(()) } else { Err(HostError::Status { call, status }) }
}

/// Like [`check`], but a value that does not exist is `Ok(false)`.
fn check_found(call: &'static str, status: u32) -> Result<bool, HostError> {
    if status == NOT_FOUND { Ok(false) } else { check(call, status).map(|()| true) }
}

/// The type of a metric.
#[derive(Clone, Copy)]
pub enum MetricKind {
    Counter = 0,
    Gauge = 1,
}

/// A metric in Envoy's stats.
#[derive(Clone, Copy)]
pub struct Metric(u32);

impl Metric {
    /// Defines a metric. Each call returns a new id, also for a known name, so callers keep the result.
    pub fn define(kind: MetricKind, name: &str) -> Result<Metric, HostError> {
        let mut id = 0;
        // SAFETY: `name` and `id` are valid for the duration of the call.
        let status = unsafe { calls::proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &mut id) };
        check("proxy_define_metric", status).map(|()| Metric(id))
    }

    pub fn increment(self) -> Result<(), HostError> {
        // SAFETY: the call takes no pointers.
        check("proxy_increment_metric", unsafe { calls::proxy_increment_metric(self.0, 1) })
    }

    pub fn record(self, value: u64) -> Result<(), HostError> {
        // SAFETY: the call takes no pointers.
        check("proxy_record_metric", unsafe { calls::proxy_record_metric(self.0, value) })
    }

    pub fn value(self) -> Result<u64, HostError> {
        let mut value = 0;
        // SAFETY: `value` is valid for the duration of the call.
        let status = unsafe { calls::proxy_get_metric(self.0, &mut value) };
        check("proxy_get_metric", status).map(|()| value)
    }
}

/// A place for bytes that the host returns.
struct Returned {
    data: *mut u8,
    size: usize,
}

impl Returned {
    fn new() -> Returned {
        Returned { data: std::ptr::null_mut(), size: 0 }
    }

    /// The returned bytes. A null pointer means an empty value.
    fn into_bytes(self) -> Vec<u8> {
        if self.data.is_null() {
            return Vec::new();
        }
        // SAFETY: the host has allocated `data` by the SDK's `proxy_on_memory_allocate`, which returns a vector of exactly
        // `size` bytes of capacity and gives up its ownership. The host has filled all of it.
        unsafe { Vec::from_raw_parts(self.data, self.size, self.size) }
    }
}

/// Envoy's clock.
pub fn now() -> Result<Time, HostError> {
    let mut nanoseconds = 0;
    // SAFETY: `nanoseconds` is valid for the duration of the call.
    let status = unsafe { calls::proxy_get_current_time_nanoseconds(&mut nanoseconds) };
    check("proxy_get_current_time_nanoseconds", status)?;
    Ok(Time(i64::try_from(nanoseconds / 1_000_000).unwrap_or(i64::MAX)))
}

/// A random number.
pub fn random() -> Result<u64, HostError> {
    getrandom::u64().map_err(|error| {
        let status = error.raw_os_error().map_or(u32::MAX, i32::cast_unsigned);
        HostError::Status { call: "random_get", status }
    })
}

/// Requests a tick every `milliseconds`.
pub fn set_tick_period(milliseconds: u32) -> Result<(), HostError> {
    // SAFETY: the call takes no pointers.
    check("proxy_set_tick_period_milliseconds", unsafe { calls::proxy_set_tick_period_milliseconds(milliseconds) })
}

fn buffer(kind: u32) -> Result<Vec<u8>, HostError> {
    let mut bytes = Returned::new();
    // SAFETY: both fields of `bytes` are valid for the duration of the call.
    let status = unsafe { calls::proxy_get_buffer_bytes(kind, 0, usize::MAX, &mut bytes.data, &mut bytes.size) };
    check("proxy_get_buffer_bytes", status).map(|()| bytes.into_bytes())
}

/// The configuration of the plugin that is being configured.
pub fn plugin_configuration() -> Result<Vec<u8>, HostError> {
    buffer(PLUGIN_CONFIGURATION)
}

/// The configuration of the VM that is being started.
pub fn vm_configuration() -> Result<Vec<u8>, HostError> {
    buffer(VM_CONFIGURATION)
}

/// The headers of the request.
pub fn request_headers() -> Result<HeaderMap, HostError> {
    const CALL: &str = "proxy_get_header_map_pairs";
    let mut bytes = Returned::new();
    // SAFETY: both fields of `bytes` are valid for the duration of the call.
    check(CALL, unsafe { calls::proxy_get_header_map_pairs(REQUEST_HEADERS, &mut bytes.data, &mut bytes.size) })?;
    let bytes = bytes.into_bytes();
    let ranges = pairs(&bytes).ok_or(HostError::Malformed { call: CALL })?;
    Ok(HeaderMap::within(bytes, ranges))
}

/// Finds the names and values in the ABI's encoding of a map: the number of pairs, the sizes of each name and value, then
/// the names and values, each followed by a NUL.
fn pairs(bytes: &[u8]) -> Option<Vec<(Range<usize>, Range<usize>)>> {
    let number = |bytes: &[u8]| Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize);
    let (count, rest) = bytes.split_at_checked(4)?;
    let (sizes, _) = rest.split_at_checked(number(count)?.checked_mul(8)?)?;
    let mut start = 4 + sizes.len();
    let mut next = |size: &[u8]| {
        let range = start..start.checked_add(number(size)?).filter(|end| *end < bytes.len())?;
        start = range.end + 1;
        Some(range)
    };
    let mut ranges = Vec::with_capacity(sizes.len() / 8);
    for size in sizes.chunks_exact(8) {
        let (name, value) = size.split_at_checked(4)?;
        ranges.push((next(name)?, next(value)?));
    }
    Some(ranges)
}

/// Encodes headers as the ABI's map.
fn encode_pairs(headers: &ReplyHeaders) -> Vec<u8> {
    let (lengths, text) = (headers.lengths(), headers.text());
    let mut bytes = Vec::with_capacity(4 + lengths.len() * 8 + text.len());
    bytes.extend_from_slice(&(lengths.len() as u32).to_le_bytes());
    for (name, value) in lengths {
        bytes.extend_from_slice(&name.to_le_bytes());
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// Sets a header of the request and removes all other headers of this name.
pub fn set_request_header(name: &str, value: &str) -> Result<(), HostError> {
    // SAFETY: `name` and `value` are valid for the duration of the call.
    let status = unsafe {
        calls::proxy_replace_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len(), value.as_ptr(), value.len())
    };
    check("proxy_replace_header_map_value", status)
}

/// A property of the stream, connection or plugin (Envoy's attributes), or `None` if it does not exist.
pub fn property(path: &[&str]) -> Result<Option<Vec<u8>>, HostError> {
    let path = path.join("\0");
    let mut bytes = Returned::new();
    // SAFETY: `path` and both fields of `bytes` are valid for the duration of the call.
    let status = unsafe { calls::proxy_get_property(path.as_ptr(), path.len(), &mut bytes.data, &mut bytes.size) };
    let is_found = check_found("proxy_get_property", status)?;
    Ok(is_found.then(|| bytes.into_bytes()))
}

/// Calls a function that Envoy has beside the ABI.
fn foreign(name: &str, argument: &[u8]) -> Result<Vec<u8>, HostError> {
    let mut bytes = Returned::new();
    // SAFETY: `name`, `argument` and both fields of `bytes` are valid for the duration of the call.
    let status = unsafe {
        calls::proxy_call_foreign_function(
            name.as_ptr(),
            name.len(),
            argument.as_ptr(),
            argument.len(),
            &mut bytes.data,
            &mut bytes.size,
        )
    };
    check("proxy_call_foreign_function", status).map(|()| bytes.into_bytes())
}

/// The value of an expression of the Common Expression Language on Envoy's attributes. An error if an operand has the
/// wrong type. Envoy keeps the compiled expression until the stream ends.
pub fn evaluate(expression: &str) -> Result<Vec<u8>, HostError> {
    foreign("expr_evaluate", &foreign("expr_create", expression.as_bytes())?)
}

/// Sets the filter state `wasm.<name>` of the stream.
pub fn set_property(name: &str, value: &str) -> Result<(), HostError> {
    // SAFETY: `name` and `value` are valid for the duration of the call.
    let status = unsafe { calls::proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) };
    check("proxy_set_property", status)
}

/// A value of shared data.
pub struct Shared {
    pub bytes: Vec<u8>,
    /// The version of the value, which [`set_shared`] compares.
    pub cas: u32,
}

/// The shared value of `key`, or `None` if the key does not exist. All VMs of this Envoy with the same VM id share it.
pub fn shared(key: &str) -> Result<Option<Shared>, HostError> {
    let (mut bytes, mut cas) = (Returned::new(), 0);
    // SAFETY: `key`, both fields of `bytes` and `cas` are valid for the duration of the call.
    let status =
        unsafe { calls::proxy_get_shared_data(key.as_ptr(), key.len(), &mut bytes.data, &mut bytes.size, &mut cas) };
    let is_found = check_found("proxy_get_shared_data", status)?;
    Ok(is_found.then(|| Shared { bytes: bytes.into_bytes(), cas }))
}

/// Writes `bytes` to `key`. With `cas`, the call writes only if the value still has this version, and returns false
/// otherwise. A key that does not exist accepts every version.
pub fn set_shared(key: &str, bytes: &[u8], cas: Option<u32>) -> Result<bool, HostError> {
    let cas = cas.unwrap_or(0);
    // SAFETY: `key` and `bytes` are valid for the duration of the call.
    let status = unsafe { calls::proxy_set_shared_data(key.as_ptr(), key.len(), bytes.as_ptr(), bytes.len(), cas) };
    if status == CAS_MISMATCH {
        return Ok(false);
    }
    check("proxy_set_shared_data", status).map(|()| true)
}

/// Sends a local reply. The stream must pause afterwards and never continue.
pub fn send_local_response(reply: &LocalReply) -> Result<(), HostError> {
    let headers = encode_pairs(&reply.headers);
    let (body, details) = (&reply.body, reply.details);
    let grpc_status = reply.grpc_status.and_then(|code| i32::try_from(code).ok()).unwrap_or(-1);
    // SAFETY: `details`, `body` and `headers` are valid for the duration of the call.
    let status = unsafe {
        calls::proxy_send_local_response(
            reply.status,
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            grpc_status,
        )
    };
    check("proxy_send_local_response", status)
}
