//! Outages of those whom A3 calls, one by one: what opened, what closed, what both sources tell, what failed afterwards.

use std::fmt::Write as _;

use crate::record::{Cycle, PartyOutage, Resilience, RunView};
use crate::report::markdown::{cell, code, table};
use crate::report::{claims, matrix, text};

/// One party.
pub(super) fn party(out: &mut String, outage: &PartyOutage) {
    let _ = writeln!(
        out,
        "## {}: {} answers 503\n",
        code(&outage.party),
        code(&format!("{} {}", outage.app, outage.route))
    );
    let rows = outage.cycles.iter().enumerate().map(|(at, cycle)| row(at + 1, cycle));
    let head = ["outage", "refused", "opened after", "trial in it", "closed after"];
    out.push_str(&table(&head, ">>>>>", rows));
    let _ = writeln!(out, "{}\n", recovery(outage));
}

fn row(number: usize, cycle: &Cycle) -> Vec<String> {
    let after = |ms: Option<u64>| ms.map_or_else(|| "**never**".to_owned(), |ms| format!("{} ms", text::count(ms)));
    let trial = if cycle.trial_failed { "failed" } else { "**none**" };
    vec![
        number.to_string(),
        text::count(cycle.refused),
        after(cycle.opened_after_ms),
        trial.to_owned(),
        after(cycle.closed_after_ms),
    ]
}

/// The median with its interval, ranks and coverage, in words.
fn recovery(outage: &PartyOutage) -> String {
    let (found, ranks) = (&outage.recovery, outage.recovery.ranks);
    let Some(median) = found.value else {
        return "No outage ended in a closed breaker, so there is no recovery time.".to_owned();
    };
    let bound = |ms: Option<u64>| ms.map_or_else(|| "no bound".to_owned(), text::count);
    let rank = |rank: Option<u64>| rank.map_or_else(|| "none".to_owned(), |rank| rank.to_string());
    format!(
        "Recovery, from the end of the outage until the breaker was closed: median **{} ms**, 95 % interval {} to {} ms ({} \
         outages, ranks {} and {}, which hold the median in {:.1} % of cases).",
        text::count(median),
        bound(found.lower),
        bound(found.upper),
        found.n,
        rank(ranks.lower),
        rank(ranks.upper),
        ranks.coverage * 100.0
    )
}

/// The breaker's changes: A3's list beside A8's events.
pub(super) fn compared(out: &mut String, seen: &Resilience) {
    out.push_str(
        "## The breakers from two sources\n\nWhat A3 lists of its breakers, beside the events that A8 was sent.\n\n",
    );
    let rows = seen.parties.iter().map(|outage| {
        let found = &outage.compared;
        let counts = [
            found.listed,
            found.reported,
            found.matched,
            found.unreported,
            found.unlisted,
            found.illegal,
            found.early_trials,
        ];
        let head = [code(&outage.party), if found.agrees() { "agree".into() } else { "**differ**".into() }];
        let drift = format!("{} ms", found.drift_ms);
        head.into_iter().chain(counts.map(text::count)).chain([drift]).collect()
    });
    let head = [
        "breaker",
        "sources",
        "listed",
        "reported",
        "matched",
        "not reported",
        "not listed",
        "illegal",
        "early trials",
        "largest drift",
    ];
    out.push_str(&table(&head, "<<>>>>>>>>", rows));
    let examples: Vec<_> = seen.parties.iter().flat_map(|outage| &outage.compared.examples).collect();
    for example in &examples {
        let _ = writeln!(out, "- {}", cell(example));
    }
    if !examples.is_empty() {
        out.push('\n');
    }
}

/// The error rate after the last outage of each.
pub(super) fn afterwards(out: &mut String, view: &RunView) {
    out.push_str("## After the outages\n\nFewer than 1 % of requests may fail once an outage is over.\n\n");
    let rows = claims::named(view, &["a3.resilience.after."]).into_iter().map(|ruling| {
        let figures = ruling.verdict.figures();
        let whose = ruling.claim.id.rsplit('.').next().unwrap_or_default();
        let count =
            |of: fn(&common::verdict::Figures) -> u64| figures.map_or_else(|| "0".into(), |f| text::count(of(f)));
        vec![
            super::State::of(ruling).to_string(),
            if whose == "own" { "A3 itself".to_owned() } else { code(whose) },
            count(|figures| figures.n.get()),
            count(|figures| figures.bad),
            matrix::seen(ruling),
            matrix::interval(ruling),
        ]
    });
    out.push_str(&table(&["", "after outages of", "requests", "failed", "share", "95 % interval"], "<<>>>>", rows));
}
