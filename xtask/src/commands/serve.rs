//! `serve`: the embedded ecosystem, to explore by hand.

use std::path::PathBuf;

use common::fault::{Edge, Rules};
use common::ids::AppId;

use super::fail;
use crate::cli::ServeArgs;
use crate::embedded::{Embedded, EmbeddedPlan};

/// How often the children are looked at.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(500);

/// Serves until Ctrl-C.
pub(crate) async fn serve(args: ServeArgs) -> u8 {
    let apps = if args.apps.is_empty() { AppId::ALL.to_vec() } else { args.apps };
    let faults = match read(&args.faults) {
        Ok(faults) => faults,
        Err(error) => return fail(error),
    };
    let plan = EmbeddedPlan {
        apps,
        base_port: args.base_port,
        data: args.data,
        defects: Vec::new(),
        proxies: faults.iter().map(|(edge, _)| *edge).collect(),
        options: Vec::new(),
        hosts_apart: false,
    };
    let embedded = match Embedded::start(&plan).await {
        Ok(embedded) => embedded,
        Err(error) => return fail(error),
    };
    for (Edge { at, from }, rules) in faults {
        let Some(proxy) = embedded.proxy(at, from) else { return fail(format!("{at} is not started: name it too")) };
        proxy.replace(rules);
    }
    for (app, base) in &embedded.bases {
        anstream::println!("{app} {:<14} {base}", app.title());
    }
    if let Some(base) = embedded.bases.get(&AppId::A8) {
        anstream::println!("\nthe dashboard is at {base} — Ctrl-C stops everything");
    }
    let mut told = 0;
    let mut tick = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => break,
            _ = tick.tick() => {}
        }
        for death in embedded.deaths().iter().skip(told) {
            anstream::eprintln!("{} ended on its own: {}", death.app, death.how);
            told += 1;
        }
    }
    embedded.stop().await;
    0
}

/// The rules of each file.
fn read(faults: &[(Edge, PathBuf)]) -> Result<Vec<(Edge, Rules)>, String> {
    let read = |(edge, path): &(Edge, PathBuf)| {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read the rules {file}: {error}"))?;
        Ok((*edge, Rules::parse(&file, &text).map_err(|errors| errors.to_string())?))
    };
    faults.iter().map(read).collect()
}
