//! `fix_forward_proposals.md`: for each failure its evidence, its owner, what to change, and how to take that back.

use std::fmt::Write as _;

use common::verdict::{Ruling, Verdict};

use super::markdown::{cell, code};
use super::{Artifact, Head, select};
use crate::record::RunView;

/// What mends a kind of failure, and how that is undone.
struct Remedy {
    /// Parts of the claim's id; the first remedy with one that fits is proposed.
    ids: &'static [&'static str],
    /// Words of what was seen that fit as well.
    words: &'static [&'static str],
    change: &'static str,
    rollback: &'static str,
}

const REMEDIES: [Remedy; 16] = [
    Remedy {
        ids: &["a1.cookie"],
        words: &["SameSite", "a1_session"],
        change: "Set the session cookie with `Secure; HttpOnly; SameSite=None; Path=/` and the session's lifetime. A change of \
                 the cookie policy needs an approval.",
        rollback: "Redeploy the release before; sessions that were begun in between stay valid.",
    },
    Remedy {
        ids: &["a1.discovery"],
        words: &["issuer"],
        change: "Make the configured issuer, `issuer` of discovery and `iss` of the tokens the same text, scheme and port \
                 included.",
        rollback: "Restore the issuer before in the configuration of A1 and A5 together.",
    },
    Remedy {
        ids: &["a1.signing_key"],
        words: &["signing key", "JWKS", "/oidc/jwks"],
        change: "Publish the key that signs in the JWKS before it signs, and keep the one before for as long as its tokens live.",
        rollback: "Sign with the key before again; it is still published.",
    },
    Remedy {
        ids: &["a5.signup_lands"],
        words: &["a5_session", "redirect loop", "goes in a circle"],
        change: "Set `a5_session` in the answer to the callback (`Secure; HttpOnly; SameSite=Lax; Path=/`), and send nobody back \
                 to the login who just came from there.",
        rollback: "Redeploy the release before; nobody is signed in by it, nothing is lost.",
    },
    Remedy {
        ids: &["plan_buttons"],
        words: &["A5 pricing", "plan button", "leads nowhere"],
        change: "Let each plan button send its form to `POST /checkout` with plan and nonce; no script may be needed for it.",
        rollback: "Redeploy the release before; no order depends on the page.",
    },
    Remedy {
        ids: &["webhook"],
        words: &["/webhooks/stripe", "what it waits for does not come"],
        change: "Check the webhook with the secret of the endpoint that delivers it, then have the provider deliver what was \
                 refused again: each event counts once.",
        rollback: "Put the secret before back; deliveries are repeated for three days.",
    },
    Remedy {
        ids: &["ledger", "credits", "b2c.money"],
        words: &["A5's ledger"],
        change: "Give each cause one ledger entry (unique key on order or action), correct doubled entries by entries of their own, \
                 never by changing one.",
        rollback: "Reverse the correcting entries by further entries.",
    },
    Remedy {
        ids: &["activation", "guided_action"],
        words: &["credit_decrement", "first action"],
        change: "Write `credit_decrement` and `activation_first_use` in the transaction of the answer, and send them by the outbox.",
        rollback: "Redeploy the release before; events of the time between are missing and must be named as missing.",
    },
    Remedy {
        ids: &["a7.seo", "a7.index", "a7.canonical", "a7.sitemap"],
        words: &["noindex"],
        change: "Publish the page again with `index, follow` and a canonical address on its own host; ask for a new crawl.",
        rollback: "Publish the version before; its slug stays.",
    },
    Remedy {
        ids: &["cta", "beacon"],
        words: &["cta_impression"],
        change: "Write the event of a call to action in the transaction that acknowledges it, and send it by the outbox.",
        rollback: "Redeploy the release before; count no rates over the time between.",
    },
    Remedy {
        ids: &["hands_over", "drops_trace", "trace_reaches"],
        words: &["the trace ends"],
        change: "Pass `traceparent` and `X-Trace-Id` on with every onward call, also from queues and retries.",
        rollback: "Redeploy the release before; lineage of the time between stays split.",
    },
    Remedy {
        ids: &["test_revenue", "demo"],
        words: &["live finance tile"],
        change: "Leave events with `stripe_mode: test` or `test_run` out of live figures at the query, and show them under their \
                 badge only.",
        rollback: "None is needed: figures are computed from the stored events.",
    },
    Remedy {
        ids: &["billing", "b2b.money", "quote", "settle"],
        words: &[],
        change: "Compute fee and markup in integer minor units, half up on the cent, and settle each sale once by its key.",
        rollback: "Redeploy the release before, and correct what was settled in between by settlements of their own.",
    },
    Remedy {
        ids: &["nothing_lost", "durable", "telemetry"],
        words: &["lost"],
        change: "Acknowledge only what is committed, and forward from an outbox that is emptied by acknowledgements alone.",
        rollback: "Redeploy the release before; send again what was acknowledged and is missing.",
    },
    Remedy {
        ids: &["p95", "errors", ".hops", ".slo.", "latency"],
        words: &[],
        change: "Compare the slowest traces of the evidence with the app's own `Server-Timing`; warm pools and caches behind their \
                 flags first.",
        rollback: "Turn the flag off again (`PUT /flags/{name}`): it works at once.",
    },
    Remedy {
        ids: &[""],
        words: &[],
        change: "Run the command below against a fresh embedded ecosystem, then against the target; the first difference is the \
                 change to take back.",
        rollback: "Redeploy the release before.",
    },
];

