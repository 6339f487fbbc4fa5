//! The published tables rerun: all cells on all cores, and what came out as a document.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use common::slo::golden::Unusable;
use serde_json::Value;

use super::experiments::{self, EXPERIMENTS, Experiment};
use super::figure::{Effort, Figure};

/// The cells that are published with this version.
const PUBLISHED: &str = include_str!("published.json");

/// A cell that was rerun.
pub(super) struct Cell {
    pub(super) id: String,
    pub(super) experiment: &'static Experiment,
    pub(super) figures: Vec<Figure>,
}

/// All cells that were rerun, in the order they are published, and how many were left out.
pub(super) struct Tables {
    pub(super) cells: Vec<Cell>,
    left_out: usize,
}

/// Reruns every exact cell that is published, and as many simulated ones as the effort takes.
///
/// # Errors
/// When a cell cannot be rerun.
pub(super) fn published(effort: Effort) -> Result<Tables, String> {
    let published: Value = serde_json::from_str(PUBLISHED).map_err(|error| error.to_string())?;
    let all = published["cases"].as_array().filter(|cases| !cases.is_empty()).ok_or("no cells are published")?;
    let is_exact = |cell: &Value| experiments::of(cell).is_ok_and(|experiment| !experiment.by_chance);
    let is_taken = |at: usize, cell: &Value| effort.takes(at, cell["n"].as_u64().unwrap_or_default());
    let cells = all.iter().enumerate().filter(|(at, cell)| is_exact(cell) || is_taken(*at, cell));
    let cells: Vec<&Value> = cells.map(|(_, cell)| cell).collect();
    Ok(Tables { left_out: all.len() - cells.len(), cells: rerun(&cells, effort)? })
}

/// Reruns these cells on all cores.
///
/// # Errors
/// When a cell cannot be rerun.
pub(super) fn rerun(cells: &[&Value], effort: Effort) -> Result<Vec<Cell>, String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(cell) = cells.get(at) else { break };
            done.push((at, one(cell, effort).map_err(|error| format!("{}: {error}", cell["id"]))?));
        }
        Ok::<_, String>(done)
    };
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let parts: Vec<Result<Vec<(usize, Cell)>, String>> = thread::scope(|scope| {
        let started: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        started.into_iter().map(|worker| worker.join().unwrap_or_else(|_| Err("a rerun broke off".into()))).collect()
    });
    let mut done: Vec<_> = parts.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, cell)| cell).collect())
}

fn one(cell: &Value, effort: Effort) -> Result<Cell, Unusable> {
    let id = common::slo::golden::text(cell, "id")?.to_owned();
    let figures = experiments::rerun(cell, effort)?;
    if figures.is_empty() {
        return Err(Unusable::new("nothing was compared"));
    }
    Ok(Cell { id, experiment: experiments::of(cell)?, figures })
}

impl Tables {
    /// The figures that are too far off.
    fn off(&self) -> impl Iterator<Item = (&Cell, &Figure)> {
        let all = self.cells.iter().flat_map(|cell| cell.figures.iter().map(move |figure| (cell, figure)));
        all.filter(|(_, figure)| !figure.agrees())
    }

    /// True if every figure is as near as it must be.
    pub(super) fn agree(&self) -> bool {
        self.off().next().is_none()
    }

    /// A line for each table, what is too far off, and a line for all.
    pub(super) fn told(&self) -> String {
        let mut lines = Vec::new();
        for experiment in EXPERIMENTS {
            let cells: Vec<_> = self.of(experiment).collect();
            let figures = cells.iter().map(|cell| cell.figures.len()).sum::<usize>();
            let off = self.off().filter(|(cell, _)| cell.experiment.name == experiment.name).count();
            let word = if off == 0 { "ok    " } else { "DIFFER" };
            lines.push(format!("{word} {}: {} cells, {figures} figures, {off} off", experiment.title, cells.len()));
        }
        lines.extend(self.off().map(|(cell, figure)| {
            let (got, published) = (shown(figure.got), shown(figure.published));
            format!("         {} {}: {got}, published {published} ± {:.4}", cell.id, figure.name, figure.within)
        }));
        lines.push(match self.left_out {
            0 => format!("{} cells rerun", self.cells.len()),
            left_out => format!("{} cells rerun, {left_out} left out", self.cells.len()),
        });
        lines.join("\n")
    }

