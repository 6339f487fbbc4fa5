//! What outages show: one ruling for each thing that was promised.

use common::ids::AppId;
use common::slo::{self, Decision, Terms};
use common::verdict::{Agreement, Claim, Confirmation, Figures, Ruling, Verdict};

use crate::record::{PartyOutage, Resilience};
use crate::report::plural;

const PHASE: u8 = 7;
/// The command that does the same again.
pub(crate) const RERUN: &str = "cargo xtask suite resiliency";
/// After an outage, fewer than one of 100 requests may fail.
const AFTER: slo::Claim = slo::Claim::ErrorRateBelow { limit: 0.01 };

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
    rulings.extend(parties.chain([own]).map(|(whose, share)| after(&whose, share.requests, share.errors)));
    rulings
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
    let agreed = std::num::NonZeroU64::new(matched)
        .map(|matched| Agreement { source: "A8 breaker_transition events".into(), matched });
    let all = usize::try_from(listed + bad).unwrap_or(usize::MAX);
    ruling("transitions_reported", text, "changes", (all, usize::try_from(bad).unwrap_or(all)), line, agreed)
}

fn backoff(seen: &Resilience) -> Ruling {
    let text = "pauses between attempts double and are spread evenly below their bound";
    let found = &seen.backoff;
    let line = format!(
        "{} pauses: {} too early, {} over their bound; distance from full jitter {:.2}, limit {}",
        found.pauses,
        found.early,
        found.over_bound,
        found.jitter.distance,
        found.jitter.limit.map_or_else(|| "none".to_owned(), |limit| format!("{limit:.2}"))
    );
    let claim = claim("backoff", text);
    let Some(figures) = Figures::counted("pauses", found.pauses, (found.early + found.over_bound).min(found.pauses))
    else {
        return Ruling::new(claim, Verdict::nothing_seen("pauses", "at least 20"), line, RERUN);
    };
    let verdict = match found.decision() {
        Decision::Pass => Verdict::Pass { figures, second: alone("A3 alone lists its attempts") },
        Decision::Fail => Verdict::Fail { figures, traces: Vec::new() },
        Decision::Undecided(reason) => Verdict::Inconclusive {
            reason,
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
    let line = format!("{} of {} runs were completed after the start{after}", crash.completed, crash.acknowledged);
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
    let bad = runs.twice.len() + runs.without_effect.len();
    let line = format!(
        "{} of {} runs completed; {} left something twice, {} nothing",
        runs.completed,
        runs.asked,
        runs.twice.len(),
        runs.without_effect.len()
    );
    let all = usize::try_from(runs.asked).unwrap_or(usize::MAX);
    let mut ruling = ruling("no_duplicate_effect", text, "runs", (all, bad), line, None);
    if let Verdict::Fail { traces, .. } = &mut ruling.verdict {
        traces.extend(runs.twice.iter().chain(&runs.without_effect));
    }
    ruling
}

fn after(whose: &str, requests: u64, errors: u64) -> Ruling {
    let judgement = AFTER.judge(errors, requests, Terms::default());
    let claim = claim(&format!("after.{whose}"), "fewer than 1 % of requests fail after an outage");
    let line = format!(
        "{errors} of {requests} requests failed after the outage, 95 % interval {:.2} % to {:.2} %",
        judgement.interval.lower * 100.0,
        judgement.interval.upper * 100.0
    );
    let Some(figures) = Figures::counted("requests", requests, errors) else {
        return Ruling::new(claim, Verdict::nothing_seen("requests", "at least 381"), line, RERUN);
    };
    let figures = Figures { judgement: Some(judgement), ..figures };
    let verdict = match judgement.decision {
        Decision::Pass => Verdict::Pass { figures, second: alone("only who asks knows whether she was answered") },
        Decision::Fail => Verdict::Fail { figures, traces: Vec::new() },
        Decision::Undecided(reason) => Verdict::Inconclusive {
            reason,
            figures: Some(figures),
            observed: format!("{requests} requests, {errors} failed"),
            required: judgement
                .samples_needed
                .map_or_else(|| "a share away from 1 %".to_owned(), |more| format!("{} requests", requests + more)),
        },
    };
    Ruling::new(claim, verdict, line, RERUN)
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
    let claim = claim(what, text);
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

fn claim(what: &str, text: &str) -> Claim {
    Claim {
        id: format!("a3.resilience.{what}"),
        app: AppId::A3,
        phase: PHASE,
        text: text.to_owned(),
        kind: "resilience".into(),
        gate: true,
        known_issue: None,
    }
}
