//! Answers of failure in place of a deployed app's own take a person's leave, as a run's do.

use common::approval::{Action, Answer, Approvers, Register, Request, Scope};
use common::clock::Clock;
use common::fault::{Rules, Upstream};
use common::ids::AppId;

use crate::cli::ProxyArgs;
use crate::run::{self, Desk, RunStore};

/// Who asks, and whether it was granted; a grant holds for as long as the proxy stands.
pub(super) struct Leave {
    /// `None` before an app of this machine, where nobody else is touched.
    asks: Option<Asks>,
    granted: bool,
}

struct Asks {
    desk: Desk,
    run: Option<common::ids::RunId>,
    scope: Scope,
}

impl Leave {
    pub(super) fn of(args: &ProxyArgs, upstream: &Upstream, app: Option<AppId>) -> Self {
        let asks = upstream.is_deployed().then(|| Asks {
            desk: Desk { runs: args.runs.clone(), approvers: args.approvers.clone(), wait: None },
            run: args.run.clone(),
            scope: Scope::new(&args.target, app),
        });
        Self { asks, granted: false }
    }

    /// May these rules be in force?
    ///
    /// # Errors
    /// What to do so that they may, in words.
    pub(super) fn for_rules(&mut self, rules: &Rules) -> Result<(), String> {
        let Some(asks) = self.asks.as_ref().filter(|_| !self.granted && rules.answer_failures()) else { return Ok(()) };
        asks.take()?;
        self.granted = true;
        Ok(())
    }
}

impl Asks {
    fn take(&self) -> Result<(), String> {
        let run = self.run.clone().ok_or_else(|| {
            "these rules answer 500 or more in place of a deployed app, which a person must allow for a run: name the run \
             with --run (docs/approvals.md)"
                .to_owned()
        })?;
        let store = RunStore(self.desk.runs.clone());
        let view = store.view(&run).map_err(|error| error.to_string())?;
        let started = view.started.ok_or_else(|| format!("run {run} broke off before it began"))?;
        let request =
            Request { run, action: Action::Inject503, scope: self.scope.clone(), plan_digest: started.plan_digest() };
        let approvers = Approvers::load(&self.desk.approvers).map_err(|error| error.to_string())?;
        let mut register = Register::open(&self.desk.register(), Clock::system()).map_err(|error| error.to_string())?;
        register.request(&request, 7).map_err(|error| error.to_string())?;
        let answer = register.take(&request, &approvers, &view.approvals).map_err(|error| error.to_string())?;
        let lines = register.lines().to_vec();
        drop(register);
        run::adopt_into(&store.folder(&request.run), lines).map_err(|error| error.to_string())?;
        let held = |why: &str| Err(format!("{why}; grant it with `{}`", self.desk.command(&request)));
        match answer {
            Answer::Granted(_) => Ok(()),
            Answer::Declined { by, reason } => held(&format!("{by} refused such answers, {reason}")),
            Answer::Waiting { .. } => held("nobody has allowed these rules, which answer 500 or more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILS: &str = "rules:\n  - id: down\n    do: [{ status: { code: 503 } }]\n";
    const SLOW: &str = "rules:\n  - id: slow\n    do: [{ delay: { ms: 5 } }]\n";

    fn leave(is_deployed: bool) -> Leave {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk { runs: folder.path().join("runs"), approvers: folder.path().join("nobody.yaml"), wait: None };
        let asks = Asks { desk, run: None, scope: Scope::new("staging", [AppId::A6]) };
        Leave { asks: is_deployed.then_some(asks), granted: false }
    }

    #[test]
    fn answers_of_failure_before_a_deployed_app_need_a_run_that_a_person_allowed_them_for() {
        let rules = |text| Rules::parse("rules.yaml", text).unwrap();
        leave(false).for_rules(&rules(FAILS)).unwrap();
        leave(true).for_rules(&rules(SLOW)).unwrap();
        assert!(leave(true).for_rules(&rules(FAILS)).unwrap_err().contains("name the run with --run"));
    }
}
