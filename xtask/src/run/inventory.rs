//! Phase 0: what is there? Apps, routes, owners, suites; secrets by name; nothing is loaded yet.

use common::check::CheckContext;
use common::contract::{Auth, Body, Contract, Route};
use common::ids::AppId;
use common::redact::{scrub, scrub_json};
use common::settings::Settings;
use common::verdict::{Claim, Confirmation, Figures, Ruling, Verdict};
use http::Method;

use super::{Run, RunError};
use crate::record::{Inventory, InventoryApp, Record, SecretPresence};

const PHASE: u8 = 0;
/// Stands in for a part of a path.
const PLACEHOLDER: &str = "inventory-probe";

/// Keys to the real third parties behind embedded apps, and what stands in for them without.
const THIRD_PARTIES: [(&str, &str); 3] = [
    ("HANDSHAKE_STRIPE_SECRET_KEY", "checkout at Stripe's test mode; a stand-in serves without it"),
    ("HANDSHAKE_STRIPE_WEBHOOK_SECRET", "webhooks of Stripe's test mode"),
    ("HANDSHAKE_LLM_API_KEY", "answers of a real language model; a small one of our own serves without it"),
];

/// Looks at every app of the plan.
pub(super) async fn phase(run: &mut Run) -> Result<(), RunError> {
    let mut inventory = Inventory { apps: Vec::new(), secrets: secrets(run) };
    for suite in run.plan.suites() {
        run.go_on()?;
        let app = suite.app();
        let base = run.guard.environment().base(app).map(ToString::to_string);
        let release = release(&run.context, app).await;
        let missing_routes = match &release {
            Some(_) => missing_routes(&run.context, app, &suite.contract.routes).await,
            None => Vec::new(),
        };
        inventory.apps.push(InventoryApp {
            base_url: base.unwrap_or_default(),
            reachable: release.is_some(),
            release,
            scenarios: suite.scenarios.iter().map(|scenario| scenario.id.clone()).collect(),
            checks: suite.checks.iter().map(|check| check.id.to_owned()).collect(),
            faults: suite.faults.iter().map(|fault| fault.id.clone()).collect(),
            missing_routes,
            contract: shown(suite.contract),
        });
    }
    run.record(Record::Inventory(inventory.clone()))?;
    for app in &inventory.apps {
        run.record(Record::Ruled(ruling(app)))?;
    }
    run.mourn(PHASE)
}

/// A contract as it is written down: the people in its examples are nobody's business there.
fn shown(mut contract: Contract) -> Contract {
    for route in &mut contract.routes {
        match &mut route.body {
            Body::Json { example, .. } => scrub_json(example),
            Body::Form { example } => example.iter_mut().for_each(|(_, value)| *value = scrub(value)),
            Body::None => {}
        }
    }
    contract
}

/// The release that an app says it is; nothing if it does not answer.
async fn release(context: &CheckContext, app: AppId) -> Option<String> {
    let reply = context.client.get(app, "/health").send().await.ok()?;
    let health = reply.json().ok()?;
    Some(health.get("release").and_then(|release| release.as_str()).unwrap_or("not told").to_owned())
}

/// Routes that the app does not know. A route is asked with OPTIONS: nothing is changed, and a route that is there
/// refuses the method (405) where an unknown path is not found (404).
async fn missing_routes(context: &CheckContext, app: AppId, routes: &[Route]) -> Vec<String> {
    let mut missing = Vec::new();
    for route in routes {
        let parts = route.path.split('/').map(|part| if part.starts_with('{') { PLACEHOLDER } else { part });
        let path = parts.collect::<Vec<_>>().join("/");
        let asked = context.client.request(app, Method::OPTIONS, &path).send().await;
        if asked.is_ok_and(|reply| reply.status == 404) {
            missing.push(route.name());
        }
    }
    // Being refused is what is asked for here, so the protocol's word on it does not count.
    drop(context.client.take_violations());
    missing
}

fn ruling(app: &InventoryApp) -> Ruling {
    let id = app.contract.app;
    let routes = app.contract.routes.len() as u64;
    let claim = Claim {
        id: format!("{}.inventory", id.lower()),
        app: id,
        phase: PHASE,
        text: "answers, and serves every route of its contract".to_owned(),
        kind: "check".into(),
        gate: true,
        known_issue: None,
    };
    let rerun = format!("cargo xtask suite {}", id.lower());
    let missing = app.missing_routes.len() as u64;
    let bad = if app.reachable { missing } else { routes };
    let Some(figures) = Figures::counted("routes", routes, bad) else {
        let verdict = Verdict::nothing_seen("routes", "a contract with routes");
        return Ruling::new(claim, verdict, "the contract has no routes", rerun);
    };
    if !app.reachable {
        let line = format!("{id} does not answer at {}", app.base_url);
        return Ruling::new(claim, Verdict::Fail { figures, traces: Vec::new() }, line, rerun);
    }
    if missing > 0 {
        let line = format!("{missing} of {routes} routes are missing: {}", app.missing_routes.join(", "));
        return Ruling::new(claim, Verdict::Fail { figures, traces: Vec::new() }, line, rerun);
    }
    let second = Confirmation::SingleSource { why: "a route is there or not; nobody else reports it".into() };
    Ruling::new(claim, Verdict::Pass { figures, second }, format!("all {routes} routes are there"), rerun)
}

/// Secrets by name, never by value.
fn secrets(run: &Run) -> Vec<SecretPresence> {
    let settings = Settings::process();
    let names = run.guard.environment().secrets().clone();
    let mut wanted = Vec::new();
    let has_admin =
        run.plan.suites().iter().any(|suite| suite.contract.routes.iter().any(|r| r.auth == Auth::AdminKey));
    for (name, needed_for, given) in [
        (names.telemetry_key_env, "checks of A8's sink", run.context.telemetry_key.is_some()),
        (names.admin_key_env, "checks of flags and incidents", has_admin && run.context.admin_key.is_some()),
    ] {
        if let Some(name) = name {
            let present = given || settings.is_set(&name);
            wanted.push(SecretPresence { name, needed_for: needed_for.to_owned(), present });
        }
    }
    if run.embedded.is_some() {
        wanted.extend(THIRD_PARTIES.map(|(name, needed_for)| SecretPresence {
            name: name.to_owned(),
            needed_for: needed_for.to_owned(),
            present: settings.is_set(name),
        }));
    }
    wanted
}
