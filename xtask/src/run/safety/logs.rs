//! Nothing that the apps log, and nothing that the run writes, may hold an identity or a key.

use std::path::PathBuf;

use common::ids::{AppId, RunId};
use common::settings::{Secret, Settings};
use common::verdict::{Claim, Confirmation, Figures, Ruling, Verdict};

use super::PHASE;
use super::canary::Canary;
use super::scan::{Hit, Needle, scan};
use crate::record::Record;
use crate::report;
use crate::run::{Run, RunError};

/// Hits that a ruling names; the others are counted.
const NAMED: usize = 3;

/// A file that was looked through.
struct Looked {
    lines: usize,
    hits: Vec<Hit>,
}

/// Rules on each app's log, and on what the run writes.
pub(super) fn rule(run: &mut Run) -> Result<(), RunError> {
    let Some(run_id) = run.view.started.as_ref().map(|started| started.run_id.clone()) else { return Ok(()) };
    let needles = needles(run, &run_id);
    for app in run.plan.apps() {
        let file = run.folder().join("data").join(format!("{}.log", app.lower()));
        let file = file.is_file().then_some(file);
        let claim = claim(app, "log", format!("{app} writes no identity, password or key into its log"));
        let ruling = match file {
            Some(file) => read(&file, &needles).map(|looked| judge(claim.clone(), &[looked])),
            None => Err(format!("the log of {app} lies where it runs: scan it there")),
        };
        let ruling = ruling.unwrap_or_else(|reason| {
            let line = format!("not tried: {reason}");
            Ruling::new(claim, Verdict::Skipped { reason }, line, RERUN)
        });
        run.record(Record::Ruled(ruling))?;
    }
    run.sync()?;
    let claim =
        claim(AppId::A8, "artifacts", "nothing that the run writes holds an identity, password or key".to_owned());
    let written = written(run, &needles).map_err(RunError::Configuration)?;
    run.record(Record::Ruled(judge(claim, &written)))
}

const RERUN: &str = "cargo xtask suite learning";

/// What was sent to the apps, and the keys that the run was given.
fn needles(run: &Run, run_id: &RunId) -> Vec<Needle> {
    let sent = AppId::ALL.into_iter().flat_map(|app| Canary::of(run_id, app).needles());
    let mut needles: Vec<Needle> = sent.map(|(what, text)| Needle::new(what, text)).collect();
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

/// The record of the run so far, and its reports as they would be written now.
fn written(run: &Run, needles: &[Needle]) -> Result<Vec<Looked>, String> {
    let entries = std::fs::read_dir(run.folder()).map_err(|error| format!("{}: {error}", run.folder().display()))?;
    let files = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).filter(|path| path.is_file());
    let mut looked = files.map(|file| read(&file, needles)).collect::<Result<Vec<_>, _>>()?;
    looked.extend(report::render_all(&run.view).iter().map(|artifact| look(&artifact.path, &artifact.bytes, needles)));
    Ok(looked)
}

fn read(file: &PathBuf, needles: &[Needle]) -> Result<Looked, String> {
    let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(look(&name, &bytes, needles))
}

fn look(name: &str, bytes: &[u8], needles: &[Needle]) -> Looked {
    Looked { lines: bytes.split(|byte| *byte == b'\n').count(), hits: scan(name, bytes, needles) }
}

fn judge(claim: Claim, looked: &[Looked]) -> Ruling {
    let lines: usize = looked.iter().map(|one| one.lines).sum();
    let hits: Vec<&Hit> = looked.iter().flat_map(|one| &one.hits).collect();
    let named = hits.iter().take(NAMED).map(|hit| hit.words()).collect::<Vec<_>>().join("; ");
    let more = if hits.len() > NAMED { format!(" and {} more", hits.len() - NAMED) } else { String::new() };
    let files = report::plural(looked.len(), "file");
    let line = if hits.is_empty() {
        format!("{lines} lines of {files} hold none of what was sent and no key")
    } else {
        format!("found in {lines} lines of {files}: {named}{more}")
    };
    let Some(figures) = Figures::counted("lines", lines as u64, hits.len().min(lines) as u64) else {
        return Ruling::new(claim, Verdict::nothing_seen("lines", "a file that is written"), line, RERUN);
    };
    let verdict = if hits.is_empty() {
        let why = "who reads a file sees what is in it".to_owned();
        Verdict::Pass { figures, second: Confirmation::SingleSource { why } }
    } else {
        Verdict::Fail { figures, traces: Vec::new() }
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

    fn judged(text: &str) -> Ruling {
        let needles = [Needle::new("a password that was sent to A1", "canary-password-1")];
        judge(claim(AppId::A1, "log", "x".into()), &[look("a1.log", text.as_bytes(), &needles)])
    }

    #[test]
    fn one_password_in_a_log_is_a_failure_that_names_the_line_and_not_the_password() {
        let ruling = judged("fine\nrefused canary-password-1\n");
        assert!(ruling.verdict.is_fail());
        assert!(ruling.explanation.contains("a1.log, line 2"), "{}", ruling.explanation);
        assert!(!ruling.explanation.contains("canary-password-1"));
        assert!(judged("fine\n").verdict.is_pass());
    }
}
