//! The six ways in which a claim is shown: the verdicts, and a failure that does not decide.

use common::verdict::{Ruling, Verdict};

/// How a ruling is shown. Ordered from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Pass,
    Skipped,
    Held,
    Inconclusive,
    /// A failure that does not decide: a known issue.
    Known,
    Fail,
}

impl State {
    /// All, worst first.
    pub(crate) const ALL: [Self; 6] =
        [Self::Fail, Self::Known, Self::Inconclusive, Self::Held, Self::Skipped, Self::Pass];

    /// Of this ruling.
    pub(crate) fn of(ruling: &Ruling) -> Self {
        match ruling.verdict {
            Verdict::Pass { .. } => Self::Pass,
            Verdict::Fail { .. } if ruling.claim.gate => Self::Fail,
            Verdict::Fail { .. } => Self::Known,
            Verdict::Inconclusive { .. } => Self::Inconclusive,
            Verdict::Held { .. } => Self::Held,
            Verdict::Skipped { .. } => Self::Skipped,
        }
    }

    /// The word; says the same as colour and shape.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Known => "KNOWN ISSUE",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Held => "HELD",
            Self::Skipped => "SKIPPED",
        }
    }

    /// The name of the style and the shape in the page.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Known => "known",
            Self::Inconclusive => "inconclusive",
            Self::Held => "held",
            Self::Skipped => "skipped",
        }
    }

    /// A sign for text.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Pass => "✓",
            Self::Fail => "✗",
            Self::Known => "⚑",
            Self::Inconclusive => "?",
            Self::Held => "‖",
            Self::Skipped => "–",
        }
    }

    /// What it means, for a newcomer.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Pass => "shown: the whole 95 % interval is on the good side, and the second source agrees",
            Self::Fail => "shown to be broken: the whole 95 % interval is on the bad side",
            Self::Known => {
                "broken as already known: shown, measured again, does not decide, but stands in the way of READY"
            }
            Self::Inconclusive => "neither was shown: the line says what there is and what is needed",
            Self::Held => "waits for a person who may grant it",
            Self::Skipped => "not tried: the line says why and what would enable it",
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.sign(), self.word())
    }
}
