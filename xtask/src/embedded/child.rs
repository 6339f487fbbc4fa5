//! The child's side: one reference app that lives as long as its standard input.

use std::io::Write;

use common::service::{AppConfig, Bound};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

use super::Told;
use super::wiring::Wiring;
use crate::suites;

/// Runs one app; the configuration comes on standard input. The process's exit code.
pub(crate) async fn run() -> u8 {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    match serve(&mut lines).await {
        Ok(()) => 0,
        Err(reason) => {
            tell(&Told::Failed(reason));
            1
        }
    }
}

async fn serve(lines: &mut Lines<BufReader<Stdin>>) -> Result<(), String> {
    let config: AppConfig = read(lines).await?;
    let app = config.app;
    let bound = Bound::new(app, config.bind).await.map_err(|error| error.to_string())?;
    tell(&Told::Bound(bound.address));
    let wiring: Wiring = read(lines).await?;
    let mut config = AppConfig { upstreams: wiring.upstreams, ..config };
    config.options.extend(wiring.options);
    let running = bound.serve(suites::reference(app), config).await.map_err(|error| error.to_string())?;
    tell(&Told::Serving);
    until_orphaned(lines).await;
    running.stop().await;
    Ok(())
}

/// Ends when the parent closes our standard input or ends. Ctrl-C reaches the whole group: the parent decides what follows.
async fn until_orphaned(lines: &mut Lines<BufReader<Stdin>>) {
    let ignore_interrupts = tokio::spawn(async { while tokio::signal::ctrl_c().await.is_ok() {} });
    while let Ok(Some(_)) = lines.next_line().await {}
    ignore_interrupts.abort();
}

async fn read<T: serde::de::DeserializeOwned>(lines: &mut Lines<BufReader<Stdin>>) -> Result<T, String> {
    let line = lines.next_line().await.map_err(|error| error.to_string())?;
    let line = line.ok_or("the parent closed standard input: `app-process` is started by other commands")?;
    serde_json::from_str(&line).map_err(|error| format!("the parent sent something else than expected: {error}"))
}

fn tell(told: &Told) {
    let mut out = std::io::stdout().lock();
    let line = serde_json::to_string(told).unwrap_or_default();
    drop(writeln!(out, "{line}"));
    drop(out.flush());
}
