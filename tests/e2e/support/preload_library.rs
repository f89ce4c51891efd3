//! Put before libc by LD_PRELOAD: a clock that is `SECONDS_AHEAD`, and `fleet.example`, a name with the two addresses
//! 127.0.0.1 and 127.0.0.2.

use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::mem::transmute;

const RTLD_NEXT: *mut c_void = -1isize as *mut c_void;
const CLOCK_REALTIME: c_int = 0;

unsafe extern "C" {
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

#[repr(C)]
pub struct Timespec {
    seconds: c_long,
    nanoseconds: c_long,
}

#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int {
    type Real = unsafe extern "C" fn(c_int, *mut Timespec) -> c_int;
    unsafe {
        let real: Real = transmute(dlsym(RTLD_NEXT, c"clock_gettime".as_ptr()));
        let result = real(clock, time);
        let ahead = std::env::var("SECONDS_AHEAD").ok().and_then(|seconds| seconds.parse().ok());
        if let (CLOCK_REALTIME, Some(seconds)) = (clock, ahead) {
            let seconds: c_long = seconds;
            (*time).seconds += seconds;
        }
        result
    }
}

/// `struct addrinfo` of glibc, as far as its list is concerned.
#[repr(C)]
pub struct AddressInfo {
    numbers: [c_int; 5],
    address: *mut c_void,
    name: *mut c_char,
    next: *mut AddressInfo,
}

#[unsafe(no_mangle)]
unsafe extern "C" fn getaddrinfo(
    name: *const c_char,
    service: *const c_char,
    hints: *const AddressInfo,
    found: *mut *mut AddressInfo,
) -> c_int {
    type Real = unsafe extern "C" fn(*const c_char, *const c_char, *const AddressInfo, *mut *mut AddressInfo) -> c_int;
    unsafe {
        let real: Real = transmute(dlsym(RTLD_NEXT, c"getaddrinfo".as_ptr()));
        if name.is_null() || CStr::from_ptr(name) != c"fleet.example" {
            return real(name, service, hints, found);
        }
        let result = real(c"127.0.0.1".as_ptr(), service, hints, found);
        let mut last = *found;
        while result == 0 && !(*last).next.is_null() {
            last = (*last).next;
        }
        if result != 0 { result } else { real(c"127.0.0.2".as_ptr(), service, hints, &mut (*last).next) }
    }
}
