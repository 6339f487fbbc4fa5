//! Every report of one recorded run, as a reviewer sees it.

use super::*;

fn rendered() -> Vec<Artifact> {
    render_all(&fixture::view())
}

fn text_of(name: &str) -> String {
    let all = rendered();
    let found = all.iter().find(|artifact| artifact.path.ends_with(&format!("/{name}")));
    String::from_utf8(found.unwrap_or_else(|| panic!("no {name}")).bytes.clone()).unwrap()
}

#[test]
fn the_reports_of_a_recorded_run_read_like_this() {
    // Each kind of report once; those of the other apps only repeat the form.
    let of_others = |path: &str| {
        let name = path.rsplit('/').next().unwrap();
        let own = [
            "a2_ingest_lineage_proof.md",
            "a3_resiliency_report.md",
            "a5_e2e_results.json",
            "a5_playwright_report.html",
            "a8_baseline_load.md",
            "a8_data_lineage.md",
            "a8_second_confirmation.md",
        ];
        name.starts_with('a') && name.as_bytes()[2] == b'_' && !name.starts_with("a6_") && !own.contains(&name)
    };
    for artifact in rendered().into_iter().filter(|artifact| !of_others(&artifact.path)) {
        let name = artifact.path.rsplit('/').next().unwrap().to_owned();
        insta::assert_snapshot!(name, String::from_utf8(artifact.bytes).unwrap());
    }
}

#[test]
fn a_run_whose_outages_wait_for_a_person_and_that_asked_nothing_about_learning_says_so() {
    let all = render_all(&fixture::held());
    let names =
        ["a3_resiliency_report.md", "error_correction_learning.md", "rl_signal_path.md", "a8_second_confirmation.md"];
    for name in names {
        let found = all.iter().find(|artifact| artifact.path.ends_with(&format!("/{name}"))).unwrap();
        let text = String::from_utf8(found.bytes.clone()).unwrap();
        let command =
            if name.starts_with("rl_") { "cargo xtask suite learning" } else { "cargo xtask approve inject_503" };
        assert!(text.contains(command), "{name} does not say what would try it:\n{text}");
        insta::assert_snapshot!(format!("held_{name}"), text);
    }
    let page = all.iter().find(|artifact| artifact.path.ends_with("/report.html")).unwrap();
    let page = String::from_utf8(page.bytes.clone()).unwrap();
    for said in ["No outage was made in this run", "A3 was not asked for its bandit in this run", ">WAITS</span>"] {
        assert!(page.contains(said), "the page does not say {said:?}");
    }
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let page = text_of("report.html");
    for outside in ["src=", "url(", "@import", "<link", "<iframe", "<object"] {
        assert!(!page.contains(outside), "the page contains {outside}");
    }
    // Links lead to the target's own A8 or to the page itself, and every one of the latter arrives.
    for link in page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        match link.strip_prefix('#') {
            Some(anchor) => assert!(page.contains(&format!("id=\"{anchor}\"")), "{link} leads nowhere"),
            None => assert!(link.starts_with("http://127.0.0.1:7108/lineage?trace_id="), "{link} leads elsewhere"),
        }
    }
}

#[test]
fn an_answer_of_an_app_stays_text_in_the_page() {
    let page = text_of("report.html");
    assert!(page.contains("busy"), "the answer of the failed request is not shown");
    assert!(!page.contains("<b>busy</b>"));
}

#[test]
fn an_id_is_given_once_in_the_page() {
    let page = text_of("report.html");
    let ids: Vec<_> = page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let mut once = ids.clone();
    once.sort_unstable();
    let doubled: Vec<_> = once.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    assert_eq!(rendered(), rendered());
}

#[test]
fn a_run_in_which_nothing_ran_says_so_and_is_never_ready() {
    let artifacts = render_all(&RunView::default());
    assert!(artifacts.iter().any(|artifact| artifact.path.ends_with("summary.json")));
    for artifact in artifacts {
        let text = String::from_utf8(artifact.bytes).unwrap();
        assert!(!text.contains("**READY**") && !text.contains("\"READY\""), "{} says READY", artifact.path);
        if ["summary.json", "matrix.md", "report.html"].iter().any(|name| artifact.path.ends_with(name)) {
            assert!(text.contains("Nothing ran"), "{} does not say that nothing ran:\n{text}", artifact.path);
        }
    }
}

#[test]
fn a_roll_up_that_says_ready_about_nothing_is_not_believed() {
    let mut view = fixture::view();
    view.rulings.clear();
    view.rollup.as_mut().unwrap().grade = common::verdict::Grade::Ready;
    assert_eq!(Head::of(&view).grade, "NOT READY");
}

#[test]
fn every_report_of_text_begins_with_run_target_profile_and_grade() {
    for artifact in rendered() {
        let text = String::from_utf8(artifact.bytes).unwrap();
        let start: String = text.chars().take(1_500).collect();
        let wanted: &[&str] = match artifact.path.rsplit('.').next() {
            Some("csv") => &["run_id"],
            _ => &["20261121t101500-1a2b3c4d", "embedded", "quick", "NOT READY"],
        };
        for word in wanted {
            assert!(start.contains(word), "{} does not begin with {word}", artifact.path);
        }
    }
}

#[test]
fn the_schema_of_the_summary_is_as_committed() {
    insta::assert_json_snapshot!("summary.schema", summary::schema());
}

#[test]
fn the_summary_keeps_its_schema_whether_much_or_nothing_ran() {
    let schema = jsonschema::validator_for(&summary::schema()).unwrap();
    for view in [fixture::view(), RunView::default()] {
        let summary = summary::render(&view, &[]).remove(0);
        let summary: serde_json::Value = serde_json::from_slice(&summary.bytes).unwrap();
        let errors: Vec<_> = schema.iter_errors(&summary).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    let other = serde_json::json!({ "schema": "handshake-summary/1" });
    assert!(!schema.is_valid(&other), "a summary without a grade was taken");
}

#[test]
fn the_summary_tells_its_schema_and_its_grade_before_anything_else() {
    let text = text_of("summary.json");
    let keys: Vec<_> = text.lines().filter(|line| line.starts_with("  \"")).take(6).collect();
    assert_eq!(keys.len(), 6);
    assert!(keys[0].contains("handshake-summary/1") && keys[4].contains("NOT READY"), "{keys:?}");
}

#[test]
fn junit_counts_failures_that_decide_and_calls_known_issues_skipped() {
    let text = text_of("junit.xml");
    let failed = fixture::view().rollup.unwrap().failed.len();
    assert!(text.contains(&format!("failures=\"{failed}\" errors=\"0\"")), "{}", &text[..300]);
    assert!(text.contains("known issue A8-PERF-001"));
}

#[test]
fn the_csv_of_an_app_has_a_row_for_each_of_its_routes() {
    let text = text_of("a6_latency.csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let width = reader.headers().unwrap().len();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert!(rows.iter().all(|row| row.len() == width));
    assert_eq!(rows.len(), 3);
}
