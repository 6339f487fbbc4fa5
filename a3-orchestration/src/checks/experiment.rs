//! An experiment of a check: a bandit of its own, with seeded choices, that live traffic never meets.

use std::collections::BTreeMap;

use common::check::{CheckContext, CheckError};
use common::client::Reply;
use common::contract::header;
use common::ids::{AppId, TraceId};
use common::slo::{Interval, clopper_pearson};
use serde_json::{Value, json};

/// The confidence of a share, so that a healthy bandit is blamed in at most one of 10,000 cases.
const CONFIDENCE: f64 = 0.9999;

/// A bandit to try learning on.
pub(super) struct Experiment<'a> {
    cx: &'a CheckContext,
    id: String,
}

/// What was chosen, by name, in order.
pub(super) type Chosen = Vec<String>;

impl<'a> Experiment<'a> {
    pub(super) async fn of(cx: &'a CheckContext, arms: [&str; 2], seed: u32) -> Result<Self, CheckError> {
        let body = json!({ "arms": arms, "seed": seed });
        let reply = cx.client.post(AppId::A3, "/bandit/experiments").json(&body).send().await?;
        let id = reply.pointer("/experiment_id").and_then(|id| id.as_str().map(str::to_owned));
        let id = id.filter(|_| reply.status == 201);
        let id = id.ok_or_else(|| CheckError::Broken(format!("no experiment: {} {}", reply.status, reply.text())))?;
        Ok(Self { cx, id })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Chooses: the arm and the choice.
    pub(super) async fn choose(&self) -> Result<(String, String), CheckError> {
        let path = format!("/bandit/experiments/{}/choose", self.id);
        let reply = self.cx.client.post(AppId::A3, &path).send().await?;
        let text = |pointer: &str| reply.pointer(pointer).and_then(|text| text.as_str().map(str::to_owned));
        let chosen = text("/arm").zip(text("/choice_id"));
        chosen.ok_or_else(|| CheckError::Broken(format!("no choice: {} {}", reply.status, reply.text())))
    }

    /// Says what came of a choice; `outcome` holds the members beside the choice.
    pub(super) async fn reward(&self, choice: &str, outcome: &Value) -> Result<Reply, CheckError> {
        let mut body = outcome.clone();
        body["choice_id"] = json!(choice);
        let reply = self.cx.client.post(AppId::A3, "/bandit/reward").json(&body).send().await?;
        if reply.status == 200 {
            return Ok(reply);
        }
        Err(CheckError::Broken(format!("the reward of a choice: {} {}", reply.status, reply.text())))
    }

    /// Says what came of a session with an arm, or a part of it.
    pub(super) async fn tell(&self, arm: &str, session: &str, outcome: &Value) -> Result<Reply, CheckError> {
        let mut body = outcome.clone();
        body["experiment"] = json!(self.id);
        body["arm"] = json!(arm);
        body["session_id"] = json!(session);
        let reply = self.cx.client.post(AppId::A3, "/bandit/reward").json(&body).send().await?;
        if reply.status == 200 {
            return Ok(reply);
        }
        Err(CheckError::Broken(format!("the reward of a session: {} {}", reply.status, reply.text())))
    }

    /// Chooses so many times and rewards each choice as its arm and number say.
    pub(super) async fn play(&self, times: u32, outcome: impl Fn(&str, u32) -> Value) -> Result<Chosen, CheckError> {
        let mut chosen = Vec::new();
        for number in 0..times {
            let (arm, choice) = self.choose().await?;
            self.reward(&choice, &outcome(&arm, number)).await?;
            chosen.push(arm);
        }
        Ok(chosen)
    }

    /// Chooses so many times, and rewards nothing.
    pub(super) async fn watch(&self, times: u32) -> Result<Chosen, CheckError> {
        let mut chosen = Vec::new();
        for _ in 0..times {
            chosen.push(self.choose().await?.0);
        }
        Ok(chosen)
    }

    /// Rewards each of two arms `each` times as `outcome` says, and leaves further choices unrewarded.
    pub(super) async fn teach_evenly(&self, each: u32, outcome: impl Fn(&str) -> Value) -> Result<(), CheckError> {
        let mut taught: BTreeMap<String, u32> = BTreeMap::new();
        // An arm that is never chosen would make this endless; the floor gives it one choice in twenty.
        for _ in 0..each * 60 {
            let (arm, choice) = self.choose().await?;
            let times = taught.entry(arm.clone()).or_default();
            if *times < each {
                *times += 1;
                self.reward(&choice, &outcome(&arm)).await?;
            }
            if taught.len() == 2 && taught.values().all(|times| *times >= each) {
                return Ok(());
            }
        }
        Err(CheckError::Broken(format!("of two arms with a floor, one is not chosen: {taught:?}")))
    }

    /// The experiment as A3 shows it.
    pub(super) async fn show(&self) -> Result<Reply, CheckError> {
        Ok(self.cx.client.get(AppId::A3, &format!("/bandit?experiment={}", self.id)).send().await?)
    }

    /// A figure of one arm as A3 shows it.
    pub(super) async fn figure(&self, arm: &str, name: &str) -> Result<f64, CheckError> {
        let reply = self.show().await?;
        figure(&reply, arm, name)
    }

    /// Pulls levers in this trace, with the administrator's key.
    pub(super) async fn pull(&self, trace: TraceId, levers: &Value) -> Result<Reply, CheckError> {
        let Some(key) = &self.cx.admin_key else {
            return Err(CheckError::Skip("the target names no `admin_key_env`, which levers need".to_owned()));
        };
        let mut body = levers.clone();
        body["experiment"] = json!(self.id);
        let request = self.cx.client.post(AppId::A3, "/bandit/levers").trace(trace);
        Ok(request.header(header::ADMIN_KEY, key.expose()).json(&body).send().await?)
    }
}

/// A figure of one arm in what A3 shows.
pub(super) fn figure(reply: &Reply, arm: &str, name: &str) -> Result<f64, CheckError> {
    let arms = reply.pointer("/arms").and_then(|arms| arms.as_array().cloned()).unwrap_or_default();
    let own = arms.iter().find(|own| own["arm"] == arm).and_then(|own| own[name].as_f64());
    own.ok_or_else(|| CheckError::Broken(format!("no {name} of {arm}: {} {}", reply.status, reply.text())))
}

/// The exact interval of the share that an arm has of some choices.
pub(super) fn share(chosen: &[String], arm: &str) -> Interval {
    let times = chosen.iter().filter(|own| *own == arm).count();
    clopper_pearson(times as f64, chosen.len() as f64, CONFIDENCE)
}

/// How a share is told: `0.31 to 0.69 of 100`.
pub(super) fn told(interval: Interval, chosen: &[String]) -> String {
    format!("{:.2} to {:.2} of {}", interval.lower, interval.upper, chosen.len())
}
