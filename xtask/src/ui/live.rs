//! The live view: one line for the run, one for all current loads, one for each of them; finished things above.

use std::time::{Duration, Instant};

use common::clock;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Tick;
use crate::record::PlannedPhase;
use crate::report::duration;

/// Lines for single loads.
const MOST_LOADS: usize = 8;
const REDRAW: Duration = Duration::from_millis(200);
/// A bar's position is in tenths of a second.
const PER_SECOND: f64 = 10.0;

/// Two lines at the foot of a terminal.
pub(super) struct Live {
    lines: MultiProgress,
    run: ProgressBar,
    load: Option<ProgressBar>,
    each: Vec<ProgressBar>,
    color: bool,
    plan: Vec<PlannedPhase>,
    /// The current phase, when it began, how long it was planned.
    current: Option<(u8, Instant, f64)>,
    /// What was to be shown while the terminal was another program's.
    aside: Option<Vec<String>>,
}

impl Live {
    /// On standard error.
    pub(super) fn new(color: bool) -> Self {
        Self::on(ProgressDrawTarget::stderr(), color)
    }

    /// Nowhere.
    #[cfg(test)]
    pub(super) fn hidden() -> Self {
        Self::on(ProgressDrawTarget::hidden(), false)
    }

    fn on(target: ProgressDrawTarget, color: bool) -> Self {
        let lines = MultiProgress::with_draw_target(target);
        let run = lines.add(ProgressBar::new(0));
        run.set_style(style(color, "{spinner} {prefix}  {bar:24}  {elapsed}  {wide_msg}"));
        run.enable_steady_tick(REDRAW);
        Self { lines, run, load: None, each: Vec::new(), color, plan: Vec::new(), current: None, aside: None }
    }

    pub(super) fn plan(&mut self, phases: &[PlannedPhase]) {
        self.plan = phases.to_vec();
        self.run.set_length(tenths(phases.iter().map(|phase| phase.planned_s).sum()));
    }

    pub(super) fn phase_started(&mut self, phase: u8, title: &str, planned_s: f64) {
        self.current = Some((phase, clock::monotonic(), planned_s));
        self.run.set_prefix(format!("phase {phase} {title}"));
        self.tell_time_left();
    }

    pub(super) fn phase_finished(&mut self, phase: u8) {
        self.current = None;
        self.load_finished();
        let done = self.plan.iter().filter(|planned| planned.phase <= phase).map(|planned| planned.planned_s);
        self.run.set_position(tenths(done.sum()));
    }

    pub(super) fn load_started(&mut self, scenario: &str, title: &str, seconds: f64) {
        self.load_finished();
        let load = self.lines.add(ProgressBar::new(tenths(seconds)));
        load.set_style(style(self.color, "  {prefix}  {bar:12}  {wide_msg}"));
        load.set_prefix(scenario.to_owned());
        load.set_message(title.to_owned());
        self.load = Some(load);
    }

    pub(super) fn load_tick(&mut self, tick: &Tick) {
        if let Some(load) = &self.load {
            load.set_position(tenths(tick.elapsed_s));
            load.set_message(tick.line());
        }
        self.tell_time_left();
    }

    /// A line for each load, as many as leave room for the rest.
    pub(super) fn loads(&mut self, loads: &[(String, String)]) {
        if self.load.is_none() {
            return;
        }
        let shown = loads.len().min(MOST_LOADS);
        while self.each.len() < shown {
            let line = self.lines.add(ProgressBar::new(1));
            line.set_style(ProgressStyle::with_template("    {wide_msg}").expect("a literal with known keys"));
            self.each.push(line);
        }
        for (line, (_, text)) in self.each.iter().zip(loads) {
            line.set_message(text.clone());
        }
        if let Some(last) = self.each.last().filter(|_| loads.len() > MOST_LOADS) {
            last.set_message(format!("and {} more: press t for all", loads.len() + 1 - MOST_LOADS));
        }
    }

    pub(super) fn load_finished(&mut self) {
        for line in self.each.drain(..) {
            line.finish_and_clear();
            self.lines.remove(&line);
        }
        if let Some(load) = self.load.take() {
            load.finish_and_clear();
            self.lines.remove(&load);
        }
    }

    /// Leaves the terminal to another program until `come_back`.
    pub(super) fn step_aside(&mut self) {
        drop(self.lines.clear());
        self.lines.set_draw_target(ProgressDrawTarget::hidden());
        self.aside = Some(Vec::new());
    }

    pub(super) fn come_back(&mut self) {
        self.lines.set_draw_target(ProgressDrawTarget::stderr());
        self.aside.take().unwrap_or_default().iter().for_each(|line| self.line(line));
    }

    pub(super) fn line(&mut self, text: &str) {
        if let Some(later) = &mut self.aside {
            return later.push(text.to_owned());
        }
        // A terminal that went away is no reason to stop.
        drop(self.lines.println(text));
    }

    pub(super) fn clear(&mut self) {
        self.load_finished();
        self.run.finish_and_clear();
        drop(self.lines.clear());
    }

    fn tell_time_left(&self) {
        let Some((phase, began, planned_s)) = self.current else { return };
        let spent_s = began.elapsed().as_secs_f64().min(planned_s);
        let sum = |of: &dyn Fn(u8) -> bool| -> f64 {
            self.plan.iter().filter(|planned| of(planned.phase)).map(|planned| planned.planned_s).sum()
        };
        self.run.set_position(tenths(sum(&|other| other < phase) + spent_s));
        let left_s = sum(&|other| other > phase) + planned_s - spent_s;
        self.run.set_message(format!("about {} left", duration(left_s)));
    }
}

fn style(color: bool, template: &str) -> ProgressStyle {
    let template =
        if color { template.replace("4}", "4.cyan/dim}").replace("12}", "12.cyan/dim}") } else { template.into() };
    let style = ProgressStyle::with_template(&template);
    style.expect("the template is a literal with known keys").progress_chars("━╸─")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, saturates")]
fn tenths(seconds: f64) -> u64 {
    (seconds.max(0.0) * PER_SECOND) as u64
}
