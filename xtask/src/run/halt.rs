//! What ends a run at once, whatever it has not tried yet: findings after which going on would do harm or show nothing.
//!
//! Looked for before each phase begins. The conditions that end a single load while it runs stand in `common::slo`.

use std::fmt;

use common::ids::AppId;
use common::verdict::{Claim, Figures, Ruling, Verdict};

use super::{Run, RunError, safety};
use crate::record::{PlannedPhase, Record, RunView};
use crate::report;

/// Why a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    SecurityFinding,
    ComplianceBreach,
    SchemaDrift,
    NotApproved,
}

/// The claims of which a failure ends the run, by what follows the app in their id.
const CLAIMS: [(&str, Condition); 12] = [
    // Strangers get in, or as somebody else.
    ("keys_wanted", Condition::SecurityFinding),
    ("key_required", Condition::SecurityFinding),
    ("pkce", Condition::SecurityFinding),
    ("code_once", Condition::SecurityFinding),
    ("refresh", Condition::SecurityFinding),
    ("redirect_exact", Condition::SecurityFinding),
    ("webhook_refuses", Condition::SecurityFinding),
    // Keys and people can be read where they must not be.
    ("safety.log", Condition::SecurityFinding),
    ("safety.artifacts", Condition::SecurityFinding),
    // An essay is written for a student.
    ("integrity", Condition::ComplianceBreach),
    // Routes or events are not what the contract says, so nothing else that is measured means what it seems to.
    ("conformance", Condition::SchemaDrift),
    ("refuses_bad_events", Condition::SchemaDrift),
];

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecurityFinding => "P0 security finding",
            Self::ComplianceBreach => "compliance breach",
            Self::SchemaDrift => "schema drift",
            Self::NotApproved => "a restricted action without approval",
        })
    }
}

/// What was found that ends a run.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    condition: Condition,
    app: AppId,
    /// `a6.keys_wanted: 3 of 40 assertions broken; …`.
    what: String,
}

/// Ends the run if something was found that does: rules that it stopped, and skips the phases that are left. True if so.
pub(super) fn ends(run: &mut Run, left: &[PlannedPhase]) -> Result<bool, RunError> {
    let Some(found) = found(run)? else { return Ok(false) };
    end(run, &found, left)?;
    Ok(true)
}

/// After the last phase nothing is left to spare; what no claim of its own tells still has to be ruled on.
pub(super) fn at_end(run: &mut Run) -> Result<(), RunError> {
    match of_record(&run.view).filter(|found| found.condition == Condition::NotApproved) {
        Some(found) => end(run, &found, &[]),
        None => Ok(()),
    }
}

fn end(run: &mut Run, found: &Finding, left: &[PlannedPhase]) -> Result<(), RunError> {
    let why = format!("stopped at once by {}", found.condition);
    let phase = run.view.phases.last().map_or(0, |phase| phase.phase);
    let tried = match left {
        [] => "nothing was left to try".to_owned(),
        [one] => format!("phase {} was not tried", one.phase),
        _ => {
            let numbers: Vec<_> = left.iter().map(|phase| phase.phase.to_string()).collect();
            format!("phases {} were not tried", numbers.join(", "))
        }
    };
    let line = format!("{why}: {}; {tried}", found.what);
    run.note(phase, Some(found.app), &line)?;
    let claim = claim(found, "stopped".to_owned(), phase, "shows nothing that ends a run at once".to_owned());
    let rerun = rerun(&run.plan.command);
    if let Some(figures) = Figures::counted("findings", 1, 1) {
        let verdict = Verdict::Fail { figures, traces: Vec::new() };
        run.record(Record::Ruled(Ruling::new(claim, verdict, line, &rerun)))?;
    }
    for planned in left {
        let text = format!("lets phase {}, {}, be tried", planned.phase, planned.title);
        let claim = self::claim(found, format!("stopped.phase{}", planned.phase), planned.phase, text);
        let verdict = Verdict::Skipped { reason: why.clone() };
        run.record(Record::Ruled(Ruling::new(claim, verdict, format!("not tried: {why}"), &rerun)))?;
    }
    Ok(())
}

fn found(run: &Run) -> Result<Option<Finding>, RunError> {
    if let Some(finding) = of_record(&run.view) {
        return Ok(Some(finding));
    }
    let leak = safety::leak(run)?;
    Ok(leak.map(|(app, what)| Finding { condition: Condition::SecurityFinding, app, what }))
}

/// What the record says so far.
fn of_record(view: &RunView) -> Option<Finding> {
    let unapproved =
        report::unapproved(view).map(|(app, what)| Finding { condition: Condition::NotApproved, app, what });
    let failed = view.rulings.iter().filter(|ruling| ruling.claim.gate && ruling.verdict.is_fail());
    let ended = failed.filter_map(|ruling| {
        let condition = condition(&ruling.claim.id).filter(|_| is_shown(view, &ruling.claim.id))?;
        let what = format!("{}: {}", ruling.claim.id, ruling.explanation);
        Some(Finding { condition, app: ruling.claim.app, what })
    });
    unapproved.into_iter().chain(ended).next()
}

