//! Those whom A3 calls, each through its breaker, and which of them fail side by side.

use common::fault::{Action, Answer, Edge, Rule};
use common::ids::AppId;
use serde_json::Value;

use super::told;

/// Somebody whom A3 calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Party {
    /// Its breaker, `a7`. The rule of its outages has the same name.
    pub(super) breaker: &'static str,
    /// Who answers.
    pub(super) app: AppId,
    /// What answers 503 in an outage.
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// The step of a run that calls it; none for a side job, which a run can do without.
    step: Option<&'static str>,
    /// True if it is asked in the trace of the run.
    pub(super) in_trace: bool,
}

const fn party(breaker: &'static str, app: AppId, path: &'static str, step: Option<&'static str>) -> Party {
    Party { breaker, app, method: "POST", path, step, in_trace: true }
}

/// Parties that fail side by side. None of a front stands before another: the side jobs of S2S auth and A4 are left when a
/// run begins, those of e-mail and the communications center before A2 is asked. All of them share one A3.
pub(super) const FRONTS: [[Party; 3]; 2] = [
    [
        party("a7", AppId::A7, "/api/pages", Some("build_page")),
        // A token belongs to A3 and not to whoever asked for the run.
        Party { in_trace: false, ..party("s2s_auth", AppId::A1, "/oidc/token", None) },
        party("a4", AppId::A4, "/documents/analyze", None),
    ],
    [
        party("scholarship_api", AppId::A2, "/api/v1/events", Some("record_event")),
        // Their stand-ins live on A3's own port.
        party("email", AppId::A3, "/emails", None),
        party("auto_com_center", AppId::A3, "/auto-com/v1/messages", None),
    ],
];

impl Party {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        FRONTS.into_iter().flatten()
    }

    /// Where its proxy stands.
    pub(super) fn edge(self) -> Edge {
        Edge { at: self.app, from: Some(AppId::A3) }
    }

    /// `POST /api/pages`.
    pub(super) fn route(self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The rule of its outage.
    pub(super) fn outage(self) -> Rule {
        Rule::new(self.breaker).on(self.method, self.path).does(Action::Status(Answer::of(503)))
    }

    /// What A3 lists of its attempts at this party for a run, in order.
    pub(super) fn log(self, run: &Value) -> &[Value] {
        let (list, name, wanted) = match self.step {
            Some(step) => ("steps", "name", step),
            None => ("side_jobs", "party", self.breaker),
        };
        let all = run[list].as_array().map(Vec::as_slice).unwrap_or_default();
        let own = all.iter().find(|one| one[name] == wanted);
        own.and_then(|one| one["attempt_log"].as_array()).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The outages in force, through the proxies of an ecosystem.
pub(super) struct Outages<'a> {
    embedded: &'a crate::embedded::Embedded,
    broken: Vec<Party>,
}

impl<'a> Outages<'a> {
    /// Breaks all of them.
    pub(super) fn of(embedded: &'a crate::embedded::Embedded, front: &[Party]) -> Result<Self, String> {
        let outages = Self { embedded, broken: front.to_vec() };
        front.iter().try_for_each(|party| outages.apply(party.edge()))?;
        Ok(outages)
    }

    /// Lets a party answer again.
    pub(super) fn mend(&mut self, party: Party) -> Result<(), String> {
        self.broken.retain(|one| *one != party);
        self.apply(party.edge())
    }

    /// How many requests its outages refused so far.
    pub(super) fn refused(embedded: &crate::embedded::Embedded, party: Party) -> u64 {
        let proxy = embedded.proxy(party.app, Some(AppId::A3));
        proxy.and_then(|proxy| proxy.counts().get(party.breaker).copied()).unwrap_or(0)
    }

    fn apply(&self, edge: Edge) -> Result<(), String> {
        let proxy = self.embedded.proxy(edge.at, edge.from);
        let proxy = proxy.ok_or_else(|| format!("no proxy stands between A3 and {}", edge.at))?;
        let broken = self.broken.iter().filter(|party| party.edge() == edge);
        proxy.replace(common::fault::Rules::of(broken.map(|party| party.outage()).collect()).map_err(told)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn every_breaker_of_a3_has_outages() {
        let names: BTreeSet<_> = Party::all().map(|party| party.breaker).collect();
        let all = ["a4", "a7", "auto_com_center", "email", "s2s_auth", "scholarship_api"];
        assert_eq!(names, BTreeSet::from(all));
    }

    #[test]
    fn a_partys_attempts_are_those_of_its_step_or_of_its_side_job() {
        let run = json!({
            "steps": [{ "name": "build_page", "attempt_log": [1, 2] }, { "name": "record_event", "attempt_log": [3] }],
            "side_jobs": [{ "party": "a4", "attempt_log": [4] }, { "party": "email" }],
        });
        let logged: Vec<_> = Party::all().map(|party| (party.breaker, party.log(&run).len())).collect();
        let wanted =
            [("a7", 2), ("s2s_auth", 0), ("a4", 1), ("scholarship_api", 1), ("email", 0), ("auto_com_center", 0)];
        assert_eq!(logged, wanted);
    }
}
