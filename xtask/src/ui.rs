//! What a person sees while a run goes on.

use common::load::LiveWindow;
use common::verdict::Ruling;

/// Plain lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ui;

impl Ui {
    pub(crate) fn phase_started(&self, phase: u8, title: &str, planned_s: f64) {
        anstream::eprintln!("phase {phase} {title} (~{planned_s:.0} s)");
    }
    pub(crate) fn load_started(&self, scenario: &str, title: &str, seconds: f64) {
        anstream::eprintln!("  {scenario}: {title} ({seconds:.0} s)");
    }
    pub(crate) fn load_tick(&self, _window: &LiveWindow) {}
    pub(crate) fn ruled(&self, ruling: &Ruling) {
        anstream::eprintln!("    {} {}: {}", ruling.verdict.as_str(), ruling.claim.id, ruling.explanation);
    }
    pub(crate) fn note(&self, text: &str) {
        anstream::eprintln!("  note: {text}");
    }
    pub(crate) fn phase_finished(&self, phase: u8, took_s: f64) {
        anstream::eprintln!("phase {phase} took {took_s:.1} s");
    }
    pub(crate) fn finish(&self) {}
}

impl Ui {
    pub(crate) fn detect(_: &common::settings::Settings) -> Self {
        Self
    }
}

/// The verdict, first.
pub(crate) fn render_verdict_block(view: &crate::record::RunView, _color: bool) -> String {
    format!("{:?}", view.rollup)
}

/// For a job's page.
pub(crate) fn github_summary(_view: &crate::record::RunView) -> String {
    String::new()
}