/// The one file.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let mut out = Head::of(view).markdown("Fix-forward proposals");
    let failed: Vec<_> = view.rulings.iter().filter(|ruling| ruling.verdict.is_fail()).collect();
    if failed.is_empty() {
        let undecided = select::undecided(view).count();
        let _ = writeln!(
            out,
            "Nothing failed in this run, so nothing is proposed. {undecided} claims are undecided: see `verdicts.json`."
        );
    }
    for ruling in failed {
        proposal(&mut out, view, ruling);
    }
    vec![Artifact::report("fix_forward_proposals.md", out)]
}

fn proposal(out: &mut String, view: &RunView, ruling: &Ruling) {
    let claim = &ruling.claim;
    let owner = view.inventory.apps.iter().find(|app| app.contract.app == claim.app);
    let owner = owner.map_or_else(|| "unknown".to_owned(), |app| app.contract.owner.clone());
    let remedy = remedy(ruling);
    let _ = writeln!(out, "## {}\n", code(&claim.id));
    let _ = writeln!(out, "- **Claim:** {}", cell(&claim.text));
    let _ = writeln!(out, "- **Seen:** {}", cell(&ruling.explanation));
    if let Verdict::Fail { traces, .. } = &ruling.verdict
        && !traces.is_empty()
    {
        let shown: Vec<_> = traces.iter().take(3).map(|trace| code(&trace.to_string())).collect();
        let more = if traces.len() > 3 { format!(" and {} more", traces.len() - 3) } else { String::new() };
        let _ = writeln!(out, "- **Traces:** {}{more}", shown.join(", "));
    }
    let _ = writeln!(out, "- **Owner:** {} ({})", cell(&owner), claim.app);
    let known = view.known_issues.iter().find(|issue| Some(&issue.id) == claim.known_issue.as_ref());
    let change = known.map_or_else(|| remedy.change.to_owned(), |issue| cell(&issue.proposal));
    let _ = writeln!(out, "- **Proposed change:** {change}");
    let _ = writeln!(out, "- **Rollback:** {}", remedy.rollback);
    let _ = writeln!(out, "- **Shown again by:** {}\n", code(&ruling.rerun));
}

fn remedy(ruling: &Ruling) -> &'static Remedy {
    let fits = |remedy: &&Remedy| {
        let has = |text: &str, parts: &[&str]| parts.iter().any(|part| text.contains(part));
        has(&ruling.claim.id, remedy.ids) || has(&ruling.explanation, remedy.words)
    };
    REMEDIES.iter().find(fits).unwrap_or(&REMEDIES[REMEDIES.len() - 1])
}
