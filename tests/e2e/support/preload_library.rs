//! Put before libc by LD_PRELOAD: a clock that is `SECONDS_AHEAD` (while the file `AHEAD_WHILE` exists), `fleet.example`, a name with the two addresses
//! 127.0.0.1 and 127.0.0.2, a death at the call to the file system with the number `KILL_AT_CALL`, and terminals: the
//! streams whose numbers stand in `TERMINALS`.

use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_void};
use std::mem::transmute;
use std::sync::atomic::{AtomicUsize, Ordering};

const RTLD_NEXT: *mut c_void = -1isize as *mut c_void;
const CLOCK_REALTIME: c_int = 0;

unsafe extern "C" {
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn access(path: *const c_char, mode: c_int) -> c_int;
    fn atol(text: *const c_char) -> c_long;
    fn getenv(name: *const c_char) -> *const c_char;
    fn getpid() -> c_int;
    fn kill(process: c_int, signal: c_int) -> c_int;
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
        // Nothing here allocates: an allocator may ask for the time.
        let (ahead, file) = (getenv(c"SECONDS_AHEAD".as_ptr()), getenv(c"AHEAD_WHILE".as_ptr()));
        if clock == CLOCK_REALTIME && !ahead.is_null() && (file.is_null() || access(file, 0) == 0) {
            (*time).seconds += atol(ahead);
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

#[unsafe(no_mangle)]
unsafe extern "C" fn isatty(file: c_int) -> c_int {
    let terminals = std::env::var("TERMINALS").unwrap_or_default();
    c_int::from(terminals.contains(&file.to_string()))
}

/// Whether this call to the file system is the last one, counted from 1.
fn is_the_last_call() -> bool {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let last = std::env::var("KILL_AT_CALL").ok().and_then(|number| number.parse().ok());
    let number: usize = CALLS.fetch_add(1, Ordering::SeqCst) + 1;
    last == Some(number)
}

/// Ends the process as SIGKILL from outside would.
unsafe fn die() {
    unsafe { kill(getpid(), 9) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    type Real = unsafe extern "C" fn(*const c_char, c_int, ...) -> c_int;
    unsafe {
        if is_the_last_call() {
            die();
        }
        let real: Real = transmute(dlsym(RTLD_NEXT, c"open64".as_ptr()));
        real(path, flags, mode)
    }
}

/// The one that dies here has written a half.
#[unsafe(no_mangle)]
unsafe extern "C" fn write(file: c_int, bytes: *const c_void, length: usize) -> isize {
    type Real = unsafe extern "C" fn(c_int, *const c_void, usize) -> isize;
    unsafe {
        let real: Real = transmute(dlsym(RTLD_NEXT, c"write".as_ptr()));
        if is_the_last_call() {
            real(file, bytes, length / 2);
            die();
        }
        real(file, bytes, length)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fchmod(file: c_int, mode: c_uint) -> c_int {
    type Real = unsafe extern "C" fn(c_int, c_uint) -> c_int;
    unsafe {
        if is_the_last_call() {
            die();
        }
        let real: Real = transmute(dlsym(RTLD_NEXT, c"fchmod".as_ptr()));
        real(file, mode)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fchown(file: c_int, owner: c_uint, group: c_uint) -> c_int {
    type Real = unsafe extern "C" fn(c_int, c_uint, c_uint) -> c_int;
    unsafe {
        if is_the_last_call() {
            die();
        }
        let real: Real = transmute(dlsym(RTLD_NEXT, c"fchown".as_ptr()));
        real(file, owner, group)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fsync(file: c_int) -> c_int {
    type Real = unsafe extern "C" fn(c_int) -> c_int;
    unsafe {
        if is_the_last_call() {
            die();
        }
        let real: Real = transmute(dlsym(RTLD_NEXT, c"fsync".as_ptr()));
        real(file)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    type Real = unsafe extern "C" fn(*const c_char) -> c_int;
    unsafe {
        if is_the_last_call() {
            die();
        }
        let real: Real = transmute(dlsym(RTLD_NEXT, c"unlink".as_ptr()));
        real(path)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    type Real = unsafe extern "C" fn(*const c_char, *const c_char) -> c_int;
    unsafe {
        if is_the_last_call() {
            die();
        }
        let real: Real = transmute(dlsym(RTLD_NEXT, c"rename".as_ptr()));
        real(from, to)
    }
}
