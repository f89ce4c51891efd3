//! Functions that replace those of libc by LD_PRELOAD. Environment variables control them:
//!
//! - `SECONDS_AHEAD` sets the clock ahead; `SECONDS_AHEAD_FILE` names a file with that number, which may change.
//! - `KILL_AT_CALL` kills the process at the file system call with this number.
//! - `TERMINALS` lists the file descriptors that are terminals.
//!
//! The host name `fleet.example` has the addresses 127.0.0.1 and 127.0.0.2.

use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_void};
use std::mem::transmute_copy;
use std::sync::atomic::{AtomicUsize, Ordering};

const RTLD_NEXT: *mut c_void = -1isize as *mut c_void;
const CLOCK_REALTIME: c_int = 0;

unsafe extern "C" {
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn atol(text: *const c_char) -> c_long;
    fn getenv(name: *const c_char) -> *const c_char;
    fn getpid() -> c_int;
    fn kill(process: c_int, signal: c_int) -> c_int;
    fn open(path: *const c_char, flags: c_int, ...) -> c_int;
    fn read(file: c_int, bytes: *mut c_void, length: usize) -> isize;
    fn close(file: c_int) -> c_int;
}

/// The function of libc that this library replaces.
///
/// # Safety
/// `F` must be the type of a pointer to that function.
unsafe fn next<F>(name: &CStr) -> F {
    // SAFETY: a pointer to a function has the size of a pointer to data, and the caller names its type.
    unsafe { transmute_copy(&dlsym(RTLD_NEXT, name.as_ptr())) }
}

#[repr(C)]
pub struct Timespec {
    seconds: c_long,
    nanoseconds: c_long,
}

#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int {
    unsafe {
        let real: unsafe extern "C" fn(c_int, *mut Timespec) -> c_int = next(c"clock_gettime");
        let result = real(clock, time);
        if clock == CLOCK_REALTIME {
            (*time).seconds += seconds_ahead();
        }
        result
    }
}

/// The seconds by which the clock is ahead. This function must not allocate: an allocator may read the clock.
unsafe fn seconds_ahead() -> c_long {
    unsafe {
        let (fixed, file) = (getenv(c"SECONDS_AHEAD".as_ptr()), getenv(c"SECONDS_AHEAD_FILE".as_ptr()));
        if !fixed.is_null() {
            return atol(fixed);
        }
        // The number ends with the zeros that `read` leaves.
        let mut number = [0u8; 24];
        let descriptor = if file.is_null() { -1 } else { open(file, 0) };
        if descriptor >= 0 {
            read(descriptor, number.as_mut_ptr().cast(), number.len() - 1);
            close(descriptor);
        }
        atol(number.as_ptr().cast())
    }
}

/// glibc's `struct addrinfo`. Only `next` is used.
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
    unsafe {
        let real: unsafe extern "C" fn(*const c_char, *const c_char, *const AddressInfo, *mut *mut AddressInfo) -> c_int = next(c"getaddrinfo");
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

/// True if this file system call has the number `KILL_AT_CALL`, counted from 1.
fn is_the_last_call() -> bool {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let last = std::env::var("KILL_AT_CALL").ok().and_then(|number| number.parse().ok());
    let number: usize = CALLS.fetch_add(1, Ordering::SeqCst) + 1;
    last == Some(number)
}

/// Kills the process with SIGKILL.
unsafe fn die() {
    unsafe { kill(getpid(), 9) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    unsafe {
        if is_the_last_call() {
            die();
        }
        let real: unsafe extern "C" fn(*const c_char, c_int, ...) -> c_int = next(c"open64");
        real(path, flags, mode)
    }
}

/// A process that is killed here has written half of the bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn write(file: c_int, bytes: *const c_void, length: usize) -> isize {
    unsafe {
        let real: unsafe extern "C" fn(c_int, *const c_void, usize) -> isize = next(c"write");
        if is_the_last_call() {
            real(file, bytes, length / 2);
            die();
        }
        real(file, bytes, length)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fchmod(file: c_int, mode: c_uint) -> c_int {
    unsafe {
        if is_the_last_call() {
            die();
        }
        let real: unsafe extern "C" fn(c_int, c_uint) -> c_int = next(c"fchmod");
        real(file, mode)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fchown(file: c_int, owner: c_uint, group: c_uint) -> c_int {
    unsafe {
        if is_the_last_call() {
            die();
        }
        let real: unsafe extern "C" fn(c_int, c_uint, c_uint) -> c_int = next(c"fchown");
        real(file, owner, group)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fsync(file: c_int) -> c_int {
    unsafe {
        if is_the_last_call() {
            die();
        }
        let real: unsafe extern "C" fn(c_int) -> c_int = next(c"fsync");
        real(file)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    unsafe {
        if is_the_last_call() {
            die();
        }
        let real: unsafe extern "C" fn(*const c_char) -> c_int = next(c"unlink");
        real(path)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    unsafe {
        if is_the_last_call() {
            die();
        }
        let real: unsafe extern "C" fn(*const c_char, *const c_char) -> c_int = next(c"rename");
        real(from, to)
    }
}
