//! The section of the shapes beyond the baseline: users, requests and P95 over time, stages, and what was stored.

use super::plot;
use super::{Site, TraceLink, state_badge};
use crate::record::{ShapeRun, StageFigures};
use crate::report::state::State;
use crate::report::{perf_summary, text};

/// One shaped load.
pub(super) struct Shape {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) executor: String,
    /// The verdicts on it.
    pub(super) rulings: Vec<(String, String)>,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) crowd: String,
    pub(super) latency: String,
    pub(super) stages: Vec<Vec<String>>,
    /// Events that are not as they should be.
    pub(super) examples: Vec<(u64, TraceLink, String)>,
}

impl Site<'_> {
    pub(super) fn shape(&self, shape: &ShapeRun) -> Shape {
        let prefix = shape.id.replacen('_', ".", 1);
        let loss = format!("{prefix}.nothing_lost");
        let own = self.view.rulings.iter().filter(|ruling| ruling.claim.id == prefix || ruling.claim.id == loss);
        let load = format!("{} {}", shape.app, shape.title);
        let limit = shape.figures.response.limit_ms;
        let stage = |stage: &StageFigures| {
            vec![
                stage.stage.clone(),
                format!("{} to {}", stage.from_s, stage.until_s),
                stage.users.to_string(),
                text::count(stage.requests),
                text::count(stage.errors),
                text::ms(stage.worst_p95_ms),
            ]
        };
        let examples = shape.stored.iter().flat_map(|proof| &proof.examples);
        Shape {
            id: shape.id.clone(),
            title: shape.title.clone(),
            executor: shape.figures.executor.clone(),
            rulings: own.map(|ruling| (state_badge(State::of(ruling)), ruling.claim.text.clone())).collect(),
            facts: perf_summary::facts(shape).into(),
            crowd: plot::crowd(&shape.points, &format!("{load}: users and requests a second over time")),
            latency: plot::shaped(&shape.points, limit, &format!("{load}: P95 of each second, limit {limit} ms")),
            stages: shape.stages.iter().map(stage).collect(),
            examples: examples.map(|e| (e.iteration, self.trace(e.trace_id), e.what.clone())).collect(),
        }
    }
}
