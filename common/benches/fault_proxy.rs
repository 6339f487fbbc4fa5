//! What the fault proxy adds when no rule applies: the same requests to the same app in turns, straight and through the
//! proxy. `cargo bench -p common --bench fault_proxy`.

use std::io::Write;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use common::clock;
use common::fault::{Action, FaultProxy, Rule, Rules};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Requests of each way in a round.
const REQUESTS: usize = 10_000;
/// Rounds; the medians over them are told.
const ROUNDS: usize = 7;

/// Percentiles of one way in one round, in microseconds.
#[derive(Clone, Copy)]
struct Figures {
    p50: f64,
    p99: f64,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let app = listener.local_addr()?;
    let router = Router::new().route("/", get(|| async { "a body of some bytes" }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let to = format!("http://{app}/").parse().expect("an address makes a URL");
    let elsewhere = Rule::new("elsewhere").at("/elsewhere").does(Action::status(500));
    let proxy = FaultProxy::start(to, Rules::none()).await.expect("a port is free");
    let mut out = std::io::stdout();
    for (what, rules) in [("no rule", vec![]), ("a rule for another path", vec![elsewhere])] {
        proxy.replace(Rules::of(rules).expect("the rule is sound"));
        let mut added = [Vec::new(), Vec::new()];
        for round in 0..=ROUNDS {
            let [straight, through] = round_of(app, proxy.address()).await?;
            // The first round warms everything up.
            if round > 0 {
                let (p50, p99) = (through.p50 - straight.p50, through.p99 - straight.p99);
                writeln!(
                    out,
                    "{what}, round {round}: straight {straight}, through {through}, added {p50:.0} and {p99:.0} µs"
                )?;
                added[0].push(p50);
                added[1].push(p99);
            }
        }
        let [p50, p99] = added.map(median);
        writeln!(
            out,
            "{what}: adds {p50:.0} µs to the median and {p99:.0} µs to the 99th percentile (medians of {ROUNDS} rounds of {REQUESTS})\n"
        )?;
    }
    proxy.stop().await;
    Ok(())
}

/// Both ways in turns, one request at a time.
async fn round_of(straight: SocketAddr, through: SocketAddr) -> std::io::Result<[Figures; 2]> {
    let mut ways = [Way::open(straight).await?, Way::open(through).await?];
    for at in 0..REQUESTS * 2 {
        ways[at % 2].ask().await?;
    }
    Ok(ways.map(Way::figures))
}

struct Way {
    stream: TcpStream,
    took_us: Vec<f64>,
}

impl Way {
    async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, took_us: Vec::with_capacity(REQUESTS) })
    }

    async fn ask(&mut self) -> std::io::Result<()> {
        let began = clock::monotonic();
        self.stream.write_all(b"GET / HTTP/1.1\r\nhost: app\r\n\r\n").await?;
        let (mut answer, mut length) = ([0; 1_024], 0);
        while !answer[..length].ends_with(b"a body of some bytes") {
            let read = self.stream.read(&mut answer[length..]).await?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            length += read;
        }
        self.took_us.push(began.elapsed().as_secs_f64() * 1e6);
        Ok(())
    }

    fn figures(mut self) -> Figures {
        self.took_us.sort_by(f64::total_cmp);
        let at = |share: usize| self.took_us[self.took_us.len() * share / 100];
        Figures { p50: at(50), p99: at(99) }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0}/{:.0} µs", self.p50, self.p99)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
