//! Nothing that the apps log, and no text that the run writes, may hold an identity or a key.

use std::collections::BTreeSet;

use common::ids::{AppId, RunId};
use common::settings::{Secret, Settings};
use common::slo::Reason;
use common::verdict::{Claim, Confirmation, Figures, Ruling, Verdict};

use super::PHASE;
use super::canary::Canary;
use super::files::{self, Found, Kind, MOST_BYTES, Seen};
use super::scan::{Hit, Looked, Needle, Needles, scan};
use crate::record::Record;
use crate::report;
use crate::run::{Run, RunError, data};

/// Hits and files that a ruling names; the others are counted.
const NAMED: usize = 3;
const RERUN: &str = "cargo xtask suite learning";
/// Names of synthetic people that contracts show and workloads send as a subject. Whoever writes a contract down shows them;
/// an app that logs one would log a student's.
const NAMES: [&str; 2] = ["test_student_e2e_01", "test_provider_e2e_01"];

/// What files were looked through, and which were not.
#[derive(Default)]
struct Search {
    files: usize,
    lines: usize,
    hits: Vec<Hit>,
    /// Only their beginning was.
    cut: Vec<String>,
    /// No texts.
    binary: Vec<String>,
}

/// Rules on each app's logs, and on what the run writes.
pub(super) fn rule(run: &mut Run) -> Result<(), RunError> {
    let Some(run_id) = run.view.started.as_ref().map(|started| started.run_id.clone()) else { return Ok(()) };
    run.sync()?;
    let files = files::below(run.folder()).map_err(RunError::Configuration)?;
    let needles = Needles::new(of_logs(run, &run_id));
    for app in run.plan.apps() {
        let claim = claim(app, "log", "writes no identity, password or key into its log".to_owned());
        let own: Vec<_> = files.iter().filter(|file| file.kind == Kind::Log(app)).collect();
        let ruling = if own.is_empty() {
            let reason = format!("the log of {app} lies where it runs: scan it there");
            let line = format!("not tried: {reason}");
            Ruling::new(claim, Verdict::Skipped { reason }, line, RERUN)
        } else {
            judge(claim, &Search::of(&own, &needles)?)
        };
        run.record(Record::Ruled(ruling))?;
    }
    run.sync()?;
    let claim =
        claim(AppId::A8, "artifacts", "no text that the run writes holds an identity, password or key".to_owned());
    let searched = written(run, &files, &run_id)?;
    run.record(Record::Ruled(judge(claim, &searched)))
}

/// The first identity or key in an app's log so far, in words.
pub(crate) fn leak(run: &Run) -> Result<Option<(AppId, String)>, RunError> {
    let Some(started) = &run.view.started else { return Ok(None) };
    let needles = Needles::new(of_logs(run, &started.run_id));
    let files = files::below(run.folder()).map_err(RunError::Configuration)?;
    for file in &files {
        let Kind::Log(app) = file.kind else { continue };
        if let Some(hit) = Search::of(&[file], &needles)?.hits.first() {
            return Ok(Some((app, hit.words())));
        }
    }
    Ok(None)
}

/// The record of the run so far with whatever else it wrote, and its reports as they would be written now.
fn written(run: &Run, files: &[Found], run_id: &RunId) -> Result<Search, RunError> {
    let needles = Needles::new(of_artifacts(run, run_id));
    let own: Vec<_> = files.iter().filter(|file| file.kind == Kind::Artifact).collect();
    let mut search = Search::of(&own, &needles)?;
    for artifact in report::render_all(&run.view) {
        let looked = scan(&artifact.path, artifact.bytes.as_slice(), &needles);
        search.add(looked.map_err(|error| RunError::Configuration(format!("{}: {error}", artifact.path)))?);
    }
    Ok(search)
}

/// What was sent to the apps, the keys that the run was given, and the passwords and addresses of synthetic people.
fn of_artifacts(run: &Run, run_id: &RunId) -> Vec<Needle> {
    let sent = AppId::ALL.into_iter().flat_map(|app| Canary::of(run_id, app).needles());
    let mut needles: Vec<Needle> = sent.map(|(what, text)| Needle::new(what, text)).collect();
    needles.extend(people(run, |field| !field.contains("name")));
    let mut add = |what: &str, key: Option<&Secret>| {
        if let Some(key) = key.filter(|key| key.expose().len() >= 8) {
            needles.push(Needle::new(what, key.expose()));
        }
    };
    add("the telemetry key", run.context.telemetry_key.as_ref());
    add("the administrator's key", run.context.admin_key.as_ref());
    let settings = Settings::process();
    for secret in &run.view.inventory.secrets {
        add(&secret.name, settings.secret(&secret.name).ok().flatten().as_ref());
    }
    needles
}

/// The same and the names of synthetic people.
fn of_logs(run: &Run, run_id: &RunId) -> Vec<Needle> {
    let names = NAMES.map(|name| Needle::new("the name of a synthetic person", name));
    let others = people(run, |field| field.contains("name"));
    of_artifacts(run, run_id).into_iter().chain(names).chain(others).collect()
}

