//! The least that a request costs on this machine: one `send` and one `recv` in a bare loop over epoll. Nothing is
//! looked at, nothing is recorded. It tells how far a generator could get, and what of its cost is the kernel's.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use common::clock;
use rustix::event::epoll::{self, Event, EventData, EventFlags};

use super::FloorArgs;
use super::tools::Said;

/// Sends for as long as asked and says how often an answer came.
///
/// # Errors
/// When a socket fails.
pub(super) fn floor(args: &FloorArgs) -> std::io::Result<Said> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let request = request(args.port);
    let mut connections = Vec::new();
    for at in 0..u64::from(args.vus) {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, args.port))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        epoll::add(&epoll, &stream, EventData::new_u64(at), EventFlags::IN | EventFlags::ET)?;
        connections.push(stream);
    }
    let began = clock::monotonic();
    let end = began + Duration::from_secs(args.seconds);
    connections.iter_mut().try_for_each(|stream| stream.write_all(&request))?;
    let (mut requests, mut now) = (0, began);
    let mut events: Vec<Event> = Vec::with_capacity(1_024);
    let mut answer = [0; 4_096];
    while now < end {
        events.clear();
        match epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        now = clock::monotonic();
        for event in &events {
            let data = event.data;
            let stream = &mut connections[usize::try_from(data.u64()).unwrap_or(0)];
            if stream.read(&mut answer)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            requests += 1;
            stream.write_all(&request)?;
        }
    }
    Ok(Said { requests, errors: 0, seconds: now.saturating_duration_since(began).as_secs_f64() })
}

/// As long as what our engine sends.
fn request(port: u16) -> Vec<u8> {
    let labels = "x-test-run: true\r\nx-source: qa\r\nx-namespace: perf_test\r\nx-tenant-id: tenant_synthetic\r\n";
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traced = format!("traceparent: 00-{trace}-00f067aa0ba902b7-01\r\nx-trace-id: {trace}\r\n");
    format!("GET / HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{labels}{traced}\r\n").into_bytes()
}
