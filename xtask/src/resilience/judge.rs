//! What outages show: one ruling for each thing that was promised.

mod after;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use common::ids::AppId;
use common::slo::{self, Decision, Reason};
use common::verdict::{Agreement, Claim, Confirmation, Figures, Ruling, Verdict};

use crate::record::{PartyOutage, Resilience};
use crate::report::plural;

const PHASE: u8 = 7;
/// The command that does the same again.
pub(crate) const RERUN: &str = "cargo xtask suite resiliency";

/// Everything that was promised, each with what was seen.
pub(crate) fn rulings(seen: &Resilience) -> Vec<Ruling> {
    let mut rulings = vec![
        opens(seen),
        recovers(seen),
        reported(seen),
        backoff(seen),
        retry_after(seen),
        survive(seen),
        taken(seen),
        once(seen),
    ];
    let own = ("own".to_owned(), seen.own.after);
    let parties = seen.parties.iter().map(|outage| (outage.party.clone(), outage.after));
    rulings.extend(parties.chain([own]).map(|(whose, share)| after::after(&whose, share.requests, share.errors)));
    match &seen.broke_off {
        Some(why) => rulings.into_iter().map(|ruling| cut_short(ruling, why)).collect(),
        None => rulings,
    }
}

fn opens(seen: &Resilience) -> Ruling {
    let opened = |outage: &PartyOutage| outage.cycles.iter().filter(|c| c.opened_after_ms.is_some()).count();
    let text = "a breaker opens when a party answers 503, and tries again before it closes";
    let (all, opened) = (cycles(seen), seen.parties.iter().map(opened).sum::<usize>());
    let tried = seen.parties.iter().flat_map(|outage| &outage.cycles).filter(|cycle| cycle.trial_failed).count();
    let line = format!("{opened} of {all} outages opened the breaker, {tried} had a trial that failed");
    ruling("breaker_opens", text, "outages", (all, all - opened.min(tried)), line, None)
}

fn recovers(seen: &Resilience) -> Ruling {
    let text = "a breaker closes again once the party answers";
    let (all, n) = (cycles(seen), seen.parties.iter().map(|outage| outage.recovery.n).sum::<u64>());
    let times: Vec<_> = seen.parties.iter().map(recovery).collect();
    let line = format!("{n} of {all} outages ended in a closed breaker: {}", times.join("; "));
    ruling("recovers", text, "outages", (all, all.saturating_sub(usize::try_from(n).unwrap_or(all))), line, None)
}

/// `a7 after 820 ms (median, 95 % interval 640 to 1,210)`.
pub(crate) fn recovery(outage: &PartyOutage) -> String {
    let ms = |value: Option<u64>| value.map_or_else(|| "none".to_owned(), |ms| ms.to_string());
    let found = &outage.recovery;
    format!(
        "{} after {} ms (median of {}, 95 % interval {} to {})",
        outage.party,
        ms(found.value),
        found.n,
        ms(found.lower),
        ms(found.upper)
    )
}

fn reported(seen: &Resilience) -> Ruling {
    let text = "A3's list of a breaker's changes and what A8 was told are the same legal story";
    let sum = |part: fn(&PartyOutage) -> u64| seen.parties.iter().map(part).sum::<u64>();
    let bad = sum(|o| o.compared.unreported + o.compared.unlisted + o.compared.illegal + o.compared.early_trials);
    let (listed, matched) = (sum(|o| o.compared.listed), sum(|o| o.compared.matched));
    let first = seen.parties.iter().flat_map(|outage| &outage.compared.examples).next();
    let first = first.map(|first| format!("; first: {first}")).unwrap_or_default();
    let line = format!("{matched} of {listed} listed changes match what A8 knows, {bad} do not fit{first}");
    let agreed =
        NonZeroU64::new(matched).map(|matched| Agreement { source: "A8 breaker_transition events".into(), matched });
    let all = usize::try_from(listed + bad).unwrap_or(usize::MAX);
    ruling("transitions_reported", text, "changes", (all, usize::try_from(bad).unwrap_or(all)), line, agreed)
}

fn backoff(seen: &Resilience) -> Ruling {
    let text = "pauses between attempts double and are spread evenly below their bound";
    let (found, attempts) = (&seen.backoff, &seen.attempts);
    let first = attempts.examples.first().map(|first| format!("; first: {first}")).unwrap_or_default();
    let line = format!(
        "{} pauses: {} too early, {} over their bound; distance from full jitter {:.2}, limit {}; {} of {} listed attempts \
         were refused by the proxies, which refused {} more{first}",
        found.pauses,
        found.early,
        found.over_bound,
        found.jitter.distance,
        found.jitter.limit.map_or_else(|| "none".to_owned(), |limit| format!("{limit:.2}")),
        attempts.matched,
        attempts.listed,
        attempts.unlisted
    );
    let claim = claim("a3.resilience.backoff", text);
    let (all, apart) = (attempts.listed + attempts.unlisted, attempts.never_refused + attempts.unlisted);
    let bad = found.early + found.over_bound + apart;
    let Some(figures) = Figures::counted("attempts", all, bad.min(all)) else {
        return Ruling::new(claim, Verdict::nothing_seen("attempts", "at least 20"), line, RERUN);
    };
    let agreed = NonZeroU64::new(attempts.matched)
        .map(|matched| Agreement { source: "the fault proxies' record of refused requests".into(), matched });
    let verdict = match (found.decision(), agreed) {
        _ if apart > 0 => Verdict::Fail { figures, traces: Vec::new() },
        (Decision::Fail, _) => Verdict::Fail { figures, traces: Vec::new() },
        (Decision::Pass, Some(agreed)) => Verdict::Pass { figures, second: Confirmation::Agreed(agreed) },
        (decided, _) => Verdict::Inconclusive {
            reason: if let Decision::Undecided(reason) = decided { reason } else { Reason::TooFew },
            observed: plural(usize::try_from(found.pauses).unwrap_or(0), "pause"),
            figures: Some(figures),
            required: format!("at least {}", slo::MIN_JITTER_PAUSES),
        },
    };
    Ruling::new(claim, verdict, line, RERUN)
}

