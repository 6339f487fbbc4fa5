//! Rules of this repository, as tests. Each lists everything it finds, with file, line and what to do about it.
//!
//! A rule is a pure function of the files; its own test shows that it can find something.

mod docs;
mod files;
mod habits;
mod layers;
mod manifests;
mod money;
mod purity;
mod rust;
mod signing;

use files::Source;

/// One breach of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Breach {
    path: String,
    line: usize,
    /// What is wrong and what to do.
    advice: String,
}

impl Breach {
    fn at(source: &Source, line: usize, advice: impl Into<String>) -> Self {
        Self { path: source.path.clone(), line, advice: advice.into() }
    }
}

/// Fails with the whole list.
fn assert_kept(mut breaches: Vec<Breach>) {
    breaches.sort();
    breaches.dedup();
    let lines: Vec<_> = breaches.iter().map(|b| format!("{}:{}: {}", b.path, b.line, b.advice)).collect();
    assert!(lines.is_empty(), "{} to mend:\n{}\n", lines.len(), lines.join("\n"));
}

/// Applies a rule about one file to all files.
fn each(rule: fn(&Source) -> Vec<Breach>) {
    assert_kept(files::all().iter().flat_map(rule).collect());
}

#[test]
fn imports_in_common_point_only_up_its_order() {
    assert_kept(layers::order_in_common(&files::all(), layers::ALLOWED));
}

#[test]
fn what_checks_an_app_and_the_app_do_not_know_each_other() {
    each(layers::harness_and_reference_are_apart);
}

#[test]
fn every_module_says_what_it_is() {
    each(habits::module_begins_with_its_sentence);
}

#[test]
fn no_test_sleeps_or_is_ignored() {
    each(habits::tests_wait_for_events);
}

#[test]
fn no_file_is_too_long_to_be_about_one_thing() {
    each(habits::length);
}

#[test]
fn no_marker_of_unfinished_work_is_left() {
    each(habits::unfinished);
}

#[test]
fn the_project_stands_alone() {
    each(habits::stands_alone);
}

#[test]
fn statistics_verdicts_and_reports_are_pure() {
    each(purity::pure_modules);
}

#[test]
fn only_the_clock_reads_time() {
    each(purity::time);
}

#[test]
fn only_settings_reads_the_environment() {
    each(purity::environment);
}

#[test]
fn a_run_cannot_approve_itself() {
    each(signing::few_sign);
}

#[test]
fn no_float_touches_money() {
    each(money::no_float);
}

#[test]
fn manifests_are_sorted_and_take_the_lints_of_the_workspace() {
    each(manifests::sorted);
    each(manifests::lints);
}

#[test]
fn every_crate_has_a_readme() {
    assert_kept(manifests::readmes(&files::all()));
}

#[test]
fn links_between_documents_lead_somewhere() {
    assert_kept(docs::links(&files::all(), &files::exists));
}

#[test]
fn documents_name_only_commands_that_exist() {
    assert_kept(docs::commands(&files::all(), docs::COMMANDS));
}
