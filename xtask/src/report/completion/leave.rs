//! "Approvals are logged": every restricted action of the run was asked for, decided on by a person, and used only then.

use common::approval::Action;

use super::{Criterion, Rest, Standing};
use crate::record::RunView;
use crate::report::approvals::APPROVALS_LOG;
use crate::report::decisions::{self, Answer, Asked};

/// How the run's requests stand.
pub(super) fn logged(view: &RunView) -> Criterion {
    let mut rests: Vec<Rest> = decisions::asked(view).iter().map(rest).collect();
    let disturbed = view.resilience.is_some() || view.effects.is_some();
    if disturbed && !decisions::used(view, Action::Inject503) {
        let why = "outages were made, and no grant of them is in the record".to_owned();
        rests.push(Rest { what: Action::Inject503.to_string(), standing: Standing::NotMet, why });
    }
    let ungranted = decisions::ungranted(view);
    if ungranted > 0 {
        let why = format!("{ungranted} without a grant before it in the record");
        rests.push(Rest { what: "uses".to_owned(), standing: Standing::NotMet, why });
    }
    if rests.is_empty() {
        let why = "the run came to no restricted action, so nobody was asked".to_owned();
        rests.push(Rest { what: "requests".to_owned(), standing: Standing::NotTried, why });
    }
    Criterion {
        text: "Every restricted action was asked for, decided on and logged",
        rests,
        files: vec![APPROVALS_LOG],
        traces: Vec::new(),
    }
}

/// A refusal is a decision: it is logged, and what it refused stays held by its own claims.
fn rest(asked: &Asked<'_>) -> Rest {
    let standing = match asked.answer {
        Answer::Waits { .. } => Standing::Held,
        Answer::Granted { .. } | Answer::Used { .. } | Answer::Refused { .. } => Standing::Met,
    };
    let what = format!("{} {}", asked.request.action, asked.request.scope);
    Rest { what, standing, why: asked.answer.in_words() }
}
