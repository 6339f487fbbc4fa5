//! Exit codes: one exhaustive map.

use serde::{Deserialize, Serialize};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Ready, or the asked-for subset passed.
    Ready,
    /// Nothing failed, something is undecided, held or skipped.
    Conditional,
    /// A service level is broken.
    SloBreached,
    /// A functional check failed.
    CheckFailed,
    /// Nothing ran.
    NothingRan,
    /// A flag or a file cannot be used.
    BadConfiguration,
    /// Somebody stopped it.
    Interrupted,
}

/// The process's exit code. `require_ready` is the flag `--require ready`.
#[must_use]
pub fn exit_code(outcome: Outcome, require_ready: bool) -> u8 {
    match outcome {
        Outcome::Ready => 0,
        Outcome::Conditional if require_ready => 3,
        Outcome::Conditional => 0,
        Outcome::NothingRan => 4,
        Outcome::SloBreached => 99,
        Outcome::CheckFailed => 100,
        Outcome::BadConfiguration => 104,
        Outcome::Interrupted => 105,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conditional_outcome_fails_a_pipeline_only_if_readiness_is_required() {
        assert_eq!(exit_code(Outcome::Conditional, false), 0);
        assert_eq!(exit_code(Outcome::Conditional, true), 3);
    }
}
