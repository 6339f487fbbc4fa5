//! What there is: `system_map.json` for programs, `ecosystem_inventory.md` for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use common::contract::Slo;
use common::ids::AppId;
use serde::Serialize;

use super::markdown::{cell, code, table};
use super::{Artifact, Head, json, text};
use crate::record::{InventoryApp, RunView, SecretPresence};

#[derive(Serialize)]
struct SystemMap<'a> {
    schema: &'static str,
    #[serde(flatten)]
    head: Head,
    apps: BTreeMap<AppId, App<'a>>,
    secrets: &'a [SecretPresence],
}

#[derive(Serialize)]
struct App<'a> {
    name: &'static str,
    owner: &'a str,
    summary: &'a str,
    base_url: &'a str,
    reachable: bool,
    release: Option<&'a str>,
    protocol: &'a str,
    routes: Vec<Route<'a>>,
    missing_routes: &'a [String],
    events: Vec<&'a str>,
    flags: Vec<&'a str>,
    scenarios: &'a [String],
    checks: &'a [String],
    faults: &'a [String],
}

#[derive(Serialize)]
struct Route<'a> {
    method: &'a str,
    path: &'a str,
    summary: &'a str,
    hardened: bool,
    auth: common::contract::Auth,
    slo: Option<&'a Slo>,
    tags: &'a [String],
}

/// Both files.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    vec![
        Artifact::report("system_map.json", json(&system_map(view))),
        Artifact::report("ecosystem_inventory.md", markdown(view)),
    ]
}

fn system_map(view: &RunView) -> SystemMap<'_> {
    let apps = view.inventory.apps.iter().map(|app| (app.contract.app, entry(app))).collect();
    SystemMap { schema: "handshake-system-map/1", head: Head::of(view), apps, secrets: &view.inventory.secrets }
}

fn entry(app: &InventoryApp) -> App<'_> {
    let contract = &app.contract;
    let routes = contract.routes.iter().map(|route| Route {
        method: &route.method,
        path: &route.path,
        summary: &route.summary,
        hardened: route.hardened,
        auth: route.auth,
        slo: route.slo.as_ref(),
        tags: &route.tags,
    });
    App {
        name: contract.app.title(),
        owner: &contract.owner,
        summary: &contract.summary,
        base_url: &app.base_url,
        reachable: app.reachable,
        release: app.release.as_deref(),
        protocol: &contract.protocol,
        routes: routes.collect(),
        missing_routes: &app.missing_routes,
        events: contract.events.iter().map(|event| event.as_str()).collect(),
        flags: contract.flags.iter().map(|flag| flag.name.as_str()).collect(),
        scenarios: &app.scenarios,
        checks: &app.checks,
        faults: &app.faults,
    }
}

fn markdown(view: &RunView) -> String {
    let mut out = Head::of(view).markdown("Ecosystem inventory");
    let apps = &view.inventory.apps;
    if apps.is_empty() {
        out.push_str("No inventory was taken.\n");
        return out;
    }
    let rows = apps.iter().map(|app| {
        vec![
            format!("**{}** {}", app.contract.app, app.contract.app.title()),
            cell(&app.contract.owner),
            if app.reachable { "✓ answers".into() } else { "✗ **does not answer**".into() },
            app.release.as_deref().map_or_else(|| "unknown".into(), code),
            code(&app.base_url),
            app.contract.routes.len().to_string(),
            app.scenarios.len().to_string(),
            app.checks.len().to_string(),
            app.faults.len().to_string(),
        ]
    });
    let head = ["app", "owner", "state", "release", "base URL", "routes", "scenarios", "checks", "faults"];
    out.push_str(&table(&head, "<<<<<>>>>", rows));
    missing(&mut out, apps);
    secrets(&mut out, &view.inventory.secrets);
    for app in apps {
        routes(&mut out, app);
    }
    out
}

fn missing(out: &mut String, apps: &[InventoryApp]) {
    let lacking: Vec<_> = apps.iter().filter(|app| !app.missing_routes.is_empty()).collect();
    if lacking.is_empty() {
        out.push_str("Every route of every contract is served.\n\n");
        return;
    }
    out.push_str("## Missing routes\n\n");
    for app in lacking {
        let names: Vec<_> = app.missing_routes.iter().map(|route| code(route)).collect();
        let _ = writeln!(out, "- **{}** does not serve {}", app.contract.app, names.join(", "));
    }
    out.push('\n');
}

fn secrets(out: &mut String, secrets: &[SecretPresence]) {
    if secrets.is_empty() {
        return;
    }
    out.push_str("## Secrets, by name only\n\n");
    let rows = secrets.iter().map(|secret| {
        let state = if secret.present { "✓ set" } else { "– not set" };
        vec![code(&secret.name), state.into(), cell(&secret.needed_for)]
    });
    out.push_str(&table(&["name", "state", "needed for"], "<<<", rows));
}

fn routes(out: &mut String, app: &InventoryApp) {
    let contract = &app.contract;
    let _ = writeln!(out, "## {} {}\n\n{}\n", contract.app, contract.app.title(), cell(&contract.summary));
    let rows = contract.routes.iter().map(|route| {
        let (p95, errors) = route.slo.as_ref().map_or_else(
            || ("–".into(), "–".into()),
            |slo| (format!("{} ms", slo.p95_ms), format!("< {} %", text::pct(slo.error_rate_pct))),
        );
        let hardened = if route.hardened { "yes" } else { "" };
        vec![code(&route.name()), cell(&route.summary), p95, errors, hardened.into(), cell(&route.tags.join(", "))]
    });
    out.push_str(&table(&["route", "does", "P95 limit", "errors", "hardened", "tags"], "<<>><<", rows));
}