fn retry_after(seen: &Resilience) -> Ruling {
    let text = "a party that says when to come back is not asked before";
    let found = &seen.retry_after;
    let line = format!("{} attempts were asked to wait a second, {} came back before", found.asked, found.unheard);
    let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    ruling("retry_after", text, "attempts", (count(found.asked), count(found.unheard)), line, None)
}

fn survive(seen: &Resilience) -> Ruling {
    let text = "runs that A3 took on before it was killed are completed after its start";
    let crash = &seen.crash;
    let lost = crash.acknowledged - crash.completed.min(crash.acknowledged);
    let after = crash.settled_after_ms.map(|ms| format!(", {ms} ms after it")).unwrap_or_default();
    let why = crash.not_started.as_ref().map(|why| format!("; it did not start: {why}")).unwrap_or_default();
    let line = format!("{} of {} runs were completed after the start{after}{why}", crash.completed, crash.acknowledged);
    let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    ruling("runs_survive", text, "runs", (count(crash.acknowledged), count(lost)), line, None)
}

fn taken(seen: &Resilience) -> Ruling {
    let text = "a request that meets 503 is taken once it is sent again under its key";
    let own = &seen.own;
    let line = format!("{} of {} requests were taken, after {} answers of 503", own.taken, own.asked, own.answered_503);
    let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    // Without a single 503 there was no outage to come back from.
    let asked = if own.answered_503 == 0 { 0 } else { own.asked };
    ruling("taken_again", text, "requests", (count(asked), count(own.asked - own.taken.min(own.asked))), line, None)
}

fn once(seen: &Resilience) -> Ruling {
    let text = "every run of the outages left one page and one event";
    let runs = &seen.runs;
    let bad: BTreeSet<_> = [&runs.twice, &runs.without_effect, &runs.unfinished].into_iter().flatten().collect();
    let line = format!(
        "{} of {} runs completed; {} left something twice, {} nothing, {} did not end in time",
        runs.completed,
        runs.asked,
        runs.twice.len(),
        runs.without_effect.len(),
        runs.unfinished.len()
    );
    let all = usize::try_from(runs.asked).unwrap_or(usize::MAX);
    let mut ruling = ruling("no_duplicate_effect", text, "runs", (all, bad.len()), line, None);
    if let Verdict::Fail { traces, .. } = &mut ruling.verdict {
        traces.extend(bad);
    }
    ruling
}

/// Where the harness could not go on, a pass would rest on a part of what was planned; what failed has failed.
fn cut_short(ruling: Ruling, why: &str) -> Ruling {
    if ruling.verdict.is_fail() {
        return ruling;
    }
    let verdict = Verdict::Inconclusive {
        reason: Reason::HarnessFault,
        figures: ruling.verdict.figures().cloned(),
        observed: format!("the outages broke off: {why}"),
        required: "outages that the harness carries through".to_owned(),
    };
    Ruling { verdict, ..ruling }
}

/// A ruling by counting: a single bad one is a failure, none at all is nothing seen.
fn ruling(
    what: &str,
    text: &str,
    unit: &str,
    (all, bad): (usize, usize),
    line: String,
    agreed: Option<Agreement>,
) -> Ruling {
    let claim = claim(&format!("a3.resilience.{what}"), text);
    let Some(figures) = Figures::counted(unit, all as u64, bad.min(all) as u64) else {
        return Ruling::new(claim, Verdict::nothing_seen(unit, format!("at least 1 of {unit}")), line, RERUN);
    };
    let verdict = if bad > 0 {
        Verdict::Fail { figures, traces: Vec::new() }
    } else {
        let second = agreed.map_or_else(|| alone("the outage itself was made here"), Confirmation::Agreed);
        Verdict::Pass { figures, second }
    };
    Ruling::new(claim, verdict, line, RERUN)
}

fn cycles(seen: &Resilience) -> usize {
    seen.parties.iter().map(|outage| outage.cycles.len()).sum()
}

fn alone(why: &str) -> Confirmation {
    Confirmation::SingleSource { why: why.to_owned() }
}

/// A claim of this phase about A3.
pub(crate) fn claim(id: &str, text: &str) -> Claim {
    Claim {
        id: id.to_owned(),
        app: AppId::A3,
        phase: PHASE,
        text: text.to_owned(),
        kind: "resilience".into(),
        gate: true,
        known_issue: None,
    }
}
