//! The statistics of verdicts: pure functions of data.
//!
//! Reading order: intervals of a share, quantiles and the ranks that bound them, how much a correlated sample is
//! worth, the three-valued judgement made of all of these, and what ends a load early. Then what compares: a quantile
//! before and after a change, evidence beside it, the level of many runs; and when to look at all: the stable window,
//! declared looks, headroom. At last what many judgements say together, the score of an ecosystem, and the beliefs of a
//! bandit. [`golden`] replays what others computed. Nothing here reads a clock, a file or a random number.

mod autocorr;
mod backoff;
mod beta;
mod bootstrap;
mod burn;
mod changepoint;
mod decision;
mod egrs;
mod family;
pub mod golden;
mod headroom;
mod histogram;
mod interval;
mod judge;
mod mann_whitney;
mod proportion;
mod quantile;
mod rank;
mod ratio;
mod regression;
mod reward;
mod sequential;
mod stable;
mod stop;
mod student;
mod thompson;

pub use autocorr::{NEVER_US, Tau, autocorrelation, indicator_tau, n_eff, tau, tau_at_limit};
pub use backoff::{BackoffFindings, BackoffRule, FailedAttempt, JITTER_FALSE_ALARM, JitterTest, MIN_JITTER_PAUSES};
pub use bootstrap::{BootstrapRatio, MIN_RESAMPLES, Series, bootstrap_ratio};
pub use burn::{BURN_ALERTS, BURN_PERIOD, Budget, BurnAlert, BurnState, BurnWindow, burn_factor};
pub use changepoint::{ChangePoint, ChangeRules, Level, MIN_TREND_RUNS, Split, best_split, change_points, trend};
pub use decision::{Decision, Reason};
pub use egrs::{
    Delta, Direction, Egrs, EgrsLimits, Grade, GradeReason, Objective, Score, ScoredService, Standing, Transition,
    UndecidedObjective, delta, egrs, transitions,
};
pub use family::{
    FAMILY_ALPHA, FamilyDecision, GateEvidence, Measured, benjamini_hochberg, bonferroni, decide_family, holm,
};
pub use headroom::{
    CapacityHeadroom, RateStep, capacity_headroom, headroom_limit_us, latency_headroom, saturation_headroom,
};
pub use histogram::{Bucket, BucketInterval, bucket_interval, rank_bucket};
pub use interval::{Interval, RankInterval};
pub use judge::{Claim, Judgement, Method, Terms, judge_latency};
pub use mann_whitney::{MannWhitney, ShiftP, mann_whitney};
pub use proportion::{
    binomial_tail_at_least, binomial_tail_at_most, clopper_pearson, hull, normal_quantile_two_sided, wilson, wilson_cc,
};
pub use quantile::{ParseQuantileError, Quantile, hf7, nearest_rank};
pub use rank::{QuantileEstimate, estimate, order_statistic_ranks, ranks_with_tau};
pub use ratio::{BetweenRuns, QuantileRatio, QuantileSample, quantile_ratio};
pub use regression::{Design, MIN_BASELINE_RUNS, Regression, RegressionRule, judge_regression};
pub use reward::{ArmSessions, RewardBelief, RewardWeights, SessionEvents, reward_belief};
pub use sequential::{Evidence, Looks, refutes};
pub use stable::{
    Flaw, LAGGING_US, Minute, SEARCH_MINUTES, Stability, StableWindow, WARM_UP_MINUTES, WINDOW_MINUTES, WindowReport,
    WindowRules, first_stable, judge_window,
};
pub use stop::{StepSecond, Stop, StopCondition, StopFigures, StopMargin, StopRules, StopWatch, WatchedStep};
pub use thompson::{Belief, WINNER_P_BEST, WINNER_SESSIONS, p_best, winner};
