//! Every hostcall of the crate (proxy-wasm ABI 0.2.1), its answer turned into an own type at once.
//!
//! Declared here and not taken from the SDK, whose wrappers panic on answers that a stranger or an odd host can cause:
//! header values that are not UTF-8, maps that are not there, any status that they do not expect.

use std::ops::Range;

use crate::reply::{LocalReply, ReplyHeaders};
use crate::request::HeaderMap;
use crate::time::Time;

unsafe extern "C" {
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_get_buffer_bytes(kind: u32, start: usize, max: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(key: *const u8, key_size: usize, value: *const u8, value_size: usize, cas: u32) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, by: i64) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
    fn proxy_get_metric(id: u32, value: *mut u64) -> u32;
}

const OK: u32 = 0;
const REQUEST_HEADERS: u32 = 0;
const VM_CONFIGURATION: u32 = 6;
const PLUGIN_CONFIGURATION: u32 = 7;

/// What a metric does.
#[derive(Clone, Copy)]
pub enum MetricKind {
    Counter = 0,
    Gauge = 1,
}

/// A number that Envoy shows in its stats.
#[derive(Clone, Copy)]
pub struct Metric(u32);

impl Metric {
    /// Defines a metric. Each call gives a new number, also for a known name: keep it.
    pub fn define(kind: MetricKind, name: &str) -> Option<Metric> {
        let mut id = 0;
        let status = unsafe { proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &mut id) };
        (status == OK).then_some(Metric(id))
    }

    pub fn increment(self) {
        unsafe { proxy_increment_metric(self.0, 1) };
    }

    pub fn record(self, value: u64) {
        unsafe { proxy_record_metric(self.0, value) };
    }

    pub fn value(self) -> u64 {
        let mut value = 0;
        unsafe { proxy_get_metric(self.0, &mut value) };
        value
    }
}

/// Bytes that the host has put into memory which this module gave it; none where it gave nothing.
fn taken(data: *mut u8, size: usize) -> Vec<u8> {
    if data.is_null() {
        Vec::new()
    } else {
        // The SDK's `proxy_on_memory_allocate` gives out vectors of just this capacity.
        unsafe { Vec::from_raw_parts(data, size, size) }
    }
}

/// Envoy's clock.
pub fn now() -> Time {
    let mut nanoseconds = 0;
    unsafe { proxy_get_current_time_nanoseconds(&mut nanoseconds) };
    Time(i64::try_from(nanoseconds / 1_000_000).unwrap_or(i64::MAX))
}

/// Asks for a tick each `milliseconds`.
pub fn set_tick_period(milliseconds: u32) {
    unsafe { proxy_set_tick_period_milliseconds(milliseconds) };
}

fn buffer(kind: u32) -> Vec<u8> {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    let status = unsafe { proxy_get_buffer_bytes(kind, 0, usize::MAX, &mut data, &mut size) };
    if status == OK { taken(data, size) } else { Vec::new() }
}

/// The configuration of the plugin that is being configured.
pub fn plugin_configuration() -> Vec<u8> {
    buffer(PLUGIN_CONFIGURATION)
}

/// The configuration of the VM that is being started.
pub fn vm_configuration() -> Vec<u8> {
    buffer(VM_CONFIGURATION)
}

/// The headers of the request.
pub fn request_headers() -> HeaderMap {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    let status = unsafe { proxy_get_header_map_pairs(REQUEST_HEADERS, &mut data, &mut size) };
    let bytes = if status == OK { taken(data, size) } else { Vec::new() };
    let places = pairs(&bytes).unwrap_or_default();
    HeaderMap::within(bytes, places)
}

/// Reads the ABI's form of a map: a count, the sizes of each name and value, then each of them with a NUL behind it. Says
/// where they stand.
fn pairs(bytes: &[u8]) -> Option<Vec<(Range<usize>, Range<usize>)>> {
    let number = |bytes: &[u8]| Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize);
    let (count, rest) = bytes.split_at_checked(4)?;
    let (sizes, _) = rest.split_at_checked(number(count)?.checked_mul(8)?)?;
    let mut place = 4 + sizes.len();
    let mut next = |size: &[u8]| {
        let range = place..place.checked_add(number(size)?).filter(|end| *end < bytes.len())?;
        place = range.end + 1;
        Some(range)
    };
    let mut places = Vec::with_capacity(sizes.len() / 8);
    for size in sizes.chunks_exact(8) {
        let (name, value) = size.split_at_checked(4)?;
        places.push((next(name)?, next(value)?));
    }
    Some(places)
}

/// Writes the ABI's form of a map.
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

/// Sets a header of the request, in place of all that a client sent under this name.
pub fn set_request_header(name: &str, value: &str) {
    unsafe { proxy_replace_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len(), value.as_ptr(), value.len()) };
}

/// A property of the stream, connection or plugin (Envoy's attributes); none where there is no such thing.
pub fn property(path: &[&str]) -> Option<Vec<u8>> {
    let path = path.join("\0");
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    let status = unsafe { proxy_get_property(path.as_ptr(), path.len(), &mut data, &mut size) };
    (status == OK).then(|| taken(data, size))
}

/// Leaves a property with the stream, as filter state `wasm.<name>`.
pub fn set_property(name: &str, value: &str) {
    unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) };
}

/// A shared value and the number that a later [`set_shared`] must name to replace just this one.
pub struct Shared {
    pub bytes: Vec<u8>,
    pub cas: u32,
}

/// A value that all workers of this Envoy and VM id share. One mutex, one copy.
pub fn shared(key: &str) -> Option<Shared> {
    let (mut data, mut size, mut cas) = (std::ptr::null_mut(), 0, 0);
    let status = unsafe { proxy_get_shared_data(key.as_ptr(), key.len(), &mut data, &mut size, &mut cas) };
    (status == OK).then(|| Shared { bytes: taken(data, size), cas })
}

/// Shares `bytes` under `key`; with `cas` only while nobody else has since. An absent key takes any number.
pub fn set_shared(key: &str, bytes: &[u8], cas: Option<u32>) -> bool {
    let status =
        unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), bytes.as_ptr(), bytes.len(), cas.unwrap_or(0)) };
    status == OK
}

/// Answers the request itself. The stream must pause afterwards, and never go on.
pub fn send_local_response(reply: &LocalReply) {
    let headers = encode_pairs(&reply.headers);
    let (body, details) = (&reply.body, reply.details);
    let grpc_status = reply.grpc_status.and_then(|code| i32::try_from(code).ok()).unwrap_or(-1);
    unsafe {
        proxy_send_local_response(
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
}
