//! What is undecided, and what would decide it; claims that need the same are told together.

use common::verdict::{Ruling, Verdict};

use super::state::State;

/// What there is, and what would decide it.
pub(crate) fn needs(ruling: &Ruling) -> (String, String) {
    match &ruling.verdict {
        Verdict::Inconclusive { observed, required, .. } => {
            let short = |text: &str, word: &str| text.strip_prefix(word).unwrap_or(text).trim().to_owned();
            (short(observed, "observed"), short(required, "required"))
        }
        Verdict::Held { action, grant } => (format!("waits for approval: {action}"), grant.clone()),
        Verdict::Skipped { reason } => ("not tried".into(), reason.clone()),
        Verdict::Pass { .. } | Verdict::Fail { .. } => (ruling.explanation.clone(), String::new()),
    }
}

/// The first of all that need the same, and how many more do.
pub(crate) fn alike<'a>(waiting: &[&'a Ruling]) -> Vec<(&'a Ruling, usize)> {
    let mut groups: Vec<(&Ruling, usize)> = Vec::new();
    for ruling in waiting {
        let same = |(first, _): &&mut (&Ruling, usize)| {
            State::of(first) == State::of(ruling) && kind_of_need(first) == kind_of_need(ruling)
        };
        match groups.iter_mut().find(same) {
            Some((_, more)) => *more += 1,
            None => groups.push((ruling, 0)),
        }
    }
    groups
}

/// What is needed, whatever the number; a command that grants has to be told in full.
fn kind_of_need(ruling: &Ruling) -> String {
    let (_, required) = needs(ruling);
    if matches!(ruling.verdict, Verdict::Held { .. }) {
        return required;
    }
    required.split(|c: char| c.is_ascii_digit()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("#")
}
