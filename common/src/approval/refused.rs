//! Why a decision does not hold. Every reason has its own words.

use super::Action;

/// Why a decision does not allow what is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no envelope with a statement of ours.
    #[error("no approval can be read there: {0}; sign it again with `cargo xtask approve`")]
    Unreadable(String),
    /// The signature is not that of the signed bytes.
    #[error("the signature of {name} does not fit the signed bytes: they were altered, or somebody else signed")]
    BadSignature {
        /// The approver whose key is named.
        name: String,
    },
    /// Nobody in the file of approvers has the key.
    #[error("nobody in approvers.yaml has the key {key}: its owner has to be listed there first")]
    UnknownSigner {
        /// The id of the key.
        key: String,
    },
    /// The approver is known, but not for this.
    #[error("{name} may not decide on {action}: approvers.yaml does not list it for that key")]
    MayNotDecide {
        /// The approver.
        name: String,
        /// What was decided on.
        action: Action,
    },
    /// It was given for another run.
    #[error("it was given for run {decided}, not for {asked}: a decision counts for one run")]
    OtherRun {
        /// The run it was given for.
        decided: String,
        /// The run that asks.
        asked: String,
    },
    /// It was given for another action.
    #[error("it allows {decided}, not {asked}")]
    OtherAction {
        /// What it allows.
        decided: Action,
        /// What is asked for.
        asked: Action,
    },
    /// It was given for another place.
    #[error("it covers {decided}, not {asked}")]
    OtherScope {
        /// What it covers.
        decided: String,
        /// What is asked for.
        asked: String,
    },
    /// It does not go far enough.
    #[error("it allows {most} virtual users at most, and {asked} are asked for")]
    ScopeTooSmall {
        /// The bound.
        most: u32,
        /// What is asked for.
        asked: u32,
    },
    /// The plan of the run is another one.
    #[error("it was given for the plan {decided}, and the run has the plan {asked} now: look at it and decide again")]
    OtherPlan {
        /// The plan it was given for.
        decided: String,
        /// The plan of the run.
        asked: String,
    },
    /// Its time is over.
    #[error("it expired at {at}: grant again, with a longer --expires if need be")]
    Expired {
        /// When.
        at: String,
    },
    /// Its time has not come.
    #[error("it is not valid before {from}: check the clocks of the two machines")]
    NotYetValid {
        /// From when.
        from: String,
    },
    /// It would live longer than any may.
    #[error("it would be valid for more than 7 days, or for no time: choose --expires between 1m and 7d")]
    Lifetime,
    /// It was used before.
    #[error("it was used before, at {at}: a grant counts once, so grant again")]
    Used {
        /// When.
        at: String,
    },
    /// The clock tells an earlier time than the record does.
    #[error("the clock says {now}, but the newest entry of the record is of {newest}: set the clock right first")]
    ClockSetBack {
        /// The clock.
        now: String,
        /// The record.
        newest: String,
    },
    /// A line of the record is not as it was written.
    #[error("line {line} of the record of approvals was altered ({what}): no approval counts until that is explained")]
    Altered {
        /// From 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// Lines of the record were removed, moved, repeated or written anew.
    #[error("the record of approvals is broken at line {line} ({what}): no approval counts until that is explained")]
    BrokenChain {
        /// From 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}
