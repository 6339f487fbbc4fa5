mod chain;
mod files;
mod gate;

use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::clock::Clock;
use crate::ids::AppId;
use crate::signing::{Envelope, Signer};

const NOW: i64 = 1_795_255_200_000;
const HOUR: i64 = 3_600_000;

/// One who may decide on load and injected faults, one who may on load only, and a stranger.
struct People {
    ada: Signer,
    bob: Signer,
    mallory: Signer,
    approvers: Approvers,
}

fn listed(name: &str, signer: &Signer, actions: &str) -> String {
    let key = signer.public().to_pem().unwrap().replace('\n', "\n      ");
    format!("  - name: {name}\n    actions: [{actions}]\n    key: |\n      {key}\n")
}

fn people_with(quorum: &str) -> People {
    let [ada, bob, mallory] = [(); 3].map(|()| Signer::generate().unwrap());
    let file = format!(
        "approvers:\n{}{}{quorum}",
        listed("Ada", &ada, "vus_over_60, inject_503"),
        listed("Bob", &bob, "vus_over_60")
    );
    let approvers = Approvers::parse(&file).unwrap();
    People { ada, bob, mallory, approvers }
}

fn people() -> People {
    people_with("")
}

fn request() -> Request {
    Request {
        run: "20261121t101500-1a2b3c4d".parse().unwrap(),
        action: Action::VusOver60,
        scope: Scope::new("embedded", [AppId::A2]).with_vus(100),
        plan_digest: crate::signing::sha256(b"the plan"),
    }
}

fn decision(word: Word) -> Decision {
    Decision::new(word, request(), NOW, 2 * HOUR, "for the release")
}

fn sealed(decision: &Decision, signer: &Signer) -> Envelope {
    let payload = decision.payload();
    let signature = signer.sign(&crate::signing::pae(PAYLOAD_TYPE, &payload));
    Envelope::new(PAYLOAD_TYPE, &payload, &signer.public().id(), &signature)
}

/// The record in a folder, at so many milliseconds after [`NOW`].
fn at(dir: &Path, ms: i64) -> Register {
    Register::open(dir, Clock::manual(NOW + ms)).unwrap()
}

/// A record in which the request was made.
fn asked() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    at(dir.path(), 0).request(&request(), 2).unwrap();
    dir
}

fn refused(result: Result<impl std::fmt::Debug, RegisterError>) -> Refused {
    match result.unwrap_err() {
        RegisterError::Refused(why) => why,
        other => panic!("{other}"),
    }
}

/// Why what is in the record does not allow the request.
fn rejected(dir: &Path, request: &Request, people: &People) -> Vec<Refused> {
    match at(dir, 1).take(request, &people.approvers, &[]).unwrap() {
        Answer::Waiting { have: 0, rejected, .. } => rejected,
        other => panic!("{other:?}"),
    }
}