fn people(run: &Run, wanted: fn(&str) -> bool) -> impl Iterator<Item = Needle> {
    // The run's own apps have the committed people whatever else is fed; they may be gone when this is asked.
    let embedded = run.plan.target == "embedded";
    let fields = data::people(&run.data, embedded)
        .into_iter()
        .filter(move |(field, text)| wanted(field) && !NAMES.contains(&text.as_str()));
    fields.map(|(field, text)| Needle::new(format!("the {field} of a synthetic person"), text))
}

impl Search {
    fn of(files: &[&Found], needles: &Needles) -> Result<Self, RunError> {
        let mut search = Self::default();
        for file in files {
            match file.look(needles, MOST_BYTES).map_err(RunError::Configuration)? {
                Seen::Whole(looked) => search.add(looked),
                Seen::Cut(looked) => {
                    search.cut.push(file.name.clone());
                    search.add(looked);
                }
                Seen::Binary => search.binary.push(file.name.clone()),
            }
        }
        Ok(search)
    }

    fn add(&mut self, looked: Looked) {
        self.files += 1;
        self.lines += looked.lines;
        self.hits.extend(looked.hits);
    }

    /// What was found, and what was not looked at.
    fn line(&self) -> String {
        let files = report::plural(self.files, "file");
        let hits: Vec<_> = self.hits.iter().map(Hit::words).collect();
        let line = match hits.as_slice() {
            [] => format!("{} lines of {files} hold none of what was sent and no key", self.lines),
            hits => format!("found in {} lines of {files}: {}", self.lines, named(hits, "; ")),
        };
        match self.binary.as_slice() {
            [] => line,
            binary => format!("{line}; not looked into, as no text: {}", named(binary, ", ")),
        }
    }
}

fn named(list: &[String], between: &str) -> String {
    let named = list.iter().take(NAMED).cloned().collect::<Vec<_>>().join(between);
    if list.len() > NAMED { format!("{named} and {} more", list.len() - NAMED) } else { named }
}

fn judge(claim: Claim, searched: &Search) -> Ruling {
    let line = searched.line();
    let bad = searched.hits.iter().map(|hit| hit.file.as_str()).collect::<BTreeSet<_>>().len();
    // A file is seen as a whole, so one that is empty is seen too: healthy apps have little to log.
    let Some(figures) = Figures::counted("files", searched.files as u64, bad.min(searched.files) as u64) else {
        return Ruling::new(claim, Verdict::nothing_seen("files", "a file that is written"), line, RERUN);
    };
    let verdict = if bad > 0 {
        Verdict::Fail { figures, traces: Vec::new() }
    } else if searched.cut.is_empty() {
        let why = "who reads a file sees what is in it".to_owned();
        Verdict::Pass { figures, second: Confirmation::SingleSource { why } }
    } else {
        let observed = format!("the first {} MiB of {}", MOST_BYTES >> 20, named(&searched.cut, ", "));
        Verdict::Inconclusive {
            reason: Reason::TooFew,
            figures: Some(figures),
            observed,
            required: "all of it, or a shorter run".into(),
        }
    };
    Ruling::new(claim, verdict, line, RERUN)
}

fn claim(app: AppId, what: &str, text: String) -> Claim {
    Claim {
        id: format!("{}.safety.{what}", app.lower()),
        app,
        phase: PHASE,
        text,
        kind: "safety".into(),
        gate: true,
        known_issue: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(text: &str) -> Search {
        let needles = Needles::new(vec![Needle::new("a password that was sent to A1", "canary-password-1")]);
        let mut search = Search::default();
        search.add(scan("a1.log", text.as_bytes(), &needles).unwrap());
        search
    }

    fn judged(search: &Search) -> Ruling {
        judge(claim(AppId::A1, "log", "x".into()), search)
    }

    #[test]
    fn one_password_in_a_log_is_a_failure_that_names_the_line_and_not_the_password() {
        let ruling = judged(&searched("fine\nrefused canary-password-1\n"));
        assert!(ruling.verdict.is_fail());
        assert!(ruling.explanation.contains("a1.log, line 2"), "{}", ruling.explanation);
        assert!(!ruling.explanation.contains("canary-password-1"));
        assert!(judged(&searched("fine\n")).verdict.is_pass());
    }

    #[test]
    fn what_was_not_looked_at_is_told_and_half_a_file_is_no_pass() {
        let whole = Search { binary: vec!["browser/trace.zip".into()], ..searched("fine\n") };
        let ruling = judged(&whole);
        assert!(ruling.verdict.is_pass() && ruling.explanation.ends_with("as no text: browser/trace.zip"));
        let cut = Search { cut: vec!["data/a2.log".into()], ..searched("fine\n") };
        assert!(matches!(judged(&cut).verdict, Verdict::Inconclusive { .. }));
        assert!(matches!(judged(&Search::default()).verdict, Verdict::Inconclusive { .. }));
    }
}
