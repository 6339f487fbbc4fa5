//! How A3 can be broken, and which check must notice.

mod wire;

use common::service::Defect;
use common::suite::Fault;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    let mut all = vec![
        Fault::defect(
            "a3.duplicate_effect",
            "repeats a build under a fresh key, so that one run publishes two pages",
            Defect::A3DuplicateEffect,
            "a3.one_key_one_page",
        ),
        Fault::defect("a3.drops_trace", "calls A2 in a trace of its own", Defect::A3DropsTrace, "a3.trace_reaches_a2"),
        Fault::defect(
            "a3.forgets_the_source",
            "forgets which run and arm published the page that sent a student",
            Defect::A3ForgetsTheSource,
            "a3.attribution_keeps_the_arm",
        ),
        Fault::defect(
            "a3.idempotency_off",
            "starts a new run for every repeat of a request",
            Defect::IdempotencyOff,
            "a3.one_key_one_run",
        ),
        Fault::defect(
            "a3.headers_missing",
            "answers lack the headers that protect browsers",
            Defect::SecurityHeadersMissing,
            "a3.security_headers",
        ),
        Fault::defect("a3.keys_unchecked", "takes any key, or none", Defect::KeysUnchecked, "a3.keys_wanted"),
        Fault::defect(
            "a3.bandit_ignores_rewards",
            "takes rewards and learns nothing from them",
            Defect::A3BanditIgnoresRewards,
            "a3.better_arm_grows",
        ),
        Fault::defect(
            "a3.bandit_prefers_first",
            "chooses the first arm whatever is believed",
            Defect::A3BanditPrefersFirst,
            "a3.equal_arms_stay_even",
        ),
        Fault::defect(
            "a3.failures_teach_nothing",
            "goes on with an arm whose pages answer 503",
            Defect::A3BanditIgnoresRewards,
            "a3.failing_arm_is_left",
        ),
        Fault::defect(
            "a3.complaints_ignored",
            "counts a complaint as nothing",
            Defect::A3ComplaintsIgnored,
            "a3.complaint_costs",
        ),
        Fault::defect(
            "a3.test_rewards_teach",
            "lets tests teach what live traffic meets",
            Defect::A3TestRewardsTeach,
            "a3.test_rewards_teach_nothing",
        ),
        Fault::defect(
            "a3.session_counted_twice",
            "counts each report of a session as a session of its own",
            Defect::A3SessionCountedTwice,
            "a3.session_is_one_reward",
        ),
        Fault::defect(
            "a3.window_ignored",
            "counts what comes long after a session",
            Defect::A3WindowIgnored,
            "a3.session_is_one_reward",
        ),
        Fault::defect(
            "a3.gate_ignored",
            "goes on with an arm that visitors complain of",
            Defect::A3GateIgnored,
            "a3.harm_comes_first",
        ),
        Fault::defect(
            "a3.winner_too_early",
            "calls a winner before each arm has 200 sessions",
            Defect::A3WinnerTooEarly,
            "a3.winner_by_the_rule",
        ),
        Fault::defect("a3.freeze_ignored", "learns on while frozen", Defect::A3FreezeIgnored, "a3.freeze_holds"),
        Fault::defect("a3.floor_ignored", "lets arms fall below their floor", Defect::A3FloorIgnored, "a3.floor_holds"),
    ];
    all.extend(under_failure());
    all.extend(wire::all());
    all
}

/// What shows only while a party fails or after A3 was killed: the claims are those of the resiliency phase.
fn under_failure() -> Vec<Fault> {
    vec![
        Fault::defect(
            "a3.breaker_never_opens",
            "calls a party that fails again and again",
            Defect::A3BreakerNeverOpens,
            "a3.resilience.breaker_opens",
        ),
        Fault::defect(
            "a3.breaker_silent",
            "does not report what its breakers do",
            Defect::A3BreakerSilent,
            "a3.resilience.transitions_reported",
        ),
        Fault::defect(
            "a3.retries_at_once",
            "tries again without a pause",
            Defect::A3RetriesAtOnce,
            "a3.resilience.backoff",
        ),
        Fault::defect(
            "a3.retries_without_jitter",
            "always waits as long as it may, so that all come back together",
            Defect::A3RetriesWithoutJitter,
            "a3.resilience.backoff",
        ),
        Fault::defect(
            "a3.ignores_retry_after",
            "comes back before the time that it was told",
            Defect::A3IgnoresRetryAfter,
            "a3.resilience.retry_after",
        ),
        Fault::defect(
            "a3.forgets_runs",
            "forgets at a start what it had taken on",
            Defect::A3ForgetsRuns,
            "a3.resilience.runs_survive",
        ),
    ]
}