/// An app that did not answer a check to its end has failed it, and has shown nothing of what the check is about.
fn is_shown(view: &RunView, id: &str) -> bool {
    view.checks.iter().filter(|(_, report)| report.id == id).all(|(_, report)| report.refutes())
}

/// What a failure of this claim is, if it ends a run.
fn condition(id: &str) -> Option<Condition> {
    let (_, what) = id.split_once('.')?;
    CLAIMS.iter().find(|(name, _)| *name == what).map(|(_, condition)| *condition)
}

fn claim(found: &Finding, what: String, phase: u8, text: String) -> Claim {
    Claim {
        id: format!("{}.{what}", found.app.lower()),
        app: found.app,
        phase,
        text,
        kind: "stop".into(),
        gate: true,
        known_issue: None,
    }
}

fn rerun(command: &str) -> String {
    format!("cargo xtask {command}")
}

#[cfg(test)]
mod tests {
    use common::check::CheckReport;

    use super::*;
    use crate::report::fixture;
    use crate::suites;

    fn with(id: &str, fails: bool) -> RunView {
        let mut view = fixture::view();
        view.shapes.clear();
        view.rulings.retain(|ruling| ruling.verdict.is_pass());
        let figures = Figures::counted("assertions", 4, u64::from(fails)).unwrap();
        let verdict = if fails {
            Verdict::Fail { figures, traces: Vec::new() }
        } else {
            Verdict::Skipped { reason: "the target has no A8".into() }
        };
        let app = id.split('.').next().unwrap().parse().unwrap();
        let nothing = Finding { condition: Condition::SchemaDrift, app, what: String::new() };
        let claim = claim(&nothing, id.split_once('.').unwrap().1.to_owned(), 2, "x".into());
        view.rulings.push(Ruling::new(claim, verdict, "1 of 4 assertions broken", ""));
        view
    }

    #[test]
    fn a_failure_of_a_claim_of_the_table_ends_a_run_and_what_was_not_tried_does_not() {
        let found = of_record(&with("a6.keys_wanted", true)).unwrap();
        assert_eq!((found.condition, found.app), (Condition::SecurityFinding, AppId::A6));
        assert_eq!(found.what, "a6.keys_wanted: 1 of 4 assertions broken");
        assert_eq!(of_record(&with("a4.integrity", true)).unwrap().condition, Condition::ComplianceBreach);
        assert_eq!(of_record(&with("a8.refuses_bad_events", true)).unwrap().condition, Condition::SchemaDrift);
        assert_eq!(of_record(&with("a6.keys_wanted", false)), None);
        assert_eq!(of_record(&with("a6.quote_golden", true)), None);
    }

    #[test]
    fn a_check_that_was_cut_short_ends_nothing() {
        let mut view = with("a6.conformance", true);
        let report = |what: &str| CheckReport {
            id: "a6.conformance".into(),
            claim: String::new(),
            app: AppId::A6,
            findings: vec![common::check::Finding::broken(what, "an answer", "a timeout")],
            skipped: None,
            took_us: common::units::Micros(1),
        };
        view.checks.push((2, report("the check can be carried out")));
        assert_eq!(of_record(&view), None);
        view.checks.pop();
        view.checks.push((2, report("POST /register without a trace")));
        assert_eq!(of_record(&view).unwrap().condition, Condition::SchemaDrift);
    }

    #[test]
    fn a_restricted_action_that_nobody_granted_ends_a_run() {
        let mut view = fixture::view();
        view.rulings.clear();
        let found = of_record(&view).unwrap();
        assert_eq!((found.condition, found.app), (Condition::NotApproved, AppId::A2), "its ramp ends at 61 users");
        view.shapes.clear();
        assert_eq!(of_record(&view), None, "its outages were granted");
        view.approvals.clear();
        let found = of_record(&view).unwrap();
        assert_eq!((found.condition, found.app), (Condition::NotApproved, AppId::A3));
        assert!(found.what.contains("503"), "{}", found.what);
    }

    #[test]
    fn every_claim_of_the_table_is_one_that_some_app_makes() {
        let checks: Vec<_> = AppId::ALL.into_iter().flat_map(|app| suites::suite(app).checks).collect();
        let made = |name: &str| checks.iter().any(|check| check.id.split_once('.').is_some_and(|(_, own)| own == name));
        let missing: Vec<_> =
            CLAIMS.iter().map(|(name, _)| *name).filter(|name| !name.starts_with("safety.") && !made(name)).collect();
        assert_eq!(missing, Vec::<&str>::new());
    }
}
