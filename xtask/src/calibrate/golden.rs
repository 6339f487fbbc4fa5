//! A folder of golden vectors: every file replayed, what agreed and what did not.

use std::fs;
use std::path::Path;

use common::slo::golden::{Check, KINDS, Replayed, replay};
use common::verdict::{Outcome, exit_code};

use super::experiments::CALIBRATION;

/// So many differences of a file are shown.
const SHOWN: usize = 5;

/// A file of the folder and what came of it.
pub(super) struct GoldenFile {
    name: String,
    replayed: Result<Replayed, String>,
}

/// Replays every `.json` file of a folder, by name.
///
/// # Errors
/// When the folder cannot be listed or holds none.
pub(super) fn replay_folder(folder: &Path) -> Result<Vec<GoldenFile>, String> {
    let unusable = |error: std::io::Error| format!("{}: {error}", folder.display());
    let kinds: Vec<(&str, Check)> = KINDS.iter().copied().chain([CALIBRATION]).collect();
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unusable)? {
        let path = entry.map_err(unusable)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).map_err(|error| error.to_string());
            let replayed = text.and_then(|text| replay(&text, &kinds).map_err(|error| error.to_string()));
            files.push(GoldenFile { name, replayed });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    if files.is_empty() { Err(format!("{}: no golden vectors in it", folder.display())) } else { Ok(files) }
}

/// A line for each file, the first differences below it, and a line for all.
pub(super) fn told(files: &[GoldenFile]) -> String {
    let mut lines: Vec<String> = files.iter().flat_map(lines).collect();
    let with = |wanted: fn(&Replayed) -> bool| files.iter().filter(|f| f.replayed.as_ref().is_ok_and(wanted)).count();
    let (agree, differ) = (with(|file| file.failed == 0), with(|file| file.failed > 0));
    let unusable = files.len() - agree - differ;
    lines.push(format!("{} files: {agree} agree, {differ} differ, {unusable} cannot be used", files.len()));
    lines.join("\n")
}

fn lines(file: &GoldenFile) -> Vec<String> {
    let name = &file.name;
    let replayed = match &file.replayed {
        Ok(replayed) => replayed,
        Err(error) => return vec![format!("ERROR  {name}: {error}")],
    };
    let Replayed { passed, failed, compared, differences } = replayed;
    let word = if *failed == 0 { "ok    " } else { "DIFFER" };
    let mut lines = vec![format!("{word} {name}: {passed} cases passed, {failed} failed, {compared} values")];
    lines.extend(differences.iter().take(SHOWN).map(|difference| format!("         {difference}")));
    if differences.len() > SHOWN {
        lines.push(format!("         … {} more", differences.len() - SHOWN));
    }
    lines
}

/// 0 if all agree, 99 if a value differs; what cannot be used goes before both.
pub(super) fn exit_of(files: &[GoldenFile]) -> u8 {
    if files.iter().any(|file| file.replayed.is_err()) {
        exit_code(Outcome::BadConfiguration, false)
    } else if files.iter().any(|file| file.replayed.as_ref().is_ok_and(|replayed| replayed.failed > 0)) {
        exit_code(Outcome::SloBreached, false)
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"{"kind":"multiplicity","tolerance":{"adjusted":{"rel":1e-12}},"cases":[{"id":"m","p":[0.01],
        "alpha":0.05,"expect":{"holm":{"adjusted":[0.01],"reject":[true]},"bonferroni":{"adjusted":[0.01],"reject":[true]},
        "fdr_bh":{"adjusted":[0.01],"reject":[true]}}}]}"#;

    /// What the command says of a folder with these files, and how it ends.
    fn replayed(files: &[(&str, &str)]) -> (String, u8) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        match replay_folder(folder.path()) {
            Ok(files) => (told(&files), exit_of(&files)),
            Err(error) => (error, exit_code(Outcome::BadConfiguration, false)),
        }
    }

    #[test]
    fn a_folder_that_agrees_ends_with_0_whatever_else_lies_in_it() {
        let (told, exit) = replayed(&[("a.json", SOUND), ("README.md", "read me")]);
        assert_eq!(
            told,
            "ok     a.json: 1 cases passed, 0 failed, 6 values\n1 files: 1 agree, 0 differ, 0 cannot be used"
        );
        assert_eq!(exit, 0);
    }

    #[test]
    fn a_difference_is_shown_and_ends_with_99() {
        let off = SOUND.replacen("[true]", "[false]", 1);
        let (told, exit) = replayed(&[("a.json", SOUND), ("b.json", &off)]);
        assert!(told.contains("DIFFER b.json: 0 cases passed, 1 failed"), "{told}");
        assert!(told.contains("m holm.reject: got [true], expected [false]"), "{told}");
        assert_eq!(exit, 99);
    }

    #[test]
    fn of_many_differences_the_first_are_shown() {
        let off = SOUND.replace("[0.01],\"reject\":[true]", "[0.02],\"reject\":[false]");
        let (told, exit) = replayed(&[("b.json", &off)]);
        assert!(told.contains("… 1 more"), "{told}");
        assert_eq!(exit, 99);
    }

    #[test]
    fn what_cannot_be_replayed_is_an_error_and_never_a_pass() {
        for files in [
            vec![],
            vec![("notes.txt", SOUND)],
            vec![("a.json", SOUND), ("b.json", r#"{"kind":"tarot","cases":[{"id":"x"}]}"#)],
            vec![("a.json", SOUND), ("b.json", r#"{"kind":"multiplicity","cases":[]}"#)],
            vec![("a.json", SOUND), ("b.json", "{")],
            vec![("a.json", SOUND), ("b.json", "")],
        ] {
            let (told, exit) = replayed(&files);
            assert_eq!(exit, 104, "{told}");
        }
        assert!(replay_folder(Path::new("no/such/folder")).is_err());
    }
}
