//! Servers to be loaded: one thread, one epoll, two system calls a request. They take HTTP/1.1 requests without a body and
//! without pipelining, which is what every generator here sends.

mod fixed;
mod known;

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};

pub(crate) use fixed::fixed;
pub(crate) use known::known;

/// About a hundred bytes, the same for every request.
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\nServer: own\r\n\r\n{\"status\":\"fine\"}";

const LISTENER: u64 = 0;
const STDIN: u64 = 1;
const TIMER: u64 = 2;
const FIRST_CONNECTION: u64 = 3;

/// What a server does with requests.
trait Handler {
    /// A whole request came in on this connection.
    fn request(&mut self, server: &mut Server, connection: usize);
    /// The timer went off.
    fn timer(&mut self, server: &mut Server);
}

struct Connection {
    stream: TcpStream,
    /// The last four bytes that came.
    tail: u32,
}

/// The sockets of a server.
struct Server {
    epoll: OwnedFd,
    listener: TcpListener,
    timer: OwnedFd,
    connections: Vec<Option<Connection>>,
    vacant: Vec<usize>,
}

impl Server {
    /// Listens on a free port of this machine and says which, as a line of JSON.
    fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        epoll::add(&epoll, std::io::stdin(), EventData::new_u64(STDIN), EventFlags::IN)?;
        epoll::add(&epoll, &timer, EventData::new_u64(TIMER), EventFlags::IN)?;
        let port = listener.local_addr()?.port();
        tell(&serde_json::json!({ "port": port }))?;
        Ok(Self { epoll, listener, timer, connections: Vec::new(), vacant: Vec::new() })
    }

    /// Serves until standard input is closed.
    fn serve(mut self, handler: &mut impl Handler) -> std::io::Result<()> {
        let mut events: Vec<Event> = Vec::with_capacity(1_024);
        loop {
            events.clear();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                let data = event.data;
                match data.u64() {
                    LISTENER => self.accept()?,
                    STDIN => return Ok(()),
                    TIMER => {
                        let mut expirations = [0; 8];
                        let _nothing_to_read = rustix::io::read(&self.timer, &mut expirations);
                        handler.timer(&mut self);
                    }
                    connection => {
                        let at = usize::try_from(connection - FIRST_CONNECTION).unwrap_or(usize::MAX);
                        if self.whole_request(at) {
                            handler.request(&mut self, at);
                        }
                    }
                }
            }
        }
    }

    fn accept(&mut self) -> std::io::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let at = self.vacant.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            let data = EventData::new_u64(FIRST_CONNECTION + at as u64);
            epoll::add(&self.epoll, &stream, data, EventFlags::IN)?;
            self.connections[at] = Some(Connection { stream, tail: 0 });
        }
    }

    /// Reads; true at the end of a request's head.
    fn whole_request(&mut self, at: usize) -> bool {
        let Some(connection) = self.connections.get_mut(at).and_then(Option::as_mut) else { return false };
        let mut buffer = [0_u8; 4_096];
        match connection.stream.read(&mut buffer) {
            Ok(0) => {
                self.close(at);
                false
            }
            Ok(count) => {
                let last = &buffer[count.saturating_sub(4)..count];
                connection.tail = last.iter().fold(connection.tail, |tail, byte| tail << 8 | u32::from(*byte));
                connection.tail == u32::from_be_bytes(*b"\r\n\r\n")
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => false,
            Err(_) => {
                self.close(at);
                false
            }
        }
    }

    fn answer(&mut self, at: usize) {
        let Some(connection) = self.connections.get_mut(at).and_then(Option::as_mut) else { return };
        // A hundred bytes always fit: who does not read its answers is let go.
        if !connection.stream.write(ANSWER).is_ok_and(|written| written == ANSWER.len()) {
            self.close(at);
        }
    }

    fn close(&mut self, at: usize) {
        self.connections[at] = None;
        self.vacant.push(at);
    }

    /// Lets the timer go off after this time, once.
    fn set_timer(&self, after: Duration) -> std::io::Result<()> {
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        let after = after.max(Duration::from_nanos(1));
        let it_value = Timespec {
            tv_sec: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(after.subsec_nanos()),
        };
        let once = Itimerspec { it_interval: none, it_value };
        rustix::time::timerfd_settime(self.timer.as_fd(), TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }
}

/// Writes a line of JSON for whoever started this process.
pub(crate) fn tell(what: &serde_json::Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what}")?;
    out.flush()
}
