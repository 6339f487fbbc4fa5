//! What is asserted about A3 over HTTP.

mod attribution;
mod experiment;
mod facts;
mod learning;
mod levers;
mod once;
mod parties;
mod runs;
mod sessions;
mod trail;

use common::check::{Check, CheckContext, CheckError};
use common::client::Reply;
use common::ids::{AppId, TraceId};
use serde_json::{Value, json};

/// A3's checks.
pub(crate) fn all() -> Vec<Check> {
    let learns = learning().into_iter().chain(levers()).map(|check| check.phase(6));
    runs().into_iter().chain(learns).collect()
}

fn learning() -> Vec<Check> {
    vec![
        Check::new("a3.better_arm_grows", "an arm that earns more is chosen more", |cx| {
            Box::pin(learning::better_arm_grows(cx))
        }),
        Check::new("a3.equal_arms_stay_even", "arms that earned the same are chosen alike", |cx| {
            Box::pin(learning::equal_arms_stay_even(cx))
        }),
        Check::new("a3.failing_arm_is_left", "an arm whose pages answer 503 is left", |cx| {
            Box::pin(learning::failing_arm_is_left(cx))
        }),
        Check::new("a3.complaint_costs", "a complaint makes the belief of its arm worse", |cx| {
            Box::pin(learning::complaint_costs(cx))
        }),
        Check::new("a3.choice_is_rewarded_once", "a choice has one reward", |cx| {
            Box::pin(learning::choice_is_rewarded_once(cx))
        }),
        Check::new("a3.session_is_one_reward", "a session has one reward, within its window", |cx| {
            Box::pin(sessions::session_is_one_reward(cx))
        }),
        Check::new("a3.harm_comes_first", "an arm with too many complaints is left, whatever it earns", |cx| {
            Box::pin(sessions::harm_comes_first(cx))
        }),
        Check::new("a3.winner_by_the_rule", "a winner needs a P(best) of 95 % and 200 sessions of each arm", |cx| {
            Box::pin(sessions::winner_by_the_rule(cx))
        }),
    ]
}

fn levers() -> Vec<Check> {
    vec![
        Check::new("a3.freeze_holds", "a frozen bandit chooses as it did, whatever is rewarded", |cx| {
            Box::pin(levers::freeze_holds(cx))
        }),
        Check::new("a3.floor_holds", "every arm has at least its floor", |cx| Box::pin(levers::floor_holds(cx))),
        Check::new("a3.reset_forgets", "a reset bandit believes nothing", |cx| Box::pin(levers::reset_forgets(cx))),
        Check::new("a3.config_reaches_a8", "A8 is told the weights that A3 shows", |cx| {
            Box::pin(levers::config_reaches_a8(cx))
        }),
        Check::new("a3.journal_keeps_levers", "who pulled a lever is kept, and tests are no interventions", |cx| {
            Box::pin(levers::journal_keeps_levers(cx))
        }),
        Check::new("a3.autonomy_clock_runs", "the minutes without a person are counted", |cx| {
            Box::pin(levers::autonomy_clock_runs(cx))
        }),
    ]
}

fn runs() -> Vec<Check> {
    let needs: &[AppId] = &[AppId::A2, AppId::A7];
    vec![
        Check::new("a3.preflight_tells", "the preflight names every app that a run needs", |cx| {
            Box::pin(facts::preflight_tells(cx))
        })
        .phase(1),
        Check::new("a3.breakers_listed", "there is a breaker before each party that A3 calls", |cx| {
            Box::pin(facts::breakers_listed(cx))
        })
        .phase(1),
        Check::new("a3.test_rewards_teach_nothing", "a reward of a test run changes no belief", |cx| {
            Box::pin(facts::test_rewards_teach_nothing(cx))
        })
        .phase(6),
        Check::new("a3.run_completes", "a run ends in time and names its page", |cx| Box::pin(runs::completes(cx)))
            .needs(needs),
        Check::new("a3.one_key_one_run", "20 requests at once with one key start one run", |cx| {
            Box::pin(once::one_key_one_run(cx))
        })
        .needs(needs),
        Check::new("a3.one_key_one_page", "20 requests at once with one key publish one page", |cx| {
            Box::pin(once::one_key_one_page(cx))
        })
        .needs(needs),
        Check::new("a3.progress_reaches_a8", "every step of a run is in A8's lineage of its trace", |cx| {
            Box::pin(trail::progress_reaches_a8(cx))
        })
        .needs(needs),
        Check::new(
            "a3.attribution_keeps_the_arm",
            "a run that a page led to names the run and arm that published the page, as does its event in A2",
            |cx| Box::pin(attribution::keeps_the_arm(cx)),
        )
        .phase(3)
        .needs(needs),
        Check::new("a3.side_jobs_end", "what a run can do without is done, or dropped with a reason", |cx| {
            Box::pin(parties::side_jobs_end(cx))
        })
        .phase(6)
        .needs(needs),
        Check::new("a3.trace_reaches_a2", "what a run did is in A2's lineage of its trace", |cx| {
            Box::pin(trail::trace_reaches_a2(cx))
        })
        .needs(needs),
        Check::new(
            "a3.security_headers",
            "no answer lacks a header that protects browsers, or tells of the inside",
            |cx| Box::pin(async move { common::check::security_headers(&cx, &crate::contract()).await }),
        )
        .phase(6),
        Check::new("a3.keys_wanted", "routes that want a key take no other, and repeat none", |cx| {
            Box::pin(async move { common::check::keys_wanted(&cx, &crate::contract()).await })
        })
        .phase(6),
    ]
}

/// What a check asks A3 to make.
fn asked(title: &str) -> Value {
    json!({ "title": title, "summary": "A page that a check asked for." })
}

/// Takes a run on in this trace, and gives the answer.
async fn start(cx: &CheckContext, trace: TraceId, title: &str) -> Result<Reply, CheckError> {
    let request = cx.client.post(AppId::A3, "/orchestration/run").trace(trace);
    Ok(request.json(&asked(title)).send().await?)
}

/// Follows a run until it has ended; `None` if it has not within the check's patience.
async fn until_ended(cx: &CheckContext, run_id: &str) -> Result<Option<Reply>, CheckError> {
    let path = format!("/orchestration/runs/{run_id}");
    let look = || async {
        let reply = cx.client.get(AppId::A3, &path).send().await?;
        let ended = matches!(reply.pointer("/state"), Some(state) if state == "completed" || state == "failed");
        Ok(ended.then_some(reply))
    };
    Ok(cx.eventually(look).await?)
}

/// The run that an answer names.
fn run_id(reply: &Reply) -> Result<String, CheckError> {
    let id = reply.pointer("/run_id").and_then(|id| id.as_str().map(str::to_owned));
    id.ok_or_else(|| CheckError::Broken(format!("no `run_id` in {} {}", reply.status, reply.text())))
}

/// The events of this name in A8's lineage of a trace, all apps together.
async fn named_in_a8(cx: &CheckContext, trace: TraceId, name: &str) -> Result<Vec<Value>, CheckError> {
    let reply = cx.client.get(AppId::A8, &format!("/api/lineage/{trace}")).send().await?;
    let events = reply.pointer("/events").and_then(|events| events.as_array().cloned()).unwrap_or_default();
    Ok(events.into_iter().map(|seen| seen["event"].clone()).filter(|event| event["event"] == name).collect())
}
