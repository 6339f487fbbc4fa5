//! A server that answers every request on a connection with the same bytes, right or wrong.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What it does once a request has come.
#[derive(Clone)]
pub(super) enum Act {
    /// Sends bytes and waits for the next request.
    Answer(Vec<u8>),
    /// Sends bytes over and over until the peer has had enough.
    Forever { first: Vec<u8>, then: Vec<u8> },
    /// Sends bytes this often, and then hangs up.
    Times { first: Vec<u8>, then: Vec<u8>, times: usize },
    /// Sends bytes one by one.
    Drip(Vec<u8>),
}

/// Starts it within the test's runtime and returns its port.
pub(super) async fn start(act: Act) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let act = Arc::new(act);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let act = Arc::clone(&act);
            tokio::spawn(async move { serve(stream, &act).await });
        }
    });
    port
}

async fn serve(mut stream: tokio::net::TcpStream, act: &Act) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = [0; 4_096];
    while stream.read(&mut request).await? > 0 {
        match act {
            Act::Answer(bytes) => stream.write_all(bytes).await?,
            Act::Drip(bytes) => {
                for byte in bytes {
                    stream.write_all(&[*byte]).await?;
                    tokio::task::yield_now().await;
                }
            }
            Act::Forever { first, then } => {
                stream.write_all(first).await?;
                loop {
                    stream.write_all(then).await?;
                }
            }
            Act::Times { first, then, times } => {
                stream.write_all(first).await?;
                for _ in 0..*times {
                    stream.write_all(then).await?;
                }
                return Ok(());
            }
        }
    }
    Ok(())
}