    fn of(&self, experiment: &Experiment) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(|cell| cell.experiment.name == experiment.name)
    }

    /// The document.
    pub(super) fn document(&self) -> String {
        let mut page = format!(
            "# Calibration\n\n\
             How often each verdict is said where the truth is known, and how often an interval holds it. Written by\n\
             `cargo xtask calibrate`, which reruns every cell and fails if one is not what an independent \
             implementation found:\nexact cells to 1e-6, simulated ones, up to {} runs each from a seed of their own, \
             to four standard errors of both\nsimulations and 0.004.\n\n\
             Each cell reads: rerun (published). Its name says the process, the number of samples, and the true P95 in \
             milliseconds,\nthe quantile or the true share. *lognormal* samples are independent; of *bimodal* ones one \
             in ten is four times as slow; *ar1*\nare autocorrelated with that coefficient; of *burst* eight in a \
             hundred are three times as slow, in runs of that many. *naive*\ntakes samples as independent, *adj* goes by \
             their own autocorrelation time, *adj_prior* by history's where that is larger.\n",
            Effort::Full.runs()
        );
        for experiment in EXPERIMENTS {
            if self.of(experiment).next().is_none() {
                continue;
            }
            let header = experiment.shown.join(" | ");
            let how = if experiment.by_chance { "Simulated" } else { "Exact" };
            let rule = "---|".repeat(experiment.shown.len());
            let (title, about) = (experiment.title, experiment.about);
            let _ = write!(page, "\n## {title}\n\n{how}. {about}\n\n| cell | {header} |\n|---|{rule}\n");
            for cell in self.of(experiment) {
                let figures = experiment.shown.iter().map(|name| {
                    let found = cell.figures.iter().find(|figure| figure.name == *name);
                    found.map_or_else(String::new, |f| format!("{} ({})", shown(f.got), shown(f.published)))
                });
                let _ =
                    writeln!(page, "| {} | {} |", cell.id.replace('|', " "), figures.collect::<Vec<_>>().join(" | "));
            }
        }
        page
    }
}

/// A figure with four digits after the point, counts with none.
fn shown(figure: Option<f64>) -> String {
    match figure {
        None => "none".to_owned(),
        Some(figure) if figure.fract() == 0.0 => format!("{figure:.0}"),
        Some(figure) => format!("{figure:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_cell_has_an_experiment_and_every_experiment_cells() {
        let published: Value = serde_json::from_str(PUBLISHED).unwrap();
        let cells = published["cases"].as_array().unwrap();
        for experiment in EXPERIMENTS {
            assert!(cells.iter().any(|cell| cell["experiment"] == experiment.name), "{}", experiment.name);
        }
        for cell in cells {
            experiments::of(cell).unwrap();
        }
    }

    #[test]
    fn the_short_effort_takes_cells_of_every_table() {
        let published: Value = serde_json::from_str(PUBLISHED).unwrap();
        let cells = published["cases"].as_array().unwrap().iter().enumerate();
        let taken: Vec<_> =
            cells.filter(|(at, cell)| Effort::Short.takes(*at, cell["n"].as_u64().unwrap_or(0))).collect();
        for experiment in EXPERIMENTS.iter().filter(|experiment| experiment.by_chance) {
            assert!(taken.iter().any(|(_, cell)| cell["experiment"] == experiment.name), "{}", experiment.name);
        }
    }

    #[test]
    fn every_exact_cell_is_what_is_published() {
        let published: Value = serde_json::from_str(PUBLISHED).unwrap();
        let cells = published["cases"].as_array().unwrap().iter();
        for cell in cells.filter(|cell| !experiments::of(cell).unwrap().by_chance) {
            for figure in experiments::rerun(cell, Effort::Short).unwrap() {
                assert!(figure.agrees(), "{} {figure:?}", cell["id"]);
            }
        }
    }

    #[test]
    fn a_figure_that_is_off_is_told_and_spoils_the_tables() {
        let figure = Figure { name: "PASS".into(), published: Some(0.5), got: Some(0.7), within: 0.1 };
        let tables = |figure: Figure| Tables {
            cells: vec![Cell { id: "c".into(), experiment: &EXPERIMENTS[0], figures: vec![figure] }],
            left_out: 2,
        };
        let off = tables(figure.clone());
        assert!(!off.agree() && off.told().contains("c PASS: 0.7000, published 0.5000 ± 0.1000"), "{}", off.told());
        assert!(off.told().ends_with("1 cells rerun, 2 left out"), "{}", off.told());
        assert!(tables(Figure { within: 0.3, ..figure }).agree());
    }
}
