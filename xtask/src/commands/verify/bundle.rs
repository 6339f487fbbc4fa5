//! A bundle: signatures, digests, completeness, the chains inside it, and that its reports say what its record says.

use std::path::Path;

use common::evidence::{Bundle, Subject, open};
use common::ledger::LEDGER_FILE;
use common::signing::PublicKey;

use super::{Seen, approvals, record};
use crate::evidence::{place, planned, subject};
use crate::record::RunView;
use crate::report::{APPROVALS_LOG, render_all};
use crate::run;

pub(super) fn check(path: &Path, key: Option<&Path>) -> Result<Seen, String> {
    let shown = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let expected = key.map(read_key).transpose()?;
    let bundle = open(&bytes).map_err(|error| shown(&error))?;
    let mut problems = bundle.problems(expected.as_ref());
    let folder = tempfile::tempdir().map_err(|error| format!("cannot make a folder: {error}"))?;
    let mut facts = facts(&bundle, expected.is_some());
    match inside(&bundle, LEDGER_FILE, folder.path(), record)? {
        Some((seen, at)) => {
            problems.extend(seen.problems.into_iter().map(|problem| format!("{LEDGER_FILE}: {problem}")));
            match run::view(&at) {
                Ok(view) => {
                    problems.extend(said(&bundle, &view, &at));
                    match uncompared(&view) {
                        None => problems.extend(rendered_otherwise(&bundle, &view)),
                        Some(why) => facts.push(why),
                    }
                }
                Err(error) => problems.push(error.to_string()),
            }
        }
        None => problems.push(format!("{LEDGER_FILE} is missing: nothing shows where the reports come from")),
    }
    let log = format!("reports/{APPROVALS_LOG}");
    match inside(&bundle, &log, folder.path(), approvals)? {
        Some((seen, _)) => {
            problems.extend(seen.problems.into_iter().map(|problem| format!("{log}: {problem}")));
            facts.extend(seen.facts.first().map(|fact| format!("approvals: {fact}")));
        }
        None => problems.push(format!("{log} is missing: nothing shows who approved what")),
    }
    Ok(Seen { facts, problems, empty: false })
}

fn read_key(path: &Path) -> Result<PublicKey, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("--key: cannot read {}: {error}", path.display()))?;
    PublicKey::from_pem(&text).map_err(|error| format!("--key {}: {error}", path.display()))
}

fn facts(bundle: &Bundle, expected: bool) -> Vec<String> {
    let manifest = bundle.manifest();
    let (planned, by) = (&manifest.planned, &manifest.signed_by);
    let Subject { run_id, command, target, profile, verdict, .. } = &manifest.subject;
    let whose = match (by.ephemeral, expected) {
        (true, _) => ", made for this bundle alone: nothing was changed since, but who made it is not shown",
        (false, true) => ", as expected",
        (false, false) => ": compare it with the one its owner publishes, or give it with --key",
    };
    let whole = if planned.whole { "all that was planned was executed" } else { "a part of what was planned" };
    vec![
        format!("{command} against {target}, profile {profile}, run {run_id}: {verdict}"),
        format!(
            "{whole}: {} executed, {} inconclusive, {} held, {} skipped",
            planned.executed.len(),
            planned.inconclusive.len(),
            planned.held.len(),
            planned.skipped.len()
        ),
        format!("{} entries, signed with {}{whose}", manifest.entries.len(), by.key),
    ]
}

/// Looks at a file of the bundle as at one on the disk.
fn inside(
    bundle: &Bundle,
    name: &str,
    folder: &Path,
    look: fn(&Path) -> Result<Seen, String>,
) -> Result<Option<(Seen, std::path::PathBuf)>, String> {
    let Some(bytes) = bundle.file(name) else { return Ok(None) };
    let at = folder.join(name.rsplit('/').next().unwrap_or(name));
    std::fs::write(&at, bytes).map_err(|error| format!("cannot unpack {name}: {error}"))?;
    Ok(Some((look(&at)?, at)))
}

/// What manifest and reports say that the record does not.
fn said(bundle: &Bundle, view: &RunView, record: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    let head = common::ledger::verify(record).map(|seen| seen.head).unwrap_or_default();
    let manifest = bundle.manifest();
    if manifest.subject != subject(view, &head) {
        problems.push(format!(
            "_manifest.json says {:?}, and {LEDGER_FILE} {:?}",
            manifest.subject,
            subject(view, &head)
        ));
    }
    if manifest.planned != planned(view) {
        problems.push(format!("what was planned, and what became of it, stands otherwise in {LEDGER_FILE}"));
    }
    if view.started.is_none() {
        problems.push(format!("{LEDGER_FILE} does not begin a run: nothing shows where the reports come from"));
    }
    problems
}

/// Why the reports cannot be compared with the record, if they cannot: another version renders in its own way.
fn uncompared(view: &RunView) -> Option<String> {
    let own = env!("CARGO_PKG_VERSION");
    let made = view.started.as_ref().map(|run| run.version.as_str()).filter(|made| *made != own)?;
    Some(format!(
        "its reports were NOT compared with its record: Handshake {made} wrote them, and this is {own}; `cargo xtask \
         verify` of that version compares them"
    ))
}

/// The reports that are not what the record gives.
fn rendered_otherwise(bundle: &Bundle, view: &RunView) -> Vec<String> {
    let mut problems = Vec::new();
    for artifact in render_all(view) {
        let name = place(&artifact.path);
        if bundle.file(name).is_none_or(|bytes| bytes != artifact.bytes) {
            problems.push(format!("{name} is not what {LEDGER_FILE} gives when it is rendered"));
        }
    }
    problems
}
