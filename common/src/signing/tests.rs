use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;
use crate::settings::Secret;

/// Runs openssl; `None`, said by name, where it is not installed.
fn openssl(folder: &Path, arguments: &[&str]) -> Option<std::process::Output> {
    let output = Command::new("openssl").args(arguments).current_dir(folder).stdin(Stdio::null()).output();
    if output.is_err() {
        eprintln!("skipped: openssl is not installed, so nobody else checks the signatures");
    }
    output.ok()
}

fn passphrase() -> Secret {
    Secret::new("correct horse battery staple")
}

#[test]
fn the_same_key_signs_the_same_bytes_in_the_same_way() {
    let signer = Signer::generate().unwrap();
    assert_eq!(signer.sign(b"plan"), signer.sign(b"plan"));
    assert_ne!(signer.sign(b"plan"), signer.sign(b"plan "));
}

#[test]
fn the_pre_authentication_encoding_is_that_of_the_standard() {
    // The example of the DSSE specification, protocol.md.
    let expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
    assert_eq!(pae("http://example.com/HelloWorld", b"hello world"), expected);
}

#[test]
fn a_key_comes_back_from_its_pem_with_its_passphrase_only() {
    let signer = Signer::generate().unwrap();
    let pem = signer.to_encrypted_pem(&passphrase()).unwrap();
    assert!(Signer::is_encrypted(pem.expose()));
    let back = Signer::from_pem(pem.expose(), Some(&passphrase())).unwrap();
    assert_eq!(back.public(), signer.public());
    assert_eq!(Signer::from_pem(pem.expose(), None).unwrap_err(), KeyError::NeedsPassphrase);
    let wrong = Signer::from_pem(pem.expose(), Some(&Secret::new("wrong")));
    assert_eq!(wrong.unwrap_err(), KeyError::WrongPassphrase);
    assert_eq!(Signer::from_pem("no key", None).unwrap_err(), KeyError::NotPrivate);
    assert_eq!(PublicKey::from_pem("no key").unwrap_err(), KeyError::NotPublic);
}

#[test]
fn a_signer_shows_its_id_only() {
    let signer = Signer::generate().unwrap();
    assert_eq!(format!("{signer:?}"), format!("Signer({})", signer.public().id()));
}

#[test]
fn openssl_checks_what_is_signed_here_and_opens_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let signer = Signer::generate().unwrap();
    std::fs::write(at("plan"), b"a plan").unwrap();
    std::fs::write(at("plan.sig"), signer.sign(b"a plan")).unwrap();
    std::fs::write(at("public.pem"), signer.public().to_pem().unwrap()).unwrap();
    let verify = ["dgst", "-sha256", "-verify", "public.pem", "-signature", "plan.sig", "plan"];
    let Some(checked) = openssl(folder.path(), &verify) else { return };
    assert!(checked.status.success(), "{checked:?}");
    std::fs::write(at("plan"), b"A plan").unwrap();
    assert!(!openssl(folder.path(), &verify).unwrap().status.success());

    std::fs::write(at("key.pem"), signer.to_encrypted_pem(&passphrase()).unwrap().expose()).unwrap();
    let pass = format!("pass:{}", passphrase().expose());
    let opened = openssl(folder.path(), &["pkey", "-in", "key.pem", "-passin", &pass, "-pubout"]).unwrap();
    assert_eq!(String::from_utf8(opened.stdout).unwrap(), signer.public().to_pem().unwrap());
}

#[test]
fn what_openssl_signs_with_a_key_of_its_own_is_checked_here() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let make = "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes-256-cbc -pass pass:open -out key.pem";
    let Some(made) = openssl(folder.path(), &make.split(' ').collect::<Vec<_>>()) else { return };
    assert!(made.status.success(), "{made:?}");
    let pem = std::fs::read_to_string(at("key.pem")).unwrap();
    let signer = Signer::from_pem(&pem, Some(&Secret::new("open"))).unwrap();

    std::fs::write(at("plan"), b"a plan").unwrap();
    let sign = ["dgst", "-sha256", "-sign", "key.pem", "-passin", "pass:open", "-out", "plan.sig", "plan"];
    assert!(openssl(folder.path(), &sign).unwrap().status.success());
    let public = openssl(folder.path(), &["pkey", "-in", "key.pem", "-passin", "pass:open", "-pubout"]).unwrap();
    let public = PublicKey::from_pem(&String::from_utf8(public.stdout).unwrap()).unwrap();
    assert_eq!(public, signer.public());
    let signature = std::fs::read(at("plan.sig")).unwrap();
    assert!(public.verifies(b"a plan", &signature) && !public.verifies(b"a plan ", &signature));

    std::fs::write(at("public.pem"), public.to_pem().unwrap()).unwrap();
    let der = ["pkey", "-pubin", "-in", "public.pem", "-outform", "DER"];
    assert_eq!(sha256(&openssl(folder.path(), &der).unwrap().stdout), public.id());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_changed_byte_of_message_or_signature_is_refused(
        message in prop::collection::vec(any::<u8>(), 1..200),
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let signer = Signer::generate().unwrap();
        let signature = signer.sign(&message);
        prop_assert!(signer.public().verifies(&message, &signature));
        let mut other = message.clone();
        other[at.index(message.len())] ^= flip;
        prop_assert!(!signer.public().verifies(&other, &signature));
        let mut other = signature.clone();
        other[at.index(signature.len())] ^= flip;
        prop_assert!(!signer.public().verifies(&message, &other));
    }
}
