//! What a run's plan is to those who approve parts of it.

use common::signing::sha256;
use serde_json::json;

use super::RunStarted;

/// The target whose apps the harness starts itself, at addresses of the day.
const EMBEDDED: &str = "embedded";

impl RunStarted {
    /// `sha256:…` of the plan: what runs against what, by which version. Not of when, nor of what machine.
    pub(crate) fn plan_digest(&self) -> String {
        let apps: Vec<_> = self
            .apps
            .iter()
            .map(|(app, url)| if self.target == EMBEDDED { json!(app) } else { json!([app, url]) })
            .collect();
        let phases: Vec<_> = self.phases.iter().map(|phase| json!([phase.phase, phase.title])).collect();
        let plan = json!({
            "run": self.run_id,
            "command": self.command,
            "scenario": self.scenario,
            "check": self.check,
            "target": self.target,
            "profile": self.profile,
            "version": self.version,
            "apps": apps,
            "phases": phases,
            "defects": self.defects,
        });
        sha256(plan.to_string().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn started() -> RunStarted {
        fixture::view().started.unwrap()
    }

    #[test]
    fn another_plan_has_another_digest_and_another_day_or_port_has_not() {
        let own = started().plan_digest();
        let of = |change: fn(&mut RunStarted)| {
            let mut started = started();
            change(&mut started);
            started.plan_digest()
        };
        let changes: [fn(&mut RunStarted); 8] = [
            |run| run.command = "suite a2".into(),
            |run| run.scenario = Some("a2_spike".into()),
            |run| run.check = Some("a2.x".into()),
            |run| run.target = "staging".into(),
            |run| run.profile = "full".into(),
            |run| run.version = "9.9.9".into(),
            |run| run.defects.push("a2:p95_ms=195".into()),
            |run| drop(run.phases.pop()),
        ];
        for (at, change) in changes.into_iter().enumerate() {
            assert_ne!(of(change), own, "change {at}");
        }
        assert_eq!(of(|run| run.at = "2026-11-22T00:00:00.000Z".into()), own);
        assert_eq!(of(|run| run.apps.values_mut().for_each(|url| *url = "http://127.0.0.1:1/".into())), own);
    }

    #[test]
    fn elsewhere_the_addresses_are_part_of_the_plan() {
        let of = |url: &str| {
            let mut run = started();
            run.target = "staging".into();
            run.apps.values_mut().for_each(|own| *own = url.to_owned());
            run.plan_digest()
        };
        assert_ne!(of("https://a.example.com/"), of("https://b.example.com/"));
    }
}
