// SPDX-License-Identifier: Apache-2.0
//! https.c in Rust, with nothing but the standard library: the same routes, the same configuration (examples/https.toml),
//! one thread, one poll for all clients. TLS ends in the Keep, before this program's first byte.
//!
//!   GET /            a page
//!   GET /bytes/N     N bytes
//!   POST /length     how many bytes the body had

mod wasi_poll;

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::wasi::io::{AsRawFd, FromRawFd, RawFd};
use std::time::{Duration, Instant};

const CLIENTS_MAX: usize = 2000;
const HEAD_MAX: usize = 4096; // of a request
const PIECE: usize = 65536; // bytes of a long body at a time
const STEPS_MAX: usize = 16; // reads and writes for one client before the others have their turn
const PATIENCE: Duration = Duration::from_secs(60); // with a client that says and takes nothing

const PAGE: &str = "<!doctype html><title>Keep</title><p>hello from a Keep</p>\n";
static FILLER: [u8; PIECE] = [b'x'; PIECE];

enum State {
    Head,
    /// Bytes of the request's body: all of them, and those still to come.
    Body { size: u64, missing: u64 },
    /// Bytes to be sent behind what is in `out`.
    Answer { filling: u64 },
}

struct Client {
    stream: TcpStream,
    state: State,
    last: bool,   // the connection ends with this answer
    input: Vec<u8>, // what came and is not yet used: at most HEAD_MAX
    out: Vec<u8>, // what is to be sent
    sent: usize,
    more: bool, // it had its turn and could go on without news, which might never come
    heard: Instant, // when something moved
}

/// What a request's head asks for, or with which status it is refused.
struct Request<'a> {
    method: &'a str,
    target: &'a str,
    length: u64,
    last: bool,
    expects: bool,
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn parse(head: &str) -> Result<Request, &'static str> {
    const BAD: &str = "400 Bad Request";
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or("").split(' ');
    let (method, target, version) = match (words.next(), words.next(), words.next(), words.next()) {
        (Some(m), Some(t), Some(v), None) => (m, t, v),
        _ => return Err(BAD),
    };
    if version != "HTTP/1.1" && version != "HTTP/1.0" {
        return Err("505 HTTP Version Not Supported");
    }
    let mut length = None;
    let mut request = Request { method, target, length: 0, last: version == "HTTP/1.0", expects: false };
    for line in lines.take_while(|l| !l.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(BAD)?;
        let value = value.trim_matches(|c| c == ' ' || c == '\t');
        if name.is_empty() || name.contains(|c| c == ' ' || c == '\t') {
            return Err(BAD);
        }
        match name.to_ascii_lowercase().as_str() {
            "content-length" => {
                let size = number(value).ok_or(BAD)?;
                if length.replace(size).map_or(false, |before| before != size) {
                    return Err(BAD);
                }
            }
            "transfer-encoding" => return Err("501 Not Implemented"),
            "connection" if value.eq_ignore_ascii_case("close") => request.last = true,
            "connection" if value.eq_ignore_ascii_case("keep-alive") => request.last = false,
            "expect" => request.expects = true,
            _ => {}
        }
    }
    request.length = length.unwrap_or(0);
    Ok(request)
}

impl Client {
    fn new(stream: TcpStream) -> Client {
        let heard = Instant::now();
        Client { stream, state: State::Head, last: false, input: Vec::new(), out: Vec::new(), sent: 0, more: false, heard }
    }

