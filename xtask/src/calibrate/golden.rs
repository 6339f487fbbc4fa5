//! A folder of golden vectors: every file replayed, what agreed and what did not.

use std::fs;
use std::path::Path;

use common::slo::golden::{Difference, KINDS, Replayed, replay};
use common::verdict::{Outcome, exit_code};
use serde_json::Value;

use super::figure::{Effort, Figure};
use super::tables::{self, Cell};

/// So many differences of a file are shown.
const SHOWN: usize = 5;

/// The kind of file whose cases are cells of published tables.
const CALIBRATION: &str = "calibration";

/// A file of the folder and what came of it.
pub(super) struct GoldenFile {
    name: String,
    replayed: Result<Replayed, String>,
    /// How much of it was rerun, where that is less than what was published.
    effort: Option<String>,
}

/// Replays every `.json` file of a folder, by name.
///
/// # Errors
/// When the folder cannot be listed or holds none.
pub(super) fn replay_folder(folder: &Path) -> Result<Vec<GoldenFile>, String> {
    let unusable = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unusable)? {
        let path = entry.map_err(unusable)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).map_err(|error| error.to_string());
            files.push(replayed(name, text));
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    if files.is_empty() { Err(format!("{}: no golden vectors in it", folder.display())) } else { Ok(files) }
}

fn replayed(name: String, text: Result<String, String>) -> GoldenFile {
    let of_cells = |text: &str| serde_json::from_str(text).ok().filter(|file: &Value| file["kind"] == CALIBRATION);
    let text = match text {
        Err(error) => return GoldenFile { name, replayed: Err(error), effort: None },
        Ok(text) => text,
    };
    match of_cells(&text).map(|file| rerun(&file)) {
        None => GoldenFile { name, replayed: replay(&text, KINDS).map_err(|error| error.to_string()), effort: None },
        Some(Err(error)) => GoldenFile { name, replayed: Err(error), effort: None },
        Some(Ok((replayed, effort))) => GoldenFile { name, replayed: Ok(replayed), effort: Some(effort) },
    }
}

/// Reruns every cell of a file, simulated ones at the short effort, and says how much that was.
fn rerun(file: &Value) -> Result<(Replayed, String), String> {
    let cases = file["cases"].as_array().filter(|cases| !cases.is_empty()).ok_or("no cases")?;
    let cells = tables::rerun(&cases.iter().collect::<Vec<_>>(), Effort::Short)?;
    let simulated = cells.iter().filter(|cell| cell.experiment.by_chance).count();
    let effort = format!(
        "all {} cells rerun, {simulated} of them simulated up to {} times each",
        cells.len(),
        Effort::Short.runs()
    );
    let failed = cells.iter().filter(|cell| !cell.figures.iter().all(Figure::agrees)).count();
    let replayed = Replayed {
        passed: cells.len() - failed,
        failed,
        compared: cells.iter().map(|cell| cell.figures.len()).sum(),
        differences: cells.iter().flat_map(differences).collect(),
    };
    Ok((replayed, effort))
}

fn differences(cell: &Cell) -> impl Iterator<Item = Difference> {
    let told = |figure: Option<f64>| figure.map_or_else(|| "null".to_owned(), |figure| figure.to_string());
    cell.figures.iter().filter(|figure| !figure.agrees()).map(move |figure| Difference {
        case: cell.id.clone(),
        field: figure.name.clone(),
        got: told(figure.got),
        expected: format!("{} ± {:.4}", told(figure.published), figure.within),
    })
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
    lines.extend(file.effort.iter().map(|effort| format!("         {effort}")));
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

    /// P95 at its limit: one time in fifty either way.
    const CELL: &str = r#"{"kind":"calibration","cases":[{"id":"peek|true P95=150","experiment":"peeking","reps":4000,
        "expect":{"exceed_prob":0.05,"single_1800":{"PASS":0.02,"FAIL":0.02075},
        "naive_every_100_to_10000":{"PASS":0.15875,"FAIL":0.16075},"three_looks":{"PASS":0.02,"FAIL":0.0215},
        "eprocess":{"PASS":0.01525,"FAIL":0.00975,"median_n_to_decide":10000.0}}}]}"#;

    /// What the command says of a folder with these files, and how it ends.
    fn replayed_all(files: &[(&str, &str)]) -> (String, u8) {
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
        let (told, exit) = replayed_all(&[("a.json", SOUND), ("README.md", "read me")]);
        assert_eq!(
            told,
            "ok     a.json: 1 cases passed, 0 failed, 6 values\n1 files: 1 agree, 0 differ, 0 cannot be used"
        );
        assert_eq!(exit, 0);
    }

    #[test]
    fn a_difference_is_shown_and_ends_with_99() {
        let off = SOUND.replacen("[true]", "[false]", 1);
        let (told, exit) = replayed_all(&[("a.json", SOUND), ("b.json", &off)]);
        assert!(told.contains("DIFFER b.json: 0 cases passed, 1 failed"), "{told}");
        assert!(told.contains("m holm.reject: got [true], expected [false]"), "{told}");
        assert_eq!(exit, 99);
    }

    #[test]
    fn of_many_differences_the_first_are_shown() {
        let off = SOUND.replace("[0.01],\"reject\":[true]", "[0.02],\"reject\":[false]");
        let (told, exit) = replayed_all(&[("b.json", &off)]);
        assert!(told.contains("… 1 more"), "{told}");
        assert_eq!(exit, 99);
    }

    #[test]
    fn a_file_of_cells_is_rerun_and_says_how_much_of_it() {
        let (told, exit) = replayed_all(&[("c.json", CELL)]);
        assert!(told.starts_with("ok     c.json: 1 cases passed, 0 failed, 10 values\n"), "{told}");
        assert!(told.contains("all 1 cells rerun, 1 of them simulated up to 250 times each"), "{told}");
        assert_eq!(exit, 0);
    }

    #[test]
    fn a_published_rate_that_is_off_ends_with_99() {
        let (told, exit) = replayed_all(&[("c.json", &CELL.replace("0.15875", "0.35875"))]);
        assert!(told.contains("peek|true P95=150 naive_every_100_to_10000.PASS: got 0."), "{told}");
        assert!(told.contains("expected 0.35875 ± 0.1"), "{told}");
        assert_eq!(exit, 99);
    }

    #[test]
    fn a_rate_that_is_not_published_ends_with_99() {
        let (told, exit) = replayed_all(&[("c.json", &CELL.replace("\"three_looks\"", "\"two_looks\""))]);
        assert!(told.contains("three_looks.PASS: got 0.0") && told.contains("expected null"), "{told}");
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
            vec![("a.json", SOUND), ("c.json", r#"{"kind":"calibration","cases":[]}"#)],
            vec![("c.json", r#"{"kind":"calibration","cases":[{"experiment":"tarot","id":"x"}]}"#)],
            vec![("c.json", &CELL.replace("reps", "runs"))],
            vec![("c.json", &CELL.replace("true P95=150", "true P95=fast"))],
        ] {
            let (told, exit) = replayed_all(&files);
            assert_eq!(exit, 104, "{told}");
        }
        assert!(replay_folder(Path::new("no/such/folder")).is_err());
    }
}
