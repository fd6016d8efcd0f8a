// SPDX-License-Identifier: Apache-2.0
//! Waiting for many descriptors at once, which Rust's standard library has not: WASI's poll_oneoff, declared here.
//! The layouts are those of WASI preview 1.

use std::io;
use std::os::wasi::io::RawFd;
use std::time::Duration;

pub struct Wanted {
    pub fd: RawFd,
    pub write: bool, // else to read
}

const CLOCK: u8 = 0;
const FD_READ: u8 = 1;
const FD_WRITE: u8 = 2;
const MONOTONIC: u32 = 1;

#[repr(C)]
#[derive(Clone, Copy)]
struct Subscription {
    userdata: u64,
    kind: u8,
    unused: [u8; 7],
    id: u32, // the descriptor, or the clock
    timeout: u64,
    precision: u64,
    flags: u16,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Event {
    userdata: u64,
    error: u16,
    kind: u8,
    bytes: u64,
    flags: u16,
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
extern "C" {
    fn poll_oneoff(subscriptions: *const Subscription, events: *mut Event, count: usize, ready: *mut usize) -> u16;
}

/// Those that are ready (or wrong: the next read says how), none after the timeout.
pub fn poll(wanted: &[Wanted], timeout: Duration) -> io::Result<Vec<RawFd>> {
    let timeout = timeout.as_nanos() as u64;
    let clock = Subscription { userdata: u64::MAX, kind: CLOCK, unused: [0; 7], id: MONOTONIC, timeout, precision: 0, flags: 0 };
    let mut subscriptions = vec![clock];
    let mut events = vec![Event { userdata: 0, error: 0, kind: 0, bytes: 0, flags: 0 }; wanted.len() + 1];
    let mut ready = 0;

    subscriptions.extend(wanted.iter().map(|w| Subscription {
        userdata: w.fd as u64,
        kind: if w.write { FD_WRITE } else { FD_READ },
        id: w.fd as u32,
        ..clock
    }));
    match unsafe { poll_oneoff(subscriptions.as_ptr(), events.as_mut_ptr(), subscriptions.len(), &mut ready) } {
        0 => Ok(events[..ready].iter().filter(|e| e.kind != CLOCK).map(|e| e.userdata as RawFd).collect()),
        errno => Err(io::Error::from_raw_os_error(errno.into())),
    }
}
