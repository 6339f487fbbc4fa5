//! Answers at once, always the same.

use super::{Handler, Server, tell};

struct Fixed {
    requests: u64,
}

impl Handler for Fixed {
    fn request(&mut self, server: &mut Server, connection: usize) {
        self.requests += 1;
        server.answer(connection);
    }

    fn timer(&mut self, _server: &mut Server) {}
}

/// Serves until standard input is closed, then says how many requests came.
///
/// # Errors
/// When sockets cannot be had.
pub(crate) fn fixed() -> std::io::Result<()> {
    let mut handler = Fixed { requests: 0 };
    Server::start()?.serve(&mut handler)?;
    tell(&serde_json::json!({ "requests": handler.requests }))
}
