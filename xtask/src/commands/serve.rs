//! `serve`: the embedded ecosystem, to explore by hand.

use common::ids::AppId;

use super::fail;
use crate::cli::ServeArgs;
use crate::embedded::{Embedded, EmbeddedPlan};

/// How often the children are looked at.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(500);

/// Serves until Ctrl-C.
pub(crate) async fn serve(args: ServeArgs) -> u8 {
    let apps = if args.apps.is_empty() { AppId::ALL.to_vec() } else { args.apps };
    let plan = EmbeddedPlan {
        apps,
        base_port: args.base_port,
        data: args.data,
        defects: Vec::new(),
        proxies: Vec::new(),
        hosts_apart: false,
    };
    let embedded = match Embedded::start(&plan).await {
        Ok(embedded) => embedded,
        Err(error) => return fail(error),
    };
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
