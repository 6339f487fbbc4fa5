//! `verify`: is a run's record whole, does a record of approvals make sense, is a bundle what its signer packed?

mod bundle;

use std::path::{Path, PathBuf};

use common::approval::{Entry, audit};
use common::ledger::{self, LEDGER_FILE, Line};
use common::verdict::{Outcome, exit_code};

use super::fail;
use crate::cli::VerifyArgs;
use crate::report::APPROVALS;
use crate::run::{self, RunStore};

/// What was looked at, and what is wrong with it.
struct Seen {
    /// What there is, a line each.
    facts: Vec<String>,
    /// None: it is intact.
    problems: Vec<String>,
    /// Nothing was recorded.
    empty: bool,
}

/// Checks what the path names; by what it is called, it is a bundle, a record of approvals or a run's ledger.
pub(crate) fn verify(args: VerifyArgs) -> u8 {
    let key = args.key.clone();
    let path = match place(args) {
        Ok(path) => path,
        Err(error) => return fail(error),
    };
    let seen = match path.extension().and_then(|end| end.to_str()) {
        Some("zip") => bundle::check(&path, key.as_deref()),
        Some("log") => approvals(&path),
        _ => record(&path),
    };
    match seen {
        Ok(seen) => conclude(&path, &seen),
        Err(error) => fail(error),
    }
}

fn conclude(path: &Path, seen: &Seen) -> u8 {
    for problem in &seen.problems {
        anstream::println!("{problem}");
    }
    for fact in &seen.facts {
        anstream::println!("{}: {fact}", path.display());
    }
    if seen.empty {
        anstream::println!("EMPTY: nothing was recorded, so there is nothing to trust");
        return exit_code(Outcome::NothingRan, false);
    }
    if seen.problems.is_empty() {
        anstream::println!("intact");
        0
    } else {
        anstream::println!("NOT INTACT");
        exit_code(Outcome::CheckFailed, false)
    }
}

/// A run's ledger: hashes, chain, end.
fn record(path: &Path) -> Result<Seen, String> {
    let verification = ledger::verify(path).map_err(|error| error.to_string())?;
    let ended = match run::view(path) {
        Ok(view) => view.finished.is_some(),
        Err(error) if verification.is_intact() => return Err(error.to_string()),
        Err(_) => false,
    };
    let state = if ended { "ended" } else { "did not end" };
    Ok(Seen {
        facts: vec![format!("{} lines, head {}, the run {state}", verification.lines, verification.head)],
        problems: chain(&verification),
        empty: verification.lines == 0,
    })
}

/// A record of approvals: chain, signatures, and that every use had its grant.
fn approvals(path: &Path) -> Result<Seen, String> {
    let verification = ledger::verify(path).map_err(|error| error.to_string())?;
    let mut problems = chain(&verification);
    let (mut facts, empty) = (Vec::new(), verification.lines == 0);
    if let Ok(lines) = ledger::read(path) {
        let (entries, strange) = entries(lines);
        problems.extend(strange);
        problems.extend(audit(&entries));
        let count = |kind: &str| entries.iter().filter(|(_, entry)| entry.kind() == kind).count();
        facts.push(format!(
            "{} asked, {} granted, {} refused, {} used, {} not answered in time",
            count("approval_requested"),
            count("approval_granted"),
            count("approval_refused"),
            count("approval_used"),
            count("approval_escalated"),
        ));
    }
    facts.push(format!("{} lines, head {}", verification.lines, verification.head));
    Ok(Seen { facts, problems, empty })
}

/// The entries among the lines, and what is none.
fn entries(lines: Vec<Line>) -> (Vec<(String, Entry)>, Vec<String>) {
    let (mut entries, mut strange) = (Vec::new(), Vec::new());
    for line in lines.into_iter().filter(|line| line.kind != APPROVALS && line.kind != "ledger_recovered") {
        let number = line.seq + 1;
        match serde_json::from_value::<Entry>(line.body) {
            Ok(entry) => entries.push((line.at, entry)),
            Err(error) => strange.push(format!("line {number} is no entry of a record of approvals: {error}")),
        }
    }
    (entries, strange)
}

fn chain(verification: &ledger::Verification) -> Vec<String> {
    let problems = verification.problems.iter().map(|problem| format!("line {}: {}", problem.line, problem.what));
    let torn = verification.torn_tail;
    problems.chain(torn.map(|bytes| format!("the last line is torn ({bytes} bytes): `--resume` recovers it"))).collect()
}

fn place(args: VerifyArgs) -> Result<PathBuf, run::StoreError> {
    let path = match args.path {
        Some(path) => path,
        None => {
            let store = RunStore(args.output.runs);
            store.folder(&store.newest()?)
        }
    };
    Ok(if path.is_dir() { path.join(LEDGER_FILE) } else { path })
}

#[cfg(test)]
mod tests;
