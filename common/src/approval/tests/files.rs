//! The file of approvers, and the bytes that are signed, in the hands of openssl.

use std::process::{Command, Stdio};

use super::*;

#[test]
fn a_decision_is_read_back_from_what_is_signed() {
    let decision = decision(Word::Grant);
    let people = people();
    assert_eq!(Decision::read(&sealed(&decision, &people.ada)).unwrap(), decision);
    let signed = examine(&sealed(&decision, &people.ada), &people.approvers).unwrap();
    assert_eq!((signed.by(), signed.decision()), ("Ada", &decision));
}

#[test]
fn the_signed_bytes_are_as_documented() {
    let mut decision = decision(Word::Grant);
    decision.nonce = "00112233445566778899aabbccddeeff".into();
    let bytes = crate::signing::pae(PAYLOAD_TYPE, &decision.payload());
    insta::assert_snapshot!(String::from_utf8(bytes).unwrap());
}

#[test]
fn something_else_in_an_envelope_is_no_decision() {
    let people = people();
    let of = |kind: &str, payload: &[u8]| {
        let signature = people.ada.sign(&crate::signing::pae(kind, payload));
        examine(&Envelope::new(kind, payload, &people.ada.public().id(), &signature), &people.approvers)
    };
    let good = decision(Word::Grant).payload();
    of(PAYLOAD_TYPE, &good).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    for (kind, payload) in [
        ("text/plain", text.clone()),
        (PAYLOAD_TYPE, "{}".to_owned()),
        (PAYLOAD_TYPE, text.replace("approval:v1", "approval:v2")),
        (PAYLOAD_TYPE, text.replace("\"nonce\"", "\"extra\":1,\"nonce\"")),
        (PAYLOAD_TYPE, text.replace("vus_over_60", "everything")),
    ] {
        let why = of(kind, payload.as_bytes()).unwrap_err();
        assert!(matches!(why, Refused::Unreadable(_)), "{payload}: {why}");
    }
}

#[test]
fn a_file_of_approvers_says_what_is_wrong_with_it() {
    let people = people();
    let (ada, bob) = (&people.ada, &people.bob);
    let both = format!("approvers:\n{}{}", listed("Ada", ada, "vus_over_60"), listed("Bob", bob, ""));
    Approvers::parse(&both).unwrap();
    Approvers::parse("approvers: []\n").unwrap();
    for (text, words) in [
        ("approvers: {}\n".to_owned(), "sequence"),
        (listed("Ada", ada, "").replacen("  - name", "approvers:\n  - nmae", 1), "nmae"),
        (format!("approvers:\n{}", listed("Ada", ada, "fly")), "approver `Ada`: `fly` is no restricted action"),
        ("approvers:\n  - name: Eve\n    actions: []\n    key: none\n".to_owned(), "approver `Eve`: no public key"),
        (format!("approvers:\n{0}{0}", listed("Ada", ada, "")), "a name of her own"),
        (format!("approvers:\n{}{}", listed("Ada", ada, ""), listed("Bob", ada, "")), "has the key of `Ada`"),
        (format!("{both}quorum:\n  vus_over_60: 2\n"), "needs 2, and 1 approvers may decide"),
        (format!("{both}quorum:\n  vus_over_60: 0\n"), "needs 0"),
        (format!("{both}quorum:\n  fly: 1\n"), "quorum: `fly` is no restricted action"),
    ] {
        let why = Approvers::parse(&text).unwrap_err();
        assert!(why.contains(words), "`{words}` is not in: {why}");
    }
}

#[test]
fn the_committed_file_of_approvers_is_one_and_lists_nobody() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/perf/config/approvers.yaml");
    assert_eq!(Approvers::load(&path).unwrap().people(), []);
    assert!(matches!(Approvers::load(Path::new("/nowhere")), Err(ApproversError::Read { .. })));
}

#[test]
fn openssl_checks_a_decision_and_signs_one_as_an_agent() {
    let folder = tempfile::tempdir().unwrap();
    let people = people();
    let run = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).current_dir(folder.path()).stdin(Stdio::null()).output();
        if output.is_err() {
            eprintln!("skipped: openssl is not installed, so nobody else checks the decision");
        }
        output.ok()
    };
    let envelope = sealed(&decision(Word::Grant), &people.ada);
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("decision.pae", &envelope.pae().unwrap());
    write("decision.sig", &envelope.signatures[0].der().unwrap());
    write("ada.pem", people.ada.public().to_pem().unwrap().as_bytes());
    let verify = ["dgst", "-sha256", "-verify", "ada.pem", "-signature", "decision.sig", "decision.pae"];
    let Some(checked) = run(&verify) else { return };
    assert!(checked.status.success(), "{checked:?}");
    write("decision.sig", &sealed(&decision(Word::Grant), &people.bob).signatures[0].der().unwrap());
    assert!(!run(&verify).unwrap().status.success());

    let pass = crate::settings::Secret::new("open");
    write("key.pem", people.ada.to_encrypted_pem(&pass).unwrap().expose().as_bytes());
    let envelope = decision(Word::Grant).sign(&people.approvers, |bytes| {
        write("wanted", bytes);
        let output = run(&["dgst", "-sha256", "-sign", "key.pem", "-passin", "pass:open", "wanted"]);
        output.filter(|output| output.status.success()).map(|output| output.stdout).ok_or_else(|| "it failed".into())
    });
    assert_eq!(examine(&envelope.unwrap(), &people.approvers).unwrap().by(), "Ada");
}
