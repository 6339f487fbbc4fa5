use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use common::ids::AppId;
use common::ledger::Ledger;
use tempfile::TempDir;

use super::*;
use crate::record::{Record, RunView};
use crate::report::fixture;

const PASSPHRASE: &str = "correct horse battery staple";

/// A run that ended and asked for 100 users, an approver's key and the file that lists her.
struct Desks {
    root: TempDir,
    run: RunId,
}

impl Desks {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let run = fixture::view().started.unwrap().run_id;
        let desks = Self { root, run: run.clone() };
        let mut ledger = Ledger::create(&desks.at("runs"), &run).unwrap();
        for record in fixture::records() {
            ledger.append(record.kind(), &record).unwrap();
        }
        let entry = new_key(&desks.at("ada.pem"), &settings()).unwrap();
        desks.list(&entry, "Ada", "vus_over_60");
        let mut register = Register::open(&desks.at("approvals"), Clock::system()).unwrap();
        register.request(&desks.request(), 2).unwrap();
        desks
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes approvers.yaml from what `--new-key` prints.
    fn list(&self, printed: &str, name: &str, actions: &str) {
        let entry = printed.split_once("  - name: ").unwrap().1;
        let entry = entry.replace("YOUR NAME", name).replace("vus_over_60, inject_503", actions);
        std::fs::write(self.at("approvers.yaml"), format!("approvers:\n  - name: {entry}")).unwrap();
    }

    fn request(&self) -> Request {
        let started = fixture::view().started.unwrap();
        Request {
            run: self.run.clone(),
            action: Action::VusOver60,
            scope: "env=embedded,apps=a2,vus=100".parse().unwrap(),
            plan_digest: started.plan_digest(),
        }
    }

    fn args(&self) -> ApproveArgs {
        ApproveArgs {
            action: Some(Action::VusOver60),
            run: None,
            scope: None,
            expires: Duration::from_secs(3_600),
            key: Some(self.at("ada.pem")),
            agent: None,
            refuse: false,
            reason: None,
            yes: true,
            new_key: None,
            approvers: self.at("approvers.yaml"),
            runs: self.at("runs"),
        }
    }

    fn decide(&self, args: &ApproveArgs) -> Result<String, String> {
        decide(args, args.action.unwrap(), &settings())
    }

    /// How what the run asked for stands.
    fn state(&self) -> GateState {
        let lines = Register::read(&self.at("approvals")).unwrap();
        let approvers = Approvers::load(&self.at("approvers.yaml")).unwrap();
        gates(&lines, Some(&self.run), &approvers, clock::unix_ms()).remove(0).state
    }

    fn view(&self) -> RunView {
        RunStore(self.at("runs")).view(&self.run).unwrap()
    }
}

fn settings() -> Settings {
    Settings::of([("HANDSHAKE_APPROVAL_PASSPHRASE", PASSPHRASE)])
}

#[test]
fn a_grant_is_signed_kept_and_shown_in_the_record_of_the_run() {
    let desks = Desks::new();
    let said = desks.decide(&desks.args()).unwrap();
    assert!(said.contains("Ada granted vus_over_60") && said.contains("ecosystem --resume"), "{said}");
    assert!(matches!(desks.state(), GateState::Granted { by, .. } if by == ["Ada"]));
    let kinds: Vec<_> = desks.view().approvals.iter().map(|noted| noted.entry.kind()).collect();
    assert_eq!(kinds, ["approval_requested", "approval_granted"]);
    assert!(run::adopt_into(&desks.at("runs").join(desks.run.as_str()), Vec::new()).unwrap());
}

#[test]
fn a_refusal_says_who_and_why() {
    let desks = Desks::new();
    let args = ApproveArgs { refuse: true, reason: Some("not today".into()), ..desks.args() };
    assert!(desks.decide(&args).unwrap().starts_with("Ada refused vus_over_60"));
    assert_eq!(desks.state(), GateState::Refused { by: "Ada".into(), reason: "not today".into() });
}

#[test]
fn nothing_is_signed_unless_somebody_is_sure() {
    let desks = Desks::new();
    let error = desks.decide(&ApproveArgs { yes: false, ..desks.args() }).unwrap_err();
    assert!(error.contains("say --yes"), "{error}");
    assert!(matches!(desks.state(), GateState::Waiting { .. }));
}