    fn answer(&mut self, status: &str, kind: &str, body: &str, filling: u64) {
        let connection = if self.last { "close" } else { "keep-alive" };
        let size = body.len() as u64 + filling;
        self.out = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\nConnection: {connection}\r\n\r\n{body}"
        )
        .into_bytes();
        self.sent = 0;
        self.state = State::Answer { filling };
    }

    /// What cannot be understood ends the connection: nobody knows where the next request begins.
    fn refuse(&mut self, status: &str) {
        self.last = true;
        self.answer(status, "text/plain", status, 0);
    }

    fn route(&mut self, r: &Request) {
        let (head, get) = (r.method == "HEAD", r.method == "HEAD" || r.method == "GET");
        let bytes = r.target.strip_prefix("/bytes/").and_then(number);
        self.last = r.last || (r.length > 0 && r.method != "POST"); // nobody wants this body, and we do not read it
        match (r.target, bytes) {
            ("/length", _) if r.method == "POST" => {
                self.state = State::Body { size: r.length, missing: r.length };
                self.out = if r.expects { b"HTTP/1.1 100 Continue\r\n\r\n".to_vec() } else { Vec::new() };
                self.sent = 0;
            }
            ("/", _) if get => self.answer("200 OK", "text/html", PAGE, 0),
            (_, Some(n)) if get => self.answer("200 OK", "application/octet-stream", "", n),
            ("/" | "/length", _) | (_, Some(_)) => self.refuse("405 Method Not Allowed"),
            _ => self.refuse("404 Not Found"),
        }
        if head {
            let end = self.out.windows(4).position(|w| w == b"\r\n\r\n");
            self.out.truncate(end.map_or(self.out.len(), |at| at + 4));
            self.state = State::Answer { filling: 0 };
        }
    }

    fn take_head(&mut self) -> io::Result<usize> {
        if let Some(at) = self.input.windows(4).position(|w| w == b"\r\n\r\n") {
            let head: Vec<u8> = self.input.drain(..at + 4).collect();
            match std::str::from_utf8(&head).map_err(|_| "400 Bad Request").and_then(parse) {
                Ok(request) => self.route(&request),
                Err(status) => self.refuse(status),
            }
            return Ok(1);
        }
        if self.input.len() >= HEAD_MAX {
            self.refuse("431 Request Header Fields Too Large");
            return Ok(1);
        }
        let mut piece = [0; HEAD_MAX];
        let room = HEAD_MAX - self.input.len();
        let n = self.stream.read(&mut piece[..room])?;
        self.input.extend_from_slice(&piece[..n]);
        Ok(n)
    }

    fn take_body(&mut self, size: u64, missing: u64) -> io::Result<usize> {
        if missing == 0 {
            self.answer("200 OK", "text/plain", &format!("{size}\n"), 0);
            return Ok(1);
        }
        let held = self.input.len().min(missing as usize);
        if held == 0 && self.sent < self.out.len() {
            return self.send(0); // 100 Continue, unless it goes on already
        }
        let mut waste = [0; PIECE];
        let n = match held {
            0 => self.stream.read(&mut waste[..missing.min(PIECE as u64) as usize])?,
            _ => self.input.drain(..held).len(),
        };
        self.state = State::Body { size, missing: missing - n as u64 };
        Ok(n)
    }

    fn send(&mut self, filling: u64) -> io::Result<usize> {
        if self.sent < self.out.len() {
            let n = self.stream.write(&self.out[self.sent..])?;
            self.sent += n;
            return Ok(n);
        }
        let n = self.stream.write(&FILLER[..filling.min(PIECE as u64) as usize])?;
        self.state = State::Answer { filling: filling - n as u64 };
        Ok(n)
    }

    /// Something moved; 0: the connection is over.
    fn step(&mut self) -> io::Result<usize> {
        match self.state {
            State::Head => self.take_head(),
            State::Body { size, missing } => self.take_body(size, missing),
            State::Answer { filling } if filling > 0 || self.sent < self.out.len() => self.send(filling),
            State::Answer { .. } if self.last => Ok(0),
            State::Answer { .. } => {
                self.state = State::Head;
                Ok(1)
            }
        }
    }

    /// What to wait for: room to write is nearly always there.
    fn writes(&self) -> bool {
        match self.state {
            State::Head => self.more,
            State::Body { .. } => self.more || self.sent < self.out.len(),
            State::Answer { .. } => true,
        }
    }

    /// At most one answer: a client that asks again at once would keep the others waiting. False: this one is done.
    fn serve(&mut self) -> bool {
        self.more = false;
        for _ in 0..STEPS_MAX {
            let answers = matches!(self.state, State::Answer { .. });
            match self.step() {
                Ok(0) => return false,
                Ok(_) => self.heard = Instant::now(),
                Err(e) => return e.kind() == ErrorKind::WouldBlock,
            }
            if answers && matches!(self.state, State::Head) {
                self.more = !self.input.is_empty();
                return true;
            }
        }
        self.more = true;
        true
    }
}

/// The number of the descriptor with this name: its place in FD_NAMES.
fn find(want: &str) -> Option<RawFd> {
    let names = std::env::var("FD_NAMES").ok()?;
    let at = names.split(':').position(|name| name == want)?;
    Some(at as RawFd)
}

fn main() -> io::Result<()> {
    let fd = find("https").ok_or_else(|| io::Error::new(ErrorKind::NotFound, "run me with --config examples/https.toml"))?;
    let listener = unsafe { TcpListener::from_raw_fd(fd) };
    let mut clients: HashMap<RawFd, Client> = HashMap::new();
    let mut wanted = Vec::new();

    println!("ready");
    loop {
        wanted.clear();
        if clients.len() < CLIENTS_MAX {
            wanted.push(wasi_poll::Wanted { fd, write: false }); // who finds no place waits outside
        }
        wanted.extend(clients.values().map(|c| wasi_poll::Wanted { fd: c.stream.as_raw_fd(), write: c.writes() }));
        for ready in wasi_poll::poll(&wanted, PATIENCE)? {
            if ready == fd {
                if let Ok((stream, _)) = listener.accept() {
                    stream.set_nonblocking(true)?;
                    clients.insert(stream.as_raw_fd(), Client::new(stream));
                }
            } else if clients.get_mut(&ready).map_or(false, |c| !c.serve()) {
                clients.remove(&ready); // which closes it
            }
        }
        clients.retain(|_, c| c.heard.elapsed() < PATIENCE);
    }
}
