//! Sums: of entries that must balance, and of effects that can only be counted.

use super::{Case, Standing};
use crate::history::{Account, Anomaly, AnomalyKind, History, Line, Tally};

/// Entries sum to what the app says, and a balance that must not be negative never was.
pub(super) fn judge(account: &Account) -> Vec<Anomaly> {
    let anomaly = |kind, what: String| Anomaly {
        kind,
        place: None,
        key: None,
        trace_id: account.trace_id,
        what,
        shown_by: vec![Line::Account(account.clone())],
    };
    let mut anomalies = Vec::new();
    let sum: i128 = account.entries.iter().map(|entry| i128::from(*entry)).sum();
    if sum != i128::from(account.balance) {
        let what = format!("the entries of {} sum to {sum} and must sum to {}", account.name, account.balance);
        anomalies.push(anomaly(AnomalyKind::UnbalancedLedger, what));
    }
    let mut balance = 0_i128;
    let lowest = account.entries.iter().map(|entry| {
        balance += i128::from(*entry);
        balance
    });
    if let Some(lowest) = lowest.min().filter(|lowest| account.never_negative && *lowest < 0) {
        anomalies.push(anomaly(AnomalyKind::NegativeBalance, format!("{} fell to {lowest}", account.name)));
    }
    anomalies
}

/// At least what was acknowledged, and no more than what may have happened.
pub(super) fn tallies(history: &History, cases: &[Case<'_>]) -> Vec<Anomaly> {
    history.tallies.iter().filter_map(|tally| bounds(tally, cases)).collect()
}

fn bounds(tally: &Tally, cases: &[Case<'_>]) -> Option<Anomaly> {
    let asked = |wanted: fn(Standing) -> bool| -> u64 {
        let of = cases.iter().filter(|case| wanted(case.standing)).flat_map(|case| &case.intent.effects);
        of.filter(|expected| expected.place == tally.place).map(|expected| expected.times).sum()
    };
    let least = asked(|standing| standing == Standing::Acknowledged);
    let most = asked(|standing| standing != Standing::Refused);
    let (kind, bound) = match tally.n {
        n if n < least => (AnomalyKind::LostEffect, format!("at least {least} were acknowledged")),
        n if n > most => (AnomalyKind::DoubleEffect, format!("at most {most} were asked for")),
        _ => return None,
    };
    Some(Anomaly {
        kind,
        place: Some(tally.place.clone()),
        key: None,
        trace_id: None,
        what: format!("{} counts {}, and {bound}", tally.place, tally.n),
        shown_by: vec![Line::Tally(tally.clone())],
    })
}