#[test]
fn what_cannot_be_signed_says_why_and_leaves_nothing() {
    let desks = Desks::new();
    let args = desks.args();
    let wrong = decide(&args, Action::VusOver60, &Settings::of([("HANDSHAKE_APPROVAL_PASSPHRASE", "wrong")]));
    assert!(wrong.unwrap_err().contains("the passphrase does not open the key"));
    let error = desks.decide(&ApproveArgs { key: None, ..desks.args() }).unwrap_err();
    assert!(error.contains("--new-key"), "{error}");
    let error = desks.decide(&ApproveArgs { action: Some(Action::Inject503), ..desks.args() }).unwrap_err();
    assert!(error.contains("does not wait for inject_503"), "{error}");
    let ahead = Some("env=embedded,apps=a3".parse().unwrap());
    let error = desks.decide(&ApproveArgs { action: Some(Action::Inject503), scope: ahead, ..desks.args() });
    assert!(error.unwrap_err().contains("Ada may not decide on inject_503"));
    new_key(&desks.at("eve.pem"), &settings()).unwrap();
    let error = desks.decide(&ApproveArgs { key: Some(desks.at("eve.pem")), ..desks.args() }).unwrap_err();
    assert!(error.contains("nobody in approvers.yaml has the key"), "{error}");
    let error = desks.decide(&ApproveArgs { expires: Duration::from_secs(8 * 86_400), ..desks.args() }).unwrap_err();
    assert!(error.contains("more than 7 days"), "{error}");
    assert!(matches!(desks.state(), GateState::Waiting { .. }));
}

#[test]
fn a_new_key_is_its_owners_alone_and_never_replaces_one() {
    let desks = Desks::new();
    let mode = std::fs::metadata(desks.at("ada.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(new_key(&desks.at("ada.pem"), &settings()).unwrap_err().contains("cannot make"));
    let short = new_key(&desks.at("b.pem"), &Settings::of([("HANDSHAKE_APPROVAL_PASSPHRASE", "short")]));
    assert!(short.unwrap_err().contains("fewer than 8") && !desks.at("b.pem").exists());
    let text = std::fs::read_to_string(desks.at("ada.pem")).unwrap();
    assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{text}");
}

#[test]
fn another_program_signs_in_place_of_a_key() {
    let desks = Desks::new();
    let openssl =
        format!("openssl dgst -sha256 -sign {} -passin 'pass:{PASSPHRASE}' | base64", desks.at("ada.pem").display());
    let agent = |command: &str| desks.decide(&ApproveArgs { agent: Some(command.into()), ..desks.args() });
    assert!(agent("exit 3").unwrap_err().contains("exit status: 3"));
    assert!(agent("echo '*'").unwrap_err().contains("no base64"));
    assert!(agent("echo aGk=").unwrap_err().contains("nobody in approvers.yaml has the key"));
    if std::process::Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: openssl is not installed, so no other program signs");
        return;
    }
    assert!(agent(&openssl).unwrap().contains("Ada granted"));
}

#[test]
fn two_open_requests_have_to_be_told_apart() {
    let desks = Desks::new();
    let other = Request { scope: "env=embedded,apps=a6,vus=90".parse().unwrap(), ..desks.request() };
    Register::open(&desks.at("approvals"), Clock::system()).unwrap().request(&other, 2).unwrap();
    let error = desks.decide(&desks.args()).unwrap_err();
    assert!(error.contains("--scope env=embedded,apps=a2,vus=100 or --scope env=embedded,apps=a6,vus=90"), "{error}");
}

#[test]
fn what_is_signed_is_shown_in_plain_words() {
    let desks = Desks::new();
    let mut decision = Decision::new(Word::Grant, desks.request(), 1_795_255_200_000, 3_600_000, "for the release");
    decision.nonce = "0".repeat(32);
    assert!(desks.request().scope.apps.contains(&AppId::A2));
    insta::assert_snapshot!(shown(&decision, &fixture::view().started.unwrap()));
}

#[test]
fn a_record_that_another_process_writes_is_left_to_it() {
    let desks = Desks::new();
    let folder = desks.at("runs").join(desks.run.as_str());
    let open = Ledger::resume(&folder).unwrap();
    assert!(!run::adopt_into(&folder, Register::read(&desks.at("approvals")).unwrap()).unwrap());
    drop(open);
    assert!(desks.view().approvals.is_empty());
    let record = Record::Note { phase: 0, app: None, text: "later".into() };
    Ledger::resume(&folder).unwrap().append(record.kind(), &record).unwrap();
}
